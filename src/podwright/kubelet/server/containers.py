"""Which Pod, container and instance of it a request means. Pure; what is not there is refused in Kubernetes' words.

Called by `server` and `streams`.
Page: https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.pods import containers, spec_of
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus
from podwright.kubelet.server.errors import Refused

_STATUS_FIELDS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_PULLS = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


def find_pod(pods: Iterable[Object], namespace: str, name: str) -> Object:
    """The Pod of that name; of two, the one that is not on its way out. Raises Refused."""
    found = [pod for pod in pods if namespace_of(pod) == namespace and name_of(pod) == name]
    if not found:
        raise Refused(404, f'pod "{name}" does not exist')
    staying = [pod for pod in found if not metadata(pod).get("deletionTimestamp")]
    return (staying or found)[-1]


def check_container(pod: Object, container: str) -> None:
    """Raises Refused when the Pod has no container of that name."""
    if not any(at.container["name"] == container for at in containers(spec_of(pod))):
        raise Refused(404, f'container "{container}" not found in pod "{name_of(pod)}"')


def status_entries(pod: Object) -> Iterator[Mapping[str, Any]]:
    """The statuses of all containers, of every kind."""
    status = pod.get("status") or {}
    return (entry for field in _STATUS_FIELDS for entry in status.get(field) or ())


def status_of(pod: Object, container: str) -> Mapping[str, Any] | None:
    """The container's entry in the Pod's status."""
    return next((entry for entry in status_entries(pod) if entry["name"] == container), None)


def logged_instance(pod: Object, container: str, runtime: PodRuntimeStatus, *, previous: bool) -> ContainerStatus:
    """The instance whose log is meant: the newest that was started, or with `previous` the one before the current.

    A container that waits to be started again has no current one. Raises Refused.
    """
    what = f'container "{container}" in pod "{name_of(pod)}"'
    status = status_of(pod, container)
    state = (status or {}).get("state") or {}
    begun = [c for c in runtime.containers if c.name == container and c.state is not ContainerState.CREATED]
    if previous:
        current_is_there = bool(begun) and (begun[0].state is not ContainerState.EXITED or "waiting" not in state)
        earlier = begun[1:] if current_is_there else begun
        if not earlier:
            raise Refused(400, f"previous terminated {what} not found")
        return earlier[0]
    if begun:
        return begun[0]
    if "waiting" in state or (status is not None and not state):
        reason = (state.get("waiting") or {}).get("reason", "")
        if not reason:
            raise Refused(400, f"{what} is waiting to start - no logs yet")
        raise Refused(400, f"{what} is waiting to start: {_PULLS.get(reason, reason)}")
    if "terminated" in state:
        raise Refused(400, f"{what} is terminated")
    raise Refused(400, f"{what} is not available")


def has_ended(pod: Object | None, container: str, container_id: str) -> bool:
    """Whether a container that ran has ended, as its Pod's status says; None: the Pod is gone."""
    if pod is None:
        return True
    status = status_of(pod, container) or {}
    for field in ("state", "lastState"):
        for kind, detail in (status.get(field) or {}).items():
            if kind == "terminated" and bare_id(detail.get("containerID", "")) == container_id:
                return True
    newer = bare_id(status.get("containerID", ""))
    restarted = bool(newer) and newer != container_id
    return restarted and "running" in (status.get("state") or {})


def running_instance(container: str, runtime: PodRuntimeStatus) -> ContainerStatus:
    """The instance that a command can be run in. Raises Refused."""
    newest = runtime.newest(container)
    if newest is None or newest.state is not ContainerState.RUNNING:
        raise Refused(404, f'container not found ("{container}")')
    return newest


def ready_sandbox(pod: Object, runtime: PodRuntimeStatus) -> str:
    """The id of the sandbox whose ports can be reached. Raises Refused."""
    if runtime.sandbox is None or not runtime.sandbox.ready:
        raise Refused(404, f'pod not found ("{name_of(pod)}_{namespace_of(pod)}"): it has no running sandbox')
    return runtime.sandbox.id


def bare_id(container_id: str) -> str:
    """The runtime's own id, of one that a status shows (`containerd://...`)."""
    return container_id.rpartition("//")[2]
