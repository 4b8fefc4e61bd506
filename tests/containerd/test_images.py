"""Images made here, and archives of others on their way in."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from podwright.containerd import importer, oci_image
from podwright.containerd.importer import ImageImportError, full_name, name_docker_manifest, name_oci_index
from podwright.containerd.oci_image import NAME_ANNOTATION, REF_ANNOTATION, File, Image
from podwright.containerd.pause_image import sandbox_image

IMAGE = Image(layers=[{"/bin/tool": File(b"x", mode=0o755), "/etc/link": File(link="/bin/tool")}])


def files_of(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member))}


def test_the_same_files_make_the_same_bytes() -> None:
    assert oci_image.archive({"docker.io/a/b:1": IMAGE}) == oci_image.archive({"docker.io/a/b:1": IMAGE})


def test_every_blob_stands_under_its_digest_and_is_referred_to() -> None:
    files = files_of(oci_image.archive({"docker.io/a/b:1": IMAGE}))
    index = json.loads(files["index.json"])
    manifest = json.loads(files["blobs/" + index["manifests"][0]["digest"].replace(":", "/")])
    for descriptor in (manifest["config"], *manifest["layers"]):
        content = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert oci_image.digest(content) == descriptor["digest"]
        assert len(content) == descriptor["size"]


def test_parents_come_before_their_content() -> None:
    with tarfile.open(fileobj=io.BytesIO(oci_image.layer_tar(IMAGE.layers[0]))) as tar:
        assert tar.getnames() == ["bin", "bin/tool", "etc", "etc/link"]


def test_several_platforms_share_a_name_through_an_index() -> None:
    files = files_of(oci_image.archive({"docker.io/a/b:1": [IMAGE, Image(IMAGE.layers, architecture="s390x")]}))
    top = json.loads(files["index.json"])["manifests"][0]
    inner = json.loads(files["blobs/" + top["digest"].replace(":", "/")])
    assert [entry["platform"]["architecture"] for entry in inner["manifests"]] == [
        oci_image.machine_architecture(),
        "s390x",
    ]


def test_another_pause_program_is_another_image(tmp_path: Path) -> None:
    names = set()
    for content in (b"one", b"two"):
        (tmp_path / "p").write_bytes(content)
        names.add(sandbox_image(tmp_path / "p")[0])
    assert len(names) == 2


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("a/b:1", "docker.io/a/b:1"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("localhost/x", "localhost/x:latest"),
        ("reg:5000/x", "reg:5000/x:latest"),
        ("reg.io/x@sha256:1", "reg.io/x@sha256:1"),
    ],
)
def test_names_are_stored_in_full(written: str, full: str) -> None:
    assert full_name(written) == full


@pytest.mark.parametrize(
    ("annotations", "given", "name"),
    [
        ({NAME_ANNOTATION: "docker.io/a/b:1", REF_ANNOTATION: "1"}, None, "docker.io/a/b:1"),
        ({REF_ANNOTATION: "reg.io/a:2"}, None, "reg.io/a:2"),
        ({REF_ANNOTATION: "1.0"}, "mine:3", "docker.io/library/mine:3"),
        ({NAME_ANNOTATION: "docker.io/a/b:1"}, "mine:3", "docker.io/library/mine:3"),
    ],
    ids=["containerd's annotation", "a full ref.name", "a bare tag needs a name", "a given name wins"],
)
def test_the_name_of_an_oci_image(annotations: dict[str, str], given: str | None, name: str) -> None:
    _, names = name_oci_index({"manifests": [{"digest": "d", "annotations": annotations}]}, given)
    assert names == [name]


@pytest.mark.parametrize(
    ("index", "given"),
    [
        ({"manifests": [{"digest": "d", "annotations": {REF_ANNOTATION: "1.0"}}]}, None),
        ({"manifests": [{"digest": "d"}]}, None),
        ({"manifests": []}, None),
        ({"manifests": [{"digest": "d"}, {"digest": "e"}]}, "x"),
    ],
    ids=["a bare tag", "no annotation", "no image", "one name for two images"],
)
def test_an_oci_index_without_usable_names_is_refused(index: dict[str, Any], given: str | None) -> None:
    with pytest.raises(ImageImportError):
        name_oci_index(index, given)


def test_docker_archives_get_full_names_too() -> None:
    assert name_docker_manifest([{"RepoTags": ["a:1", "b/c:2"]}], None)[1] == [
        "docker.io/library/a:1",
        "docker.io/b/c:2",
    ]
    with pytest.raises(ImageImportError, match="no name"):
        name_docker_manifest([{"RepoTags": None}], None)


@pytest.mark.parametrize("content", [b"", b"x" * 2000, oci_image.layer_tar({"/a": File(b"")})])
def test_what_is_no_image_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ImageImportError, match="not an image archive"):
        importer.rewrite_archive(io.BytesIO(content), None, io.BytesIO())


@pytest.mark.parametrize("document", [b"3", b"[]", b"{}", b'{"manifests": [3]}', b"{", b'{"manifests": {}}'])
def test_an_index_of_the_wrong_form_is_refused(document: bytes) -> None:
    archive = oci_image.layer_tar({"/index.json": File(document)})
    with pytest.raises(ImageImportError):
        importer.rewrite_archive(io.BytesIO(archive), None, io.BytesIO())
