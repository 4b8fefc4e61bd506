"""PodCgroups on trees of plain files, laid out as the kernel lays out its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from podwright.api.objects import Object
from podwright.kubelet.cgroups import tree as tree_module
from podwright.kubelet.cgroups.hierarchy import Hierarchies
from podwright.kubelet.cgroups.pods import PodCgroups, instance_name
from podwright.kubelet.cgroups.tree import CgroupTree
from podwright.kubelet.cgroups.usage import Usage

BURSTABLE = {"requests": {"cpu": "500m"}}
FULL = {"cpu": "1", "memory": "64Mi"}


def pod(uid: str, resources: Object | None = None) -> Object:
    return {"metadata": {"uid": uid}, "spec": {"containers": [{"name": "a", "resources": resources or {}}]}}


@pytest.fixture
def v1(tmp_path: Path) -> Hierarchies:
    for name in ("cpu", "memory", "pids", "cpuacct", "systemd", "unified"):
        (tmp_path / name).mkdir()
    controllers = {name: tmp_path / name for name in ("cpu", "memory", "pids", "cpuacct")}
    return Hierarchies(controllers, (tmp_path / "systemd",), tmp_path / "unified")


@pytest.fixture
def v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hierarchies:
    """The kernel gives every new cgroup its control files; here mkdir does."""
    plain = Path.mkdir

    def mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        new = not self.exists()
        plain(self, mode, parents, exist_ok)
        if new:
            (self / "cgroup.controllers").write_text("cpu memory pids\n")
            (self / "cgroup.subtree_control").write_text("")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    (tmp_path / "v2").mkdir()
    return Hierarchies(unified=tmp_path / "v2")


@pytest.fixture(autouse=True)
def kernel_rmdir(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cgroup's control files go with it."""
    monkeypatch.setattr(Path, "rmdir", lambda self: shutil.rmtree(self))


def text(path: Path) -> str:
    return path.read_text()


async def test_v1(v1: Hierarchies, tmp_path: Path) -> None:
    cgroups = PodCgroups(CgroupTree(v1), "pw")
    await cgroups.start(4000, 1 << 30)
    assert text(tmp_path / "cpu/pw/kubepods/cpu.shares") == "4096"
    assert text(tmp_path / "memory/pw/kubepods/memory.limit_in_bytes") == str(1 << 30)
    assert text(tmp_path / "cpu/pw/kubepods/besteffort/cpu.shares") == "2"
    for uid, resources in (("a", BURSTABLE), ("b", BURSTABLE), ("c", {"limits": FULL, "requests": FULL}), ("d", None)):
        await cgroups.create(pod(uid, resources))
    assert text(tmp_path / "cpu/pw/kubepods/burstable/cpu.shares") == "1024"
    assert text(tmp_path / "memory/pw/kubepods/podc/memory.limit_in_bytes") == str(64 << 20)
    assert cgroups.parent(pod("a", BURSTABLE)) == "/pw/kubepods/burstable/poda"
    assert cgroups.parent(pod("c", {"limits": FULL, "requests": FULL})) == "/pw/kubepods/podc"
    assert cgroups.parent(pod("d")) == "/pw/kubepods/besteffort/podd"
    # What the runtime makes beside ours goes as well.
    for name in ("systemd", "unified", "cpuacct"):
        (tmp_path / name / "pw/kubepods/burstable/poda/container").mkdir(parents=True)
    await cgroups.remove("a")
    await cgroups.remove("a")
    assert list(tmp_path.rglob("poda")) == []
    assert text(tmp_path / "cpu/pw/kubepods/burstable/cpu.shares") == "512"
    await cgroups.sweep(keep=["c"])
    assert {path.name for path in tmp_path.rglob("pod?")} == {"podc"}
    await cgroups.remove_all()
    assert not list(tmp_path.rglob("pw"))


async def test_v2(v2: Hierarchies, tmp_path: Path) -> None:
    cgroups = PodCgroups(CgroupTree(v2), "pw", pids=50)
    await cgroups.start(4000, None)
    await cgroups.create(pod("a", BURSTABLE))
    root = tmp_path / "v2"
    assert text(root / "cgroup.subtree_control") == "+cpu +memory +pids"
    assert text(root / "pw/kubepods/burstable/poda/cgroup.subtree_control") == "+cpu +memory +pids"
    assert text(root / "pw/kubepods/burstable/poda/cpu.weight") == "20"
    assert text(root / "pw/kubepods/burstable/poda/pids.max") == "50"
    await cgroups.remove("a")
    assert not list(root.rglob("poda"))


async def test_usage(v1: Hierarchies, tmp_path: Path) -> None:
    cgroups = PodCgroups(CgroupTree(v1), "pw")
    await cgroups.create(pod("d"))
    assert await cgroups.usage(pod("d")) is None
    name = "pw/kubepods/besteffort/podd"
    for file, value in (
        ("cpuacct/{}/cpuacct.usage", "12345\n"),
        ("memory/{}/memory.usage_in_bytes", "1000\n"),
        ("memory/{}/memory.stat", "cache 5\ntotal_inactive_file 300\ntotal_rss 600\n"),
        ("pids/{}/pids.current", "7\n"),
    ):
        path = tmp_path / file.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    assert await cgroups.usage(pod("d")) == Usage(12345, 1000, 700, 600, 7)


async def test_usage_on_v2(v2: Hierarchies, tmp_path: Path) -> None:
    cgroups = PodCgroups(CgroupTree(v2), "pw")
    await cgroups.create(pod("d"))
    directory = tmp_path / "v2/pw/kubepods/besteffort/podd"
    for file, value in (
        ("cpu.stat", "usage_usec 12\n"),
        ("memory.current", "9"),
        ("memory.stat", "anon 4\ninactive_file 2\n"),
    ):
        (directory / file).write_text(value)
    assert await cgroups.usage(pod("d")) == Usage(12000, 9, 7, 4, 0)


def test_a_limit_that_cannot_be_written_is_told_with_its_file(v1: Hierarchies, tmp_path: Path) -> None:
    (tmp_path / "cpu/x").mkdir()
    (tmp_path / "cpu/x/cpu.shares").mkdir()
    with pytest.raises(OSError, match=r"cannot write 2 to .*/cpu/x/cpu\.shares"):
        CgroupTree(v1).create("/x", tree_module.Limits(2))


def test_each_data_directory_has_a_name_of_its_own(tmp_path: Path) -> None:
    assert instance_name(tmp_path / "a") != instance_name(tmp_path / "b")
    assert instance_name(tmp_path / "a").startswith("podwright-")
