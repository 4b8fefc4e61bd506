"""Decides the conditions of a Pod that the kubelet owns.

Pure; called by `generate`. Reasons and messages are those that `kubectl describe` users know.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api.objects import Object, rfc3339
from podwright.api.pods import is_sidecar
from podwright.api.reasons import Phase
from podwright.kubelet.runtime_state import PodRuntimeStatus
from podwright.kubelet.status.phase import has_started
from podwright.kubelet.status.resize import CONDITIONS, SETTLED, Resize, resize_conditions

READY_TO_START = "PodReadyToStartContainers"
OWNED = (READY_TO_START, "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""In the order in which they stand in the status."""
PASSING = CONDITIONS
"""Those that are there only while they are true."""

Condition = dict[str, Any]
Statuses = Sequence[Mapping[str, Any]]


def pod_conditions(
    pod: Object,
    phase: Phase,
    runtime: PodRuntimeStatus,
    inits: Statuses,
    apps: Statuses,
    *,
    previous: Mapping[str, Any],
    now: datetime.datetime,
    resize: Resize = SETTLED,
) -> list[Condition]:
    """All conditions: those of others as they are, then the kubelet's own; times kept where the status is the same."""
    foreign = [dict(c) for c in previous.get("conditions") or () if c.get("type") not in (*OWNED, *PASSING)]
    containers = containers_ready(pod, phase, [*inits, *apps])
    own = [
        _condition(READY_TO_START, has_sandbox(pod, runtime)),
        initialized(pod, phase, inits, apps),
        ready(pod, containers, foreign),
        containers,
        _condition("PodScheduled", True),
        *resize_conditions(resize),
    ]
    before = {c.get("type"): c for c in previous.get("conditions") or ()}
    generation = (pod.get("metadata") or {}).get("generation")
    for condition in own:
        old = before.get(condition["type"])
        same = old is not None and old.get("status") == condition["status"] and old.get("lastTransitionTime")
        condition["lastProbeTime"] = None
        condition["lastTransitionTime"] = old["lastTransitionTime"] if old is not None and same else rfc3339(now)
        if generation is not None:
            condition["observedGeneration"] = generation
    return foreign + own


def has_sandbox(pod: Object, runtime: PodRuntimeStatus) -> bool:
    """Whether the sandbox and its network are there, so that containers can be started."""
    sandbox = runtime.sandbox
    if sandbox is None or not sandbox.ready or sum(s.ready for s in runtime.sandboxes) > 1:
        return False
    host_network = bool(pod["spec"].get("hostNetwork"))
    return sandbox.host_network == host_network and (host_network or bool(sandbox.ips))


def containers_ready(pod: Object, phase: Phase, statuses: Statuses) -> Condition:
    """ContainersReady: every app container and sidecar is ready."""
    by_name = {s["name"]: s for s in statuses}
    wanted = [c["name"] for c in pod["spec"].get("initContainers") or () if is_sidecar(c)]
    wanted += [c["name"] for c in pod["spec"].get("containers") or ()]
    unknown = [name for name in wanted if name not in by_name]
    unready = [name for name in wanted if name in by_name and not by_name[name].get("ready")]
    if phase is Phase.SUCCEEDED and not unknown:
        return _condition("ContainersReady", False, "PodCompleted")
    if phase is Phase.FAILED:
        return _condition("ContainersReady", False, "PodFailed")
    return _condition("ContainersReady", *_verdict("ContainersNotReady", unknown, "unready", unready))


def ready(pod: Object, containers: Condition, foreign: Sequence[Condition]) -> Condition:
    """Ready: the containers are, and every readiness gate says True."""
    if containers["status"] != "True":
        return containers | {"type": "Ready"}
    by_type = {c.get("type"): c for c in foreign}
    complaints = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in by_type:
            complaints.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif by_type[kind].get("status") != "True":
            status = by_type[kind].get("status")
            complaints.append(f'the status of pod readiness gate "{kind}" is not "True", but {status}')
    if complaints:
        return _condition("Ready", False, "ReadinessGatesNotReady", ", ".join(complaints))
    return _condition("Ready", True)


def initialized(pod: Object, phase: Phase, inits: Statuses, apps: Statuses) -> Condition:
    """Initialized: the init containers have done their work and the sidecars have started."""
    by_name = {s["name"]: s for s in inits}
    containers = pod["spec"].get("initContainers") or ()
    unknown = [c["name"] for c in containers if c["name"] not in by_name]
    incomplete = [
        c["name"]
        for c in containers
        if c["name"] in by_name and not by_name[c["name"]].get("started" if is_sidecar(c) else "ready")
    ]
    if phase is Phase.SUCCEEDED and not unknown:
        return _condition("Initialized", True, "PodCompleted")
    if any(has_started(s) for s in apps):
        return _condition("Initialized", True)
    return _condition("Initialized", *_verdict("ContainersNotInitialized", unknown, "incomplete", incomplete))


def _verdict(reason: str, unknown: Sequence[str], what: str, names: Sequence[str]) -> tuple[bool, str, str]:
    complaints = []
    if unknown:
        complaints.append(f"containers with unknown status: [{' '.join(unknown)}]")
    if names:
        complaints.append(f"containers with {what} status: [{' '.join(names)}]")
    return (False, reason, ", ".join(complaints)) if complaints else (True, "", "")


def _condition(kind: str, status: bool, reason: str = "", message: str = "") -> Condition:
    condition: Condition = {"type": kind, "status": "True" if status else "False"}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition
