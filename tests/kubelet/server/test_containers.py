"""Which instance of a container a request means."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus
from podwright.kubelet.server.containers import (
    check_container,
    find_pod,
    has_ended,
    logged_instance,
    ready_sandbox,
    running_instance,
)
from podwright.kubelet.server.errors import Refused

RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
CRASHING: dict[str, Any] = {"waiting": {"reason": "CrashLoopBackOff"}}


def pod(state: dict[str, Any] | None = None, name: str = "p", uid: str = "u", **more: Any) -> dict[str, Any]:
    statuses = [{"name": "c", "state": state, **more}] if state is not None else []
    return {
        "metadata": {"namespace": "n", "name": name, "uid": uid},
        "spec": {"containers": [{"name": "c"}]},
        "status": {"containerStatuses": statuses},
    }


def having(*states: ContainerState) -> PodRuntimeStatus:
    """Newest first; ids count from the oldest."""
    newest = len(states) - 1
    return PodRuntimeStatus(
        "u",
        containers=[ContainerStatus(str(newest - i), "c", s, newest - i, "", "") for i, s in enumerate(states)],
    )


E, R, C = ContainerState.EXITED, ContainerState.RUNNING, ContainerState.CREATED


@pytest.mark.parametrize(
    ("state", "instances", "previous", "chosen"),
    [
        pytest.param(RUNNING, (R, E), False, "1", id="the running one"),
        pytest.param(RUNNING, (R, E), True, "0", id="previous: the one before the running one"),
        pytest.param(CRASHING, (E, E), False, "1", id="crashing: what ran last"),
        pytest.param(CRASHING, (E, E), True, "1", id="previous of a crashing one is what ran last"),
        pytest.param({"terminated": {}}, (E, E), False, "1", id="an ended one"),
        pytest.param({"terminated": {}}, (E, E), True, "0", id="previous: the one before the ended one"),
        pytest.param(CRASHING, (C, E), False, "0", id="one that was not started has no log yet"),
    ],
)
def test_the_log_of(state: Any, instances: tuple[ContainerState, ...], previous: bool, chosen: str) -> None:
    assert logged_instance(pod(state), "c", having(*instances), previous=previous).id == chosen


@pytest.mark.parametrize(
    ("state", "previous", "message"),
    [
        pytest.param(
            {"waiting": {"reason": "ContainerCreating"}},
            False,
            'container "c" in pod "p" is waiting to start: ContainerCreating',
            id="being created",
        ),
        pytest.param(
            {"waiting": {"reason": "ErrImagePull"}},
            False,
            'container "c" in pod "p" is waiting to start: image can\'t be pulled',
            id="its image can't be pulled",
        ),
        pytest.param(
            {"waiting": {"reason": "ImagePullBackOff"}},
            False,
            'container "c" in pod "p" is waiting to start: trying and failing to pull image',
            id="between pulls",
        ),
        pytest.param(
            {}, False, 'container "c" in pod "p" is waiting to start - no logs yet', id="a status without a state"
        ),
        pytest.param({"terminated": {}}, False, 'container "c" in pod "p" is terminated', id="ended and removed"),
        pytest.param(None, False, 'container "c" in pod "p" is not available', id="no status yet"),
        pytest.param(
            RUNNING, True, 'previous terminated container "c" in pod "p" not found', id="no previous instance"
        ),
    ],
)
def test_no_log(state: Any, previous: bool, message: str) -> None:
    with pytest.raises(Refused) as refused:
        logged_instance(pod(state), "c", having(*([R] if previous else [])), previous=previous)
    assert (refused.value.status, str(refused.value)) == (400, message)


def test_the_first_run_has_no_previous_one() -> None:
    with pytest.raises(Refused, match="previous terminated"):
        logged_instance(pod({"terminated": {}}), "c", having(E), previous=True)


@pytest.mark.parametrize(
    ("seen", "ended"),
    [
        pytest.param(None, True, id="its Pod is gone"),
        pytest.param(pod({"terminated": {"containerID": "containerd://x"}}), True, id="it has ended"),
        pytest.param(
            pod(CRASHING, lastState={"terminated": {"containerID": "containerd://x"}}), True, id="the next one waits"
        ),
        pytest.param(pod(RUNNING, containerID="containerd://y"), True, id="another one runs"),
        pytest.param(pod(RUNNING, containerID="containerd://x"), False, id="it runs"),
        pytest.param(
            pod({"waiting": {"reason": "ContainerCreating"}}), False, id="its status has not been made since it started"
        ),
    ],
)
def test_a_followed_container_has_ended(seen: Any, ended: bool) -> None:
    assert has_ended(seen, "c", "x") is ended


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match='pod "q" does not exist'):
        find_pod([pod()], "n", "q")
    with pytest.raises(Refused, match='container "d" not found in pod "p"'):
        check_container(pod(), "d")
    with pytest.raises(Refused, match=r'container not found \("c"\)'):
        running_instance("c", having(E))
    with pytest.raises(Refused, match="no running sandbox"):
        ready_sandbox(pod(), PodRuntimeStatus("u"))


def test_of_two_pods_with_a_name_the_one_that_stays_is_meant() -> None:
    leaving = pod(uid="old")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert find_pod([pod(uid="new"), leaving], "n", "p")["metadata"]["uid"] == "new"


def test_the_newest_ready_sandbox() -> None:
    sandbox = SandboxStatus("s", True, 0, datetime.datetime.now(datetime.UTC))
    assert ready_sandbox(pod(), PodRuntimeStatus("u", sandboxes=[sandbox])) == "s"
