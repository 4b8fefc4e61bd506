"""Pinned images: by name, in a file, for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwright.kubelet.images.gc import images_of
from podwright.kubelet.images.pins import Pins, PinsError, listed_name

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("r.io/a:1", "r.io/a:1"),
        (f"r.io/a:1@{DIGEST}", f"r.io/a@{DIGEST}"),
    ],
)
def test_names_are_those_that_runtimes_list(written: str, listed: str) -> None:
    assert listed_name(written) == listed


def test_what_is_pinned_stays_so_until_it_is_unpinned(tmp_path: Path) -> None:
    assert Pins(tmp_path).names() == frozenset()
    assert Pins(tmp_path).pin("busybox:1") == "docker.io/library/busybox:1"
    Pins(tmp_path).pin("r.io/a")
    assert Pins(tmp_path).names() == {"docker.io/library/busybox:1", "r.io/a:latest"}
    Pins(tmp_path).unpin("docker.io/library/busybox:1")
    assert Pins(tmp_path).names() == {"r.io/a:latest"}


@pytest.mark.parametrize("content", ["{", "{}", "[1]"])
def test_a_broken_file_is_no_leave_to_remove(tmp_path: Path, content: str) -> None:
    Pins(tmp_path).pin("a")
    (tmp_path / "image_manager" / "pinned.json").write_text(content)
    with pytest.raises(PinsError):
        Pins(tmp_path).names()


def test_a_pod_needs_the_images_of_its_containers_and_volumes_until_it_has_ended() -> None:
    volumes = [{"name": "a", "image": {"reference": "files:1"}}, {"name": "b", "image": {"reference": "NO:"}}, {}]
    spec = {"volumes": volumes, "containers": [{"image": "main"}], "initContainers": [{"image": "r.io/first:1"}]}
    names = {"docker.io/library/files:1", "docker.io/library/main:latest", "r.io/first:1"}
    assert images_of({"spec": spec, "status": {"phase": "Pending"}}) == names
    assert images_of({"spec": spec, "status": {"phase": "Failed"}}) == set()
    assert images_of({}) == set()
