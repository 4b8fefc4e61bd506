"""Decides containerStatuses, initContainerStatuses and ephemeralContainerStatuses of a Pod.

Pure; called by `generate`. What the runtime has comes first; a container that could not be started waits with the
reason of its last failure; what the runtime has lost is filled in from the previous status, so that nothing that
was once known (a last state, a restart count) is forgotten.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, copy_object, rfc3339
from podwright.api.pods import is_sidecar
from podwright.api.reasons import Terminated, Waiting
from podwright.kubelet.errors import WaitingError
from podwright.kubelet.interfaces import ContainerKind
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus
from podwright.kubelet.status.restarts import restarts_after

LOST_EXIT_CODE = 137
LOST_AT_END = "The container could not be located when the pod was terminated"
LOST_WHILE_RUNNING = "The container could not be located when the pod was deleted.  The container used to be Running"

STATUS_FIELD = {
    ContainerKind.INIT: "initContainerStatuses",
    ContainerKind.APP: "containerStatuses",
    ContainerKind.EPHEMERAL: "ephemeralContainerStatuses",
}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probing has found out about a container; None: it has no such probe."""

    ready: bool | None = None
    started: bool | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was observed of one Pod at one moment."""

    runtime: PodRuntimeStatus
    failures: Mapping[str, WaitingError]
    """by container name: why its last start failed"""
    probes: Mapping[str, ProbeResult]
    """by container name, of the instance that runs"""


def container_statuses(
    pod: Object, kind: ContainerKind, seen: Seen, previous: Mapping[str, Any], runtime_name: str
) -> list[dict[str, Any]]:
    """The statuses of all containers of one kind, in the order of the spec; `previous` is the Pod's last status."""
    before = {s["name"]: s for s in previous.get(STATUS_FIELD[kind]) or ()}
    waiting = Waiting.POD_INITIALIZING if pod["spec"].get("initContainers") else Waiting.CONTAINER_CREATING
    return [
        _with_probes(
            _container_status(
                pod,
                container,
                kind,
                seen,
                before.get(container["name"]),
                waiting=str(waiting),
                runtime_name=runtime_name,
            ),
            container,
            kind,
            seen.probes.get(container["name"], ProbeResult()),
        )
        for container in pod["spec"].get(kind.value) or ()
    ]


def lost(message: str) -> dict[str, Any]:
    """The terminated state of a container of which nobody knows how it ended."""
    return {"exitCode": LOST_EXIT_CODE, "reason": str(Terminated.CONTAINER_STATUS_UNKNOWN), "message": message}


def _container_status(
    pod: Object,
    container: Mapping[str, Any],
    kind: ContainerKind,
    seen: Seen,
    before: Mapping[str, Any] | None,
    *,
    waiting: str,
    runtime_name: str,
) -> dict[str, Any]:
    instances = [c for c in seen.runtime.containers if c.name == container["name"]][:2]
    if instances:
        status = _from_runtime(container, instances, before, runtime_name)
    else:
        status = _not_in_runtime(pod, container, before, waiting)
    failure = seen.failures.get(container["name"])
    if failure is not None and _would_start(pod, container, kind, instances[0] if instances else None):
        if "terminated" in status["state"]:
            status["lastState"] = status["state"]
        status["state"] = {"waiting": _without_empty(reason=failure.reason, message=failure.message)}
    return status


def _from_runtime(
    container: Mapping[str, Any],
    instances: Sequence[ContainerStatus],
    before: Mapping[str, Any] | None,
    runtime_name: str,
) -> dict[str, Any]:
    newest = instances[0]
    status: dict[str, Any] = {
        "name": newest.name,
        "state": _state(newest, before, runtime_name),
        "lastState": {},
        "ready": False,
        "restartCount": newest.attempt,
        "image": newest.image,
        "imageID": newest.image_ref,
        "containerID": f"{runtime_name}://{newest.id}",
    }
    if len(instances) > 1:
        status["lastState"] = _state(instances[1], None, runtime_name)
    elif before is not None:
        status["lastState"] = _last_state(newest, before, runtime_name)
    if own := (container.get("lifecycle") or {}).get("stopSignal"):
        status["stopSignal"] = own
    if "waiting" not in status["state"]:
        resources = container.get("resources") or {}
        status["resources"] = copy_object(resources)
        if requests := resources.get("requests"):
            status["allocatedResources"] = dict(requests)
    return status


def _last_state(newest: ContainerStatus, before: Mapping[str, Any], runtime_name: str) -> dict[str, Any]:
    """The runtime has one instance only: the one before it stands in the previous status, if anywhere."""
    if before.get("containerID") not in (None, "", f"{runtime_name}://{newest.id}"):
        state = before.get("state") or {}
        if "terminated" in state:
            return copy_object(dict(state))
        if "running" in state:
            return {"terminated": lost(LOST_WHILE_RUNNING) | {"containerID": before["containerID"]}}
    return copy_object(dict(before.get("lastState") or {}))


def _not_in_runtime(
    pod: Object, container: Mapping[str, Any], before: Mapping[str, Any] | None, waiting: str
) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": container["name"],
        "state": {"waiting": {"reason": waiting}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.get("image") or "",
        "imageID": "",
    }
    if before is None:
        return status
    state = before.get("state") or {}
    if "terminated" in state:
        return copy_object(dict(before))
    status["restartCount"] = before.get("restartCount") or 0
    status["lastState"] = copy_object(dict(before.get("lastState") or {}))
    if "running" in state:
        # It ran and has vanished: without a last state the Pod would seem never to have started.
        status["lastState"] = {"terminated": lost(LOST_WHILE_RUNNING) | _id_of(before)}
        if not pod["metadata"].get("deletionTimestamp"):
            status["restartCount"] += 1
    return status


def _id_of(before: Mapping[str, Any]) -> dict[str, str]:
    return {"containerID": before["containerID"]} if before.get("containerID") else {}


def _state(container: ContainerStatus, before: Mapping[str, Any] | None, runtime_name: str) -> dict[str, Any]:
    match container.state:
        case ContainerState.RUNNING:
            return {"running": {"startedAt": _time(container.started_at)}}
        case ContainerState.EXITED:
            default = Terminated.COMPLETED if container.exit_code == 0 else Terminated.ERROR
            return {
                "terminated": {
                    "exitCode": container.exit_code,
                    "reason": container.reason or str(default),
                    **_without_empty(message=container.message),
                    "startedAt": _time(container.started_at),
                    "finishedAt": _time(container.finished_at),
                    "containerID": f"{runtime_name}://{container.id}",
                }
            }
        case ContainerState.UNKNOWN if before is not None and "running" in (before.get("state") or {}):
            return {"terminated": lost(LOST_AT_END)}
        case _:
            return {"waiting": {}}


def _would_start(
    pod: Object, container: Mapping[str, Any], kind: ContainerKind, newest: ContainerStatus | None
) -> bool:
    """Whether the next pass starts this container, so that why it did not start is what the user wants to know."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    if newest is None:
        return True
    if newest.state is ContainerState.RUNNING:
        return False
    if newest.state is not ContainerState.EXITED:
        return True
    if kind is ContainerKind.EPHEMERAL:
        return False
    if kind is ContainerKind.INIT and newest.exit_code == 0 and not is_sidecar(container):
        return False
    return restarts_after(pod, container, newest.exit_code)


def _with_probes(
    status: dict[str, Any], container: Mapping[str, Any], kind: ContainerKind, probe: ProbeResult
) -> dict[str, Any]:
    running = "running" in status["state"]
    if kind is ContainerKind.EPHEMERAL:
        return status
    if kind is ContainerKind.INIT and not is_sidecar(container):
        status["ready"] = (status["state"].get("terminated") or {"exitCode": 1}).get("exitCode") == 0
        status["started"] = running
        return status
    status["started"] = running and probe.started is not False
    status["ready"] = status["started"] and probe.ready is not False
    return status


def _time(moment: Any) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _without_empty(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
