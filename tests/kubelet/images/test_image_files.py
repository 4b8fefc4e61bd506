"""Who mounts an image as a volume, and what is mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from podwright.cri.generated import containerd_pb2 as pb
from podwright.kubelet.images.image_files import ImageFilesError, Plan, Way, carry_out, plan, way_of
from podwright.kubelet.volumes import mounts

SNAPSHOTS = "/data/containerd/snapshots"


@pytest.mark.parametrize(
    ("name", "version", "way"),
    [
        pytest.param("containerd", "1.6.20~ds1", Way.SNAPSHOT, id="an older containerd has snapshots only"),
        pytest.param("containerd", "2.0.1", Way.SNAPSHOT, id="so has the first of its second series"),
        pytest.param("containerd", "2.1.0-beta.1", Way.RUNTIME, id="2.1 mounts images"),
        pytest.param("containerd", "10.0", Way.RUNTIME, id="numbers are compared as numbers"),
        pytest.param("cri-o", "1.31.0", Way.RUNTIME, id="CRI-O since 1.31"),
        pytest.param("other", "0.1", Way.RUNTIME, id="one that we do not know is asked"),
    ],
)
def test_who_mounts(name: str, version: str, way: Way) -> None:
    assert way_of(name, version) is way


def test_where_nobody_can_the_need_is_named() -> None:
    with pytest.raises(ImageFilesError, match=r"need cri-o 1\.31 or newer; this node has 1\.24\.6"):
        way_of("cri-o", "1.24.6")


def test_one_layer_is_bound_and_several_are_laid_over_each_other() -> None:
    one = pb.MountPart(type="bind", source=f"{SNAPSHOTS}/7/fs", options=["ro", "rbind"])
    assert plan([one]) == Plan(bind=f"{SNAPSHOTS}/7/fs")
    lower = f"lowerdir={SNAPSHOTS}/9/fs:{SNAPSHOTS}/8/fs:{SNAPSHOTS}/7/fs"
    several = pb.MountPart(type="overlay", source="overlay", options=["index=off", lower])
    assert plan([several]) == Plan(folder=SNAPSHOTS, lower=["9/fs", "8/fs", "7/fs"])


@pytest.mark.parametrize("parts", [[], [pb.MountPart(type="zfs")], [pb.MountPart(type="overlay")]])
def test_another_snapshotter_s_mounts_are_refused(parts: list[pb.MountPart]) -> None:
    with pytest.raises(ImageFilesError, match="mounts of another kind"):
        plan(parts)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
@pytest.mark.parametrize("count", [1, 120], ids=["one layer", "as many layers as an image may have"])
def test_the_files_of_all_layers_are_there_and_can_not_be_changed(tmp_path: Path, count: int) -> None:
    layers = [
        tmp_path / "a-folder-whose-name-is-long-enough-for-a-page-of-options" / str(n) / "fs" for n in range(count)
    ]
    for number, layer in enumerate(layers):
        layer.mkdir(parents=True)
        (layer / f"file-{number}").write_text("x")
    if count == 1:
        part = pb.MountPart(type="bind", source=str(layers[0]), options=["ro", "rbind"])
    else:
        part = pb.MountPart(type="overlay", options=[f"lowerdir={':'.join(map(str, layers))}"])
    target = tmp_path / "target"
    try:
        for _ in range(2):
            carry_out(plan([part]), target)
        assert len(list(target.iterdir())) == count
        assert len(mounts.mounted_below(target)) == 1
        with pytest.raises(OSError, match="Read-only file system"):
            (target / "new").touch()
    finally:
        mounts.unmount(str(target))
