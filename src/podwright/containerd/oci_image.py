"""Images made on the machine: from files to an OCI archive, byte for byte the same for the same input.

Used for the sandbox image, the example image and the tests' images. No time, user or machine goes into an image.
Page: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"

NAME_ANNOTATION: Final = "io.containerd.image.name"
REF_ANNOTATION: Final = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True)
class File:
    """One entry of a layer, by its absolute path: content, or the target of a symbolic link, or a folder."""

    content: bytes | None = None
    link: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform."""

    layers: Sequence[Mapping[str, File]]
    config: Mapping[str, Any] = field(default_factory=dict)
    """Cmd, Entrypoint, Env, User, WorkingDir, ... as the image specification spells them"""
    architecture: str = ""
    """as Go spells it; "": this machine's"""


def machine_architecture() -> str:
    """This machine's architecture, as Go spells it."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def digest(content: bytes) -> str:
    """`sha256:...`"""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layer_tar(files: Mapping[str, File]) -> bytes:
    """A layer as an uncompressed tar, entries sorted by path, every parent folder before its content."""
    entries = dict(files)
    for path in files:
        parts = path.strip("/").split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            entries.setdefault("/" + "/".join(parts[:depth]), File(mode=0o755))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(entries):
            file = entries[path]
            info = tarfile.TarInfo(path.strip("/"))
            info.mode, info.uid, info.gid = file.mode, file.uid, file.gid
            if file.content is not None:
                info.size = len(file.content)
                tar.addfile(info, io.BytesIO(file.content))
            elif file.link:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, file.link, 0o777
                tar.addfile(info)
            else:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def _manifest(image: Image, blobs: dict[str, bytes]) -> dict[str, Any]:
    """The descriptor of the image's manifest; everything it names is added to `blobs`."""
    layers = [layer_tar(files) for files in image.layers]
    architecture = image.architecture or machine_architecture()
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": dict(image.config),
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer) for layer in layers],
        }
    )
    for blob in (*layers, config, manifest):
        blobs[digest(blob)] = blob
    return {**_descriptor(MANIFEST, manifest), "platform": {"architecture": architecture, "os": "linux"}}


def layout_files(images: Mapping[str, Image | Sequence[Image]]) -> dict[str, bytes]:
    """The files of an OCI layout with these images by full name; several images under one name: a platform index."""
    blobs: dict[str, bytes] = {}
    top: list[dict[str, Any]] = []
    for name, image in images.items():
        if isinstance(image, Image):
            descriptor = _manifest(image, blobs)
        else:
            manifests = [_manifest(one, blobs) for one in image]
            index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
            blobs[digest(index)] = index
            descriptor = _descriptor(INDEX, index)
        tag = name.rpartition(":")[2]
        top.append({**descriptor, "annotations": {NAME_ANNOTATION: name, REF_ANNOTATION: tag}})
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": top}),
    }
    files.update({f"blobs/{name.replace(':', '/')}": blob for name, blob in sorted(blobs.items())})
    return files


def archive(images: Mapping[str, Image | Sequence[Image]]) -> bytes:
    """The OCI archive (a tar of the layout)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in layout_files(images).items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
