from __future__ import annotations

from pathlib import Path

from tests.kubelet.kuberuntime.pods import UID, container, instance, pod, sandbox, state
from tests.kubelet.kuberuntime.rig import Rig

from podwright.kubelet.kuberuntime.garbage import dead_containers, dead_sandboxes

A = pod(container("a"), container("b"))


def test_the_newest_dead_instance_of_each_container_stays() -> None:
    status = state(
        instance(A, "a", "running", attempt=3),
        instance(A, "a", "exited", attempt=2),
        instance(A, "b", "exited", attempt=1),
        instance(A, "a", "exited", attempt=1),
        instance(A, "b", "exited", attempt=0),
    )
    assert [c.id for c in dead_containers(status)] == ["a-1", "b-0"]


def test_old_sandboxes_go_when_they_are_empty() -> None:
    kept = instance(A, "a", "exited", box="used")
    superfluous = instance(A, "b", "exited", box="emptied")
    boxes = (sandbox("newest", False), sandbox("used", False), sandbox("emptied", False), sandbox("ready"))
    assert [s.id for s in dead_sandboxes(state(kept, superfluous, boxes=boxes), [superfluous])] == ["emptied"]


async def test_collecting_removes_the_files_of_what_goes(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    obj = pod(container("a", terminationMessagePath="/m"))
    for at in range(3):
        await rig.sync(obj)
        (rig.paths.pod_log_directory(obj) / "a" / f"{at}.log").touch()
        rig.cri.exit("a", 1)
        rig.time += 1000
    await rig.runtime.collect_garbage(obj, await rig.status())
    assert [c.config.metadata.attempt for c in rig.cri.containers.values()] == [2]
    left = {p.name for p in (rig.paths.pod_log_directory(obj) / "a").iterdir()}
    assert left == {"2.log", "2.message"}
    assert len(list(rig.paths.container_logs.iterdir())) == 1


async def test_removing_a_pod_leaves_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    obj = pod(container("a", terminationMessagePath="/m"))
    await rig.sync(obj)
    await rig.runtime.kill_pod(obj, await rig.status(), 0)
    await rig.runtime.remove_pod(await rig.status())
    assert not rig.cri.sandboxes and not rig.cri.containers
    assert rig.cgroups.removed == [UID]
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == []
    await rig.runtime.remove_pod(await rig.status())
