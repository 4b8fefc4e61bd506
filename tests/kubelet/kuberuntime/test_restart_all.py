"""One container's end has all of them run again, in the same sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.kubelet.kuberuntime.pods import container, deleted, pod
from tests.kubelet.kuberuntime.rig import Rig

from podwright.kubelet.kuberuntime.actions import compute_actions
from podwright.kubelet.kuberuntime.sync_pod import PodProbes

RULES = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def ruled(name: str = "main") -> dict[str, Any]:
    return container(name, restartPolicy="Never", restartPolicyRules=RULES)


async def until_settled(rig: Rig, obj: dict[str, Any]) -> None:
    while (await rig.sync(obj)).changed:
        for one in list(rig.cri.containers.values()):
            if one.config.metadata.name == "init" and one.state == 1:
                rig.cri.exit("init", 0)


async def test_all_end_at_once_and_start_from_the_first_init_container(rig: Rig) -> None:
    obj = pod(ruled(), container("other"), init=[container("init")], restartPolicy="Never")
    await until_settled(rig, obj)
    (box,) = rig.cri.sandboxes
    rig.cri.calls.clear()
    rig.cri.exit("main", 42)
    await until_settled(rig, obj)
    done = rig.cri.called("StopContainer", "CreateContainer")
    assert done == [
        ("StopContainer", "other"),
        ("CreateContainer", "init"),
        ("CreateContainer", "main"),
        ("CreateContainer", "other"),
    ]
    assert list(rig.cri.sandboxes) == [box] and len(rig.cri.containers) == 3
    assert rig.hooks.calls == []


async def test_the_second_time_waits_as_a_crash_does(rig: Rig) -> None:
    obj = pod(ruled(), restartPolicy="Never")
    await until_settled(rig, obj)
    rig.cri.exit("main", 42, at=int(rig.time))
    await until_settled(rig, obj)
    rig.cri.exit("main", 42, at=int(rig.time))
    result = await rig.sync(obj)
    assert result.failures["main"].reason == "CrashLoopBackOff" and not result.changed


async def test_another_exit_code_and_a_deleted_pod_restart_nothing(rig: Rig) -> None:
    obj = pod(ruled(), container("other"), restartPolicy="Never")
    await until_settled(rig, obj)
    rig.cri.exit("main", 1)
    status, probes = await rig.status(), PodProbes("u", rig.probes)  # type: ignore[arg-type]
    assert compute_actions(obj, status, probes).reset is None
    rig.cri.by_name("main").exit_code = 42
    rig.runtime = rig.fresh()
    status = await rig.status()
    assert compute_actions(obj, status, probes).reset is not None
    assert compute_actions(deleted(obj), status, probes).reset is None
