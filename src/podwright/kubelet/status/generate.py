"""Decides the whole PodStatus from the Pod, what was observed of it, and its previous status.

Pure; called by `pod_sync` after each pass, by `pod_admission`'s callers for a Pod that is refused, and at a Pod's end.
Three rules hold above all: a terminal phase is never left; conditions of others are kept; what the kubelet was told
about the end (eviction, deadline, a Pod that can never run) stands above what the containers say.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, copy_object, rfc3339
from podwright.api.pods import containers_together, qos_class
from podwright.api.reasons import Phase
from podwright.kubelet.interfaces import ContainerKind
from podwright.kubelet.runtime_state import PodRuntimeStatus
from podwright.kubelet.status.conditions import pod_conditions
from podwright.kubelet.status.containers import LOST_AT_END, Seen, container_statuses, lost
from podwright.kubelet.status.phase import TERMINAL, has_started, pod_phase
from podwright.kubelet.status.resize import SETTLED, Resize


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a Pod ends Failed, decided outside its containers: refused, evicted, past its deadline, impossible."""

    reason: str
    message: str
    conditions: Sequence[Mapping[str, Any]] = ()
    """further conditions to show, such as DisruptionTarget: type, status, reason, message"""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What of the node stands in every Pod's status."""

    host_ips: Sequence[str]
    runtime_name: str = "containerd"
    """the scheme of containerID, as the runtime names itself"""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a Pod's end has come."""

    stopping: bool = False
    """no container will be started again"""
    finished: bool = False
    """nothing runs and nothing will: every container has ended or never will start"""
    verdict: Verdict | None = None


def pod_status(
    pod: Object,
    seen: Seen,
    node: HostFacts,
    *,
    previous: Mapping[str, Any],
    now: datetime.datetime,
    stage: Stage = Stage(),
    resize: Resize = SETTLED,
) -> Object:
    """A new PodStatus; `previous` is the newest one known, which may be the API's or not yet written."""
    name = node.runtime_name
    inits = container_statuses(pod, ContainerKind.INIT, seen, previous, name)
    apps = container_statuses(pod, ContainerKind.APP, seen, previous, name)
    ephemerals = container_statuses(pod, ContainerKind.EPHEMERAL, seen, previous, name)
    if stage.finished:
        _finish(inits, apps)
    phase = _phase(pod, [*inits, *apps], previous, stage, seen.runtime)
    status: Object = {}
    if (generation := pod["metadata"].get("generation")) is not None:
        status["observedGeneration"] = generation
    status["phase"] = str(phase)
    status["conditions"] = pod_conditions(
        pod, phase, seen.runtime, inits, apps, previous=previous, now=now, resize=resize
    )
    if resize.in_progress:
        _keep_resources([*inits, *apps], previous)
    status |= _of_the_whole_pod(pod, previous, resize)
    _explain(status, previous, stage, now)
    status |= _addresses(pod, seen, node, previous)
    status["startTime"] = previous.get("startTime") or rfc3339(now)
    if inits:
        status["initContainerStatuses"] = inits
    status["containerStatuses"] = apps
    if ephemerals:
        status["ephemeralContainerStatuses"] = ephemerals
    status["qosClass"] = previous.get("qosClass") or qos_class(pod)
    return status


def _keep_resources(statuses: Sequence[dict[str, Any]], previous: Mapping[str, Any]) -> None:
    """While containers are being resized they have what they had."""
    before = [*(previous.get("initContainerStatuses") or ()), *(previous.get("containerStatuses") or ())]
    had = {s["name"]: s["resources"] for s in before if "resources" in s}
    for status in statuses:
        if "resources" in status and status["name"] in had:
            status["resources"] = copy_object(had[status["name"]])


def _of_the_whole_pod(pod: Object, previous: Mapping[str, Any], resize: Resize) -> Object:
    """What the Pod was given in all, and the limits of the Pod as a whole where it has some."""
    spec = pod["spec"]
    of_pod = spec.get("resources") or {}
    told: Object = {}
    if given := of_pod.get("requests") or containers_together(spec, "requests"):
        told["allocatedResources"] = dict(given)
    if of_pod:
        # While it is being resized it has what it had.
        had = previous.get("resources") if resize.in_progress else None
        told["resources"] = copy_object(had or of_pod)
    return told


def refused_status(pod: Object, verdict: Verdict, now: datetime.datetime) -> Object:
    """The status of a Pod that this node does not admit: Failed, with nothing said of its containers."""
    previous = pod.get("status") or {}
    status: Object = {
        "phase": str(Phase.FAILED),
        "reason": verdict.reason,
        "message": verdict.message,
        "startTime": previous.get("startTime") or rfc3339(now),
    }
    if (generation := pod["metadata"].get("generation")) is not None:
        status["observedGeneration"] = generation
    if conditions := previous.get("conditions"):
        status["conditions"] = copy_object(conditions)
    status["qosClass"] = previous.get("qosClass") or qos_class(pod)
    return status


def _phase(
    pod: Object,
    statuses: Sequence[Mapping[str, Any]],
    previous: Mapping[str, Any],
    stage: Stage,
    runtime: PodRuntimeStatus,
) -> Phase:
    old = Phase(previous.get("phase") or Phase.PENDING)
    if old in TERMINAL:
        return old
    stands = runtime.sandbox is not None and runtime.sandbox.ready
    phase = pod_phase(pod, statuses, stopping=stage.stopping, sandbox_stands=stands)
    if stage.verdict is not None or (stage.finished and phase not in TERMINAL):
        phase = Phase.FAILED
    if phase in TERMINAL and not stage.finished and any(runtime.running()):
        # Whoever waits for the end (a Job, a person) may count on nothing of the Pod running any more.
        return old
    if phase is Phase.PENDING and old is Phase.RUNNING:
        return Phase.RUNNING
    return phase


def _explain(status: Object, previous: Mapping[str, Any], stage: Stage, now: datetime.datetime) -> None:
    """reason and message belong to the phase they came with; a verdict brings its own."""
    if stage.verdict is not None and status["phase"] == Phase.FAILED and previous.get("phase") not in TERMINAL:
        status["reason"] = stage.verdict.reason
        status["message"] = stage.verdict.message
    elif status["phase"] == (previous.get("phase") or Phase.PENDING):
        for field in ("reason", "message"):
            if previous.get(field):
                status[field] = previous[field]
    if stage.verdict is not None:
        known = {c["type"] for c in status["conditions"]}
        status["conditions"] += [
            {**c, "lastProbeTime": None, "lastTransitionTime": rfc3339(now)}
            for c in stage.verdict.conditions
            if c["type"] not in known
        ]


def _addresses(pod: Object, seen: Seen, node: HostFacts, previous: Mapping[str, Any]) -> Object:
    addresses: Object = {}
    if node.host_ips:
        addresses["hostIP"] = node.host_ips[0]
        addresses["hostIPs"] = [{"ip": ip} for ip in node.host_ips]
    ips = list(node.host_ips) if pod["spec"].get("hostNetwork") else list(seen.runtime.ips)
    if not ips:
        # A Pod that has ended keeps the address it had: logs and events refer to it.
        ips = [entry["ip"] for entry in previous.get("podIPs") or ()]
    if ips:
        addresses["podIP"] = ips[0]
        addresses["podIPs"] = [{"ip": ip} for ip in ips]
    return addresses


def _finish(inits: Sequence[dict[str, Any]], apps: Sequence[dict[str, Any]]) -> None:
    """Nothing runs any more: what is said to run, or had run and waits, has ended in a way that nobody saw."""
    initialized = any(has_started(s) for s in apps)
    last_begun = max((i for i, s in enumerate(inits) if has_started(s)), default=-1)
    for position, status in enumerate(inits):
        if (initialized or position <= last_begun) and "terminated" not in status["state"]:
            _end(status)
    for status in apps:
        if initialized and "terminated" not in status["state"]:
            _end(status)


def _end(status: dict[str, Any]) -> None:
    last = (status.get("lastState") or {}).get("terminated")
    if "waiting" in status["state"] and last is not None:
        # It waited to be started again; how it ended last is how it ended.
        status["state"], status["lastState"] = {"terminated": last}, {}
    else:
        status["state"] = {"terminated": lost(LOST_AT_END)}
    status["ready"] = status["started"] = False
