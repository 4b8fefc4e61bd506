"""What state each container of a Pod is in, in few words. Pure; `ps`, `run` and `why` read it.

Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object
from podwright.api.pods import containers, is_sidecar, spec_of

_STATUSES = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container as its Pod's status tells it."""

    name: str
    kind: str
    """container, init container, sidecar or ephemeral container"""
    image: str
    state: str
    """waiting, running or terminated"""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    since: str = ""
    """RFC 3339: when it entered this state; "" when that is not known"""
    ready: bool = False
    restarts: int = 0
    container_id: str = ""
    last: Mapping[str, Any] | None = None
    """how the run before ended: `lastState.terminated`"""


def container_states(pod: Object) -> Iterator[ContainerState]:
    """Every container of the Pod's spec, init containers first; those without a status yet are waiting."""
    status = pod.get("status") or {}
    for field, _, container in containers(spec_of(pod)):
        known = {entry["name"]: entry for entry in status.get(_STATUSES[field]) or ()}
        yield _state(field, container, known.get(container["name"]) or {})


def _state(field: str, container: Mapping[str, Any], status: Mapping[str, Any]) -> ContainerState:
    kind = {"containers": "container", "ephemeralContainers": "ephemeral container"}.get(field, "init container")
    state = status.get("state") or {}
    name = next((name for name in ("running", "terminated", "waiting") if state.get(name) is not None), "waiting")
    detail = state.get(name) or {}
    return ContainerState(
        name=container["name"],
        kind="sidecar" if field == "initContainers" and is_sidecar(container) else kind,
        image=container.get("image") or "",
        state=name,
        reason=detail.get("reason") or "",
        message=detail.get("message") or "",
        exit_code=detail.get("exitCode"),
        since=detail.get("finishedAt") or detail.get("startedAt") or "",
        ready=bool(status.get("ready")),
        restarts=status.get("restartCount") or 0,
        container_id=(status.get("containerID") or detail.get("containerID") or ""),
        last=(status.get("lastState") or {}).get("terminated"),
    )


def word(container: ContainerState) -> str:
    """The state in one word or two: Running, CrashLoopBackOff, Completed, Error (3)."""
    if container.state == "running":
        return "Running"
    if container.state == "waiting":
        return container.reason or "Waiting"
    reason = container.reason or "Terminated"
    return f"{reason} ({container.exit_code})" if container.exit_code else reason
