"""Decides the phase of a Pod from its container statuses.

Pure; called by `generate`. The rules are the kubelet's: init containers first, then whether anything still waits,
runs or has ended; a terminal phase is never left again.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podwright.api.objects import Object
from podwright.api.pods import is_sidecar
from podwright.api.reasons import Phase
from podwright.kubelet.status.restarts import restarts_after, restarts_all_after

TERMINAL = (Phase.SUCCEEDED, Phase.FAILED)
Status = Mapping[str, Any]


def has_started(status: Status) -> bool:
    """Whether a container runs or has ever run."""
    state = status.get("state") or {}
    return "running" in state or ended(status) is not None


def ended(status: Status) -> Mapping[str, Any] | None:
    """How the last run of a container that is not running ended; None while it runs or when it never ran."""
    state = status.get("state") or {}
    if "terminated" in state:
        terminated: Mapping[str, Any] = state["terminated"]
        return terminated
    if "waiting" in state or not state:
        return (status.get("lastState") or {}).get("terminated")
    return None


def pod_phase(pod: Object, statuses: Iterable[Status], *, stopping: bool = False, sandbox_stands: bool = True) -> Phase:
    """The phase, given the statuses of init and app containers.

    `stopping`: no container will be started again, whatever the restart policy says. `sandbox_stands`: it is there and
    ready, so that all containers can be made to run again in it.
    """
    spec = pod["spec"]
    by_name = {s["name"]: s for s in statuses}
    apps = [by_name.get(c["name"]) for c in spec.get("containers") or ()]
    initialized = any(s is not None and has_started(s) for s in apps)
    pending = False
    running = waiting = unknown = 0

    for container in spec.get("initContainers") or ():
        status = by_name.get(container["name"])
        if is_sidecar(container):
            if status is None:
                unknown += 1
            elif "running" in status["state"]:
                running += 1
                pending |= not status.get("started")
            elif ended(status) is None:
                waiting += 1
                pending = True
            continue
        end = ended(status) if status is not None else None
        if end is None:
            pending = True
        elif end.get("exitCode", 0) != 0:
            if stopping or not restarts_after(pod, container, end["exitCode"]):
                return Phase.FAILED
            pending = True

    ends: list[tuple[Mapping[str, Any], int]] = []
    for container, status in zip(spec.get("containers") or (), apps, strict=True):
        if status is None:
            unknown += 1
        elif "running" in status["state"]:
            running += 1
        elif (end := ended(status)) is not None:
            ends.append((container, int(end.get("exitCode", 0))))
        else:
            waiting += 1

    if (pending and not initialized) or waiting or unknown:
        return Phase.PENDING
    if running:
        return Phase.RUNNING
    if not ends:
        return Phase.PENDING
    again = any(restarts_after(pod, c, code) for c, code in ends) or (sandbox_stands and _all_run_again(spec, by_name))
    if again and not stopping:
        return Phase.RUNNING
    return Phase.SUCCEEDED if all(code == 0 for _, code in ends) else Phase.FAILED


def _all_run_again(spec: Mapping[str, Any], by_name: Mapping[str, Status]) -> bool:
    """Whether the end of one container, a sidecar's perhaps, has all of them run again, the ended ones too."""
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        end = ended(by_name[container["name"]]) if container["name"] in by_name else None
        if end is not None and restarts_all_after(container, int(end.get("exitCode", 0))):
            return True
    return False
