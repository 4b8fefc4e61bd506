"""The memory watch: on the kernel's own hierarchies, and as v2 would tell it on plain files."""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from podwright.kubelet.cgroups import memory_watch
from podwright.kubelet.cgroups.hierarchy import Hierarchies, read_hierarchies
from podwright.kubelet.cgroups.limits import Limits
from podwright.kubelet.cgroups.memory_watch import MemoryWatch, _Signals, watch_memory
from podwright.kubelet.cgroups.pods import PodCgroups
from podwright.kubelet.cgroups.tree import CgroupTree

GREEDY = "b'x' * (64 << 20)"
KILLED = "import os; os.kill(os.getpid(), 9)"


@pytest.fixture
def pod() -> Iterator[str]:
    name = f"/podwright-test-{uuid.uuid4().hex[:8]}"
    CgroupTree(read_hierarchies()).create(name, Limits(512, memory=24 << 20))
    yield name
    CgroupTree(read_hierarchies()).remove(name)


def container_of(tree: CgroupTree, pod: str, name: str) -> Path:
    directory = tree.directory("memory", f"{pod}/{name}")
    assert directory is not None
    directory.mkdir(exist_ok=True)
    return directory


def run(directory: Path, program: str) -> int:
    """Run a program in a cgroup, which goes afterwards."""
    enter = f"import os; open({str(directory / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    return subprocess.run([sys.executable, "-c", f"{enter}; {program}"], check=False).returncode


@pytest.mark.node
@pytest.mark.parametrize("limited", ["pod", "container"])
@pytest.mark.parametrize("gone", [pytest.param(True, id="gone"), pytest.param(False, id="still there")])
@pytest.mark.parametrize(
    ("program", "ran_out"), [pytest.param(GREEDY, True, id="greedy"), pytest.param(KILLED, False, id="killed")]
)
def test_whether_memory_was_the_reason(pod: str, limited: str, gone: bool, program: str, ran_out: bool) -> None:
    tree = CgroupTree(read_hierarchies())
    watch = watch_memory(tree, pod, "a")
    assert watch is not None
    directory = container_of(tree, pod, "a")
    if limited == "container":
        tree.create(pod, Limits(512, memory=256 << 20))
        tree.create(f"{pod}/a", Limits(512, memory=24 << 20))
    assert run(directory, program) == -9
    if gone:
        tree.remove(f"{pod}/a")
    assert watch.ran_out() is ran_out
    assert watch.ran_out() is ran_out, "an answer stays"


@pytest.mark.node
def test_nothing_is_waited_for_without_patience(pod: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if read_hierarchies().is_v2:
        pytest.skip("on cgroup v2 nothing has to be waited for")
    tree = CgroupTree(read_hierarchies())
    watch = watch_memory(tree, pod, "a")
    assert isinstance(watch, _Signals)
    tree.remove(f"{pod}/a")
    with select.epoll() as gone:
        gone.register(watch._signals, select.EPOLLIN)
        assert gone.poll(60)
    monkeypatch.setattr(memory_watch, "_GOING_LIMIT", -1)
    assert not watch.ran_out(patient=False)


@pytest.mark.parametrize("ours", [True, False], ids=["ended by us", "ended by itself"])
async def test_who_ended_it_decides_on_the_patience(ours: bool, v2: Hierarchies) -> None:
    asked: list[bool] = []

    class Watch:
        def ran_out(self, *, patient: bool = True) -> bool:
            asked.append(patient)
            return False

    cgroups = PodCgroups(CgroupTree(v2), "p")
    cgroups._watches["a"] = Watch()
    if ours:
        cgroups.ending("a")
    await cgroups.ran_out_of_memory("a")
    cgroups.forget("a")
    cgroups._watches["a"] = Watch()
    await cgroups.ran_out_of_memory("a")
    assert asked == [not ours, True]


@pytest.mark.node
def test_another_container_s_memory_is_not_its_own(pod: str) -> None:
    hierarchies = read_hierarchies()
    if hierarchies.is_v2:
        pytest.skip("on cgroup v2 the Pod's count is all there is")
    tree = CgroupTree(hierarchies)
    tree.create(pod, Limits(512, memory=256 << 20))
    watches = {name: watch_memory(tree, pod, name) for name in "ab"}
    tree.create(f"{pod}/a", Limits(512, memory=24 << 20))
    assert run(container_of(tree, pod, "a"), GREEDY) == -9
    assert {name: watch.ran_out() for name, watch in watches.items() if watch} == {"a": True, "b": False}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        # The one that listed the directory.
        return ""


@pytest.mark.node
def test_a_watch_holds_a_file_only_while_somebody_refers_to_it(pod: str) -> None:
    tree = CgroupTree(read_hierarchies())

    def held() -> int:
        return sum("eventfd" in _target(path) for path in Path("/proc/self/fd").iterdir())

    before = held()
    watches: list[MemoryWatch | None] = [watch_memory(tree, pod, f"c{number}") for number in range(20)]
    assert held() - before <= 20
    watches.clear()
    assert held() == before


@pytest.fixture
def v2(tmp_path: Path) -> Hierarchies:
    events = tmp_path / "p/kubepods/burstable/podu/memory.events"
    events.parent.mkdir(parents=True)
    events.write_text("low 0\nmax 3\noom 1\noom_kill 1\n")
    return Hierarchies(unified=tmp_path)


async def test_on_v2_the_pod_s_count_is_compared_with_what_it_was(v2: Hierarchies, tmp_path: Path) -> None:
    cgroups = PodCgroups(CgroupTree(v2), "p")
    for id in ("a", "b"):
        await cgroups.watch_memory("u", id)
    assert not await cgroups.ran_out_of_memory("a")
    (tmp_path / "p/kubepods/burstable/podu/memory.events").write_text("low 0\nmax 4\noom 2\noom_kill 2\n")
    assert await cgroups.ran_out_of_memory("a")
    cgroups.forget("a")
    assert not await cgroups.ran_out_of_memory("a"), "it is not known any more"
    # Once it is gone with its Pod there is nothing to be told.
    shutil.rmtree(tmp_path / "p")
    assert not await cgroups.ran_out_of_memory("b")


async def test_a_pod_without_a_cgroup_is_not_watched(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    cgroups = PodCgroups(CgroupTree(Hierarchies({"memory": tmp_path / "memory"})), "p")
    await cgroups.watch_memory("u", "a")
    assert not await cgroups.ran_out_of_memory("a")
    assert list((tmp_path / "memory").iterdir()) == []
