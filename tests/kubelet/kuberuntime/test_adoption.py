"""What an earlier kubelet has left half done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.cri import FakeContainer
from tests.kubelet.kuberuntime.pods import NOW, container, instance, pod
from tests.kubelet.kuberuntime.rig import Rig
from tests.kubelet.kuberuntime.test_removal import LEFT_TASK, STARTING

from podwright.api.objects import Object
from podwright.cri.errors import DeadlineExceeded
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime import adoption
from podwright.kubelet.kuberuntime.adoption import Fate, fate, told_ended
from podwright.kubelet.kuberuntime.pod_containers import find_member
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus

NEVER = pod(container("a"), restartPolicy="Never")
ON_FAILURE = pod(container("a"), restartPolicy="OnFailure")
ALWAYS = pod(container("a"))
RULED = pod(
    container("a", restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [128]}}]),
    restartPolicy="Never",
)
INIT = pod(container("b"), init=[container("a")], restartPolicy="Never")
ANOTHER = pod(container("b"), restartPolicy="Never")

# As containerd 1.6 tells what it has undone, each seen after a start that was broken off.
NOT_MADE = "failed to create containerd task: failed to create shim task: context canceled: unknown"
NO_SHIM = "failed to create containerd task: failed to start shim: start failed: : signal: killed: unknown"
NO_PID = "failed to create containerd task: failed to get task pid: context canceled: unknown"
LET_RUN = 'failed to start containerd task "a-0": context canceled: unknown'


def ended(of: Object, message: str = "", reason: str = "StartError", code: int = 128) -> ContainerStatus:
    return replace(instance(of, "a", "exited", code), reason=reason, message=message)


@pytest.mark.parametrize(
    ("of", "given", "told", "expected"),
    [
        pytest.param(NEVER, instance(NEVER, "a", "created"), (), Fate.FORGOTTEN, id="never started"),
        pytest.param(NEVER, instance(NEVER, "a", "running"), (), Fate.KEPT, id="it runs"),
        pytest.param(NEVER, instance(NEVER, "a", "unknown"), (), Fate.KEPT, id="nobody knows"),
        pytest.param(NEVER, ended(NEVER, code=1, reason="Error"), (), Fate.KEPT, id="it has run and failed"),
        pytest.param(NEVER, ended(NEVER, reason="Error"), (), Fate.KEPT, id="it ended with 128 by itself"),
        pytest.param(NEVER, replace(ended(NEVER), started_at=NOW), (), Fate.KEPT, id="it had begun"),
        pytest.param(NEVER, ended(NEVER, NOT_MADE), (), Fate.FORGOTTEN, id="Never: no process"),
        pytest.param(NEVER, ended(NEVER, NO_SHIM), (), Fate.FORGOTTEN, id="Never: no shim"),
        pytest.param(NEVER, ended(NEVER, NO_PID), (), Fate.FORGOTTEN, id="Never: a process that was not let run"),
        pytest.param(NEVER, ended(NEVER, LET_RUN), (), Fate.AGAIN, id="Never: perhaps let run"),
        pytest.param(INIT, ended(INIT, NOT_MADE), (), Fate.FORGOTTEN, id="an init container"),
        pytest.param(INIT, ended(INIT, LET_RUN), (), Fate.AGAIN, id="an init container, perhaps let run"),
        pytest.param(ALWAYS, ended(ALWAYS, NOT_MADE), (), Fate.FORGOTTEN, id="Always: no process"),
        pytest.param(ALWAYS, ended(ALWAYS, LET_RUN), (), Fate.KEPT, id="Always: the policy starts it again"),
        pytest.param(ON_FAILURE, ended(ON_FAILURE, LET_RUN), (), Fate.KEPT, id="OnFailure: so it does here"),
        pytest.param(RULED, ended(RULED, LET_RUN), (), Fate.KEPT, id="and a rule of the container"),
        pytest.param(NEVER, ended(NEVER, NOT_MADE), ("a-0",), Fate.KEPT, id="its end was told"),
        pytest.param(NEVER, ended(NEVER, NOT_MADE), ("a-9",), Fate.FORGOTTEN, id="another's end was told"),
        pytest.param(ANOTHER, ended(NEVER, NOT_MADE), (), Fate.KEPT, id="not in the spec"),
    ],
)
def test_fate(of: Object, given: ContainerStatus, told: tuple[str, ...], expected: Fate) -> None:
    assert fate(given, find_member(of, given.name), told) is expected


def test_whose_end_a_status_tells() -> None:
    def end(id: str) -> Object:
        return {"terminated": {"exitCode": 1, "containerID": f"containerd://{id}"}}

    status = {
        "containerStatuses": [{"state": end("a-1"), "lastState": end("a-0")}, {"state": {"running": {}}}],
        "initContainerStatuses": [{"state": {"terminated": {"exitCode": 137}}, "lastState": {}}],
        "ephemeralContainerStatuses": [{"state": end("e-0")}],
    }
    assert told_ended(status) == {"a-0", "a-1", "e-0"}
    assert told_ended({}) == frozenset()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def undo(rig: Rig, message: str) -> FakeContainer:
    """What containerd does to a container whose start lost its caller."""
    made = rig.cri.by_name("a")
    made.state, made.started = pb.ContainerState.CONTAINER_EXITED, 0
    made.exit_code, made.reason, made.message, made.finished = 128, "StartError", message, made.created
    return made


async def adopt(rig: Rig, obj: Object) -> None:
    """What a new kubelet does first."""
    rig.runtime = rig.fresh()
    await rig.runtime.adopt(obj, await rig.status(), ())


async def left_half_started(rig: Rig, obj: Object, message: str) -> FakeContainer:
    await rig.sync(obj)
    (rig.paths.pod_log_directory(obj) / "a" / "0.log").write_text("")
    rig.events.written.clear()
    return undo(rig, message)


async def test_one_that_can_not_have_begun_is_made_anew_and_does_not_count(rig: Rig) -> None:
    undone = await left_half_started(rig, NEVER, NO_PID)
    rig.cri.fail_next("RemoveContainer", LEFT_TASK)
    await adopt(rig, NEVER)
    assert rig.tasks.ended == [undone.id] and not rig.cri.containers
    await rig.sync(NEVER)
    assert rig.cri.by_name("a").config.metadata.attempt == 0
    assert rig.events.reasons() == ["Created", "Started"]


async def test_one_that_may_have_begun_counts_and_is_told(rig: Rig) -> None:
    undone = await left_half_started(rig, NEVER, "")
    undone.message = f'failed to start containerd task "{undone.id}": context canceled: unknown'
    await adopt(rig, NEVER)
    await rig.sync(NEVER)
    assert rig.cri.by_name("a").config.metadata.attempt == 1
    text = "Error: the start was broken off when the kubelet ended, and is made again: "
    text += 'failed to start containerd task "a": context canceled: unknown'
    assert rig.events.written[0] == ("Warning", "Failed", text, "spec.containers{a}")


@pytest.mark.parametrize("comes_to", ["running", "undone"])
async def test_a_start_that_is_under_way_is_waited_for(rig: Rig, comes_to: str) -> None:
    await rig.sync(NEVER)
    container = rig.cri.by_name("a")
    container.state, container.started = pb.ContainerState.CONTAINER_CREATED, 0
    refused = 0

    async def remove(id: str) -> pb.RemoveContainerResponse:
        nonlocal refused
        refused += 1
        if refused == 3:
            if comes_to == "undone":
                undo(rig, NOT_MADE)
            else:
                container.state, container.started = pb.ContainerState.CONTAINER_RUNNING, container.created
        if refused <= 3:
            raise STARTING
        rig.cri.containers.pop(id)
        return pb.RemoveContainerResponse()

    rig.cri.remove_container = remove  # type: ignore[method-assign]
    await adopt(rig, NEVER)
    left = [c.state for c in (await rig.status()).containers]
    assert left == ([ContainerState.RUNNING] if comes_to == "running" else [])


async def test_a_start_that_never_ends_is_an_error(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "STARTING_LIMIT", -1.0)
    await rig.sync(NEVER)
    rig.cri.by_name("a").state = pb.ContainerState.CONTAINER_CREATED
    rig.cri.fail_next("RemoveContainer", STARTING)
    with pytest.raises(DeadlineExceeded, match="neither finished nor undone"):
        await adopt(rig, NEVER)


async def test_what_runs_is_only_looked_at(rig: Rig) -> None:
    await rig.sync(NEVER)
    rig.cri.calls.clear()
    await adopt(rig, NEVER)
    assert not rig.cri.called("RemoveContainer", "StopContainer")
