"""What `kubectl get pods` prints: the one word that sums a Pod up, its ready count, its restarts.

Pure; called by `pod.py` for its columns. Source: pkg/printers/internalversion/printers.go and
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata
from podwright.api.pods import condition_is_true, is_sidecar, is_terminal
from podwright.apiserver.registry.columns import AGE, NAME, NONE, at, since
from podwright.apiserver.registry.strategy import Column


@dataclass(frozen=True, slots=True)
class PodSummary:
    """One Pod in a line of a table."""

    word: str
    """The Status column: `Running`, `Init:0/2`, `CrashLoopBackOff`, `Terminating`, ..."""
    ready: int
    total: int
    """Containers that count: app containers and sidecars."""
    restarts: int
    last_restart: str
    """When the newest counted restart's predecessor finished (metav1.Time); "" when unknown."""


def summarize(pod: Object) -> PodSummary:
    """The summary of `pod`, by the rules kube-apiserver prints it with."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = {c.get("name") or "" for c in spec.get("initContainers") or () if is_sidecar(c)}
    total = len(spec.get("containers") or ()) + len(sidecars)
    word = status.get("reason") or status.get("phase") or ""
    if any(
        c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated" for c in status.get("conditions") or ()
    ):
        word = "SchedulingGated"

    init = _init_part(status.get("initContainerStatuses") or (), sidecars, len(spec.get("initContainers") or ()))
    ready, restarts, last = init.ready, init.restarts, init.last_restart
    if init.word:
        word = init.word
    if not init.word or condition_is_true(pod, "Initialized"):
        # Restarts of init containers that are through tell nothing any more; those of sidecars do.
        restarts, last = init.sidecar_restarts, init.last_sidecar_restart
        running = False
        for container in reversed(status.get("containerStatuses") or ()):
            restarts += container.get("restartCount") or 0
            last = max(last, _finished(container))
            state = container.get("state") or {}
            if reason := (state.get("waiting") or {}).get("reason"):
                word = reason
            elif "terminated" in state:
                word = _end(state["terminated"])
            elif container.get("ready") and "running" in state:
                running = True
                ready += 1
        if word == "Completed" and running:
            word = "Running" if condition_is_true(pod, "Ready") else "NotReady"

    if metadata(pod).get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            word = "Unknown"
        elif not is_terminal(pod):
            word = "Terminating"
    return PodSummary(word, ready, total, restarts, last)


@dataclass(slots=True)
class _Init:
    word: str = ""
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""
    sidecar_restarts: int = 0
    last_sidecar_restart: str = ""


def _init_part(statuses: Sequence[dict[str, Any]], sidecars: set[str], total: int) -> _Init:
    """What the init containers say: the first that is neither through nor a started sidecar gives the word."""
    part = _Init()
    for position, container in enumerate(statuses):
        sidecar = container.get("name") in sidecars
        part.restarts += container.get("restartCount") or 0
        part.last_restart = max(part.last_restart, _finished(container))
        if sidecar:
            part.sidecar_restarts += container.get("restartCount") or 0
            part.last_sidecar_restart = max(part.last_sidecar_restart, _finished(container))
        state = container.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if sidecar and container.get("started"):
            part.ready += bool(container.get("ready"))
            continue
        waiting = (state.get("waiting") or {}).get("reason")
        if terminated is not None:
            part.word = f"Init:{_end(terminated)}"
        elif waiting and waiting != "PodInitializing":
            part.word = f"Init:{waiting}"
        else:
            part.word = f"Init:{position}/{total}"
        break
    return part


def _end(terminated: dict[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _finished(container: dict[str, Any]) -> str:
    # metav1.Time is always UTC with one layout, so the texts order as the times do.
    return ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""


def _ready(pod: Object, now: float) -> str:
    summary = summarize(pod)
    return f"{summary.ready}/{summary.total}"


def _restarts(pod: Object, now: float) -> str:
    summary = summarize(pod)
    if summary.restarts and summary.last_restart:
        return f"{summary.restarts} ({since(summary.last_restart, now)} ago)"
    return str(summary.restarts)


def _ip(pod: Object, now: float) -> str:
    ips = (pod.get("status") or {}).get("podIPs") or ()
    return ips[0].get("ip") or NONE if ips else NONE


def _gates(pod: Object, now: float) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return NONE
    return f"{sum(condition_is_true(pod, g.get('conditionType') or '') for g in gates)}/{len(gates)}"


COLUMNS: Sequence[Column] = (
    NAME,
    Column("Ready", _ready, description="How many of the Pod's containers are ready, and how many there are."),
    Column("Status", lambda pod, now: summarize(pod).word, description="The Pod's containers summed up in a word."),
    Column("Restarts", _restarts, description="How often containers were restarted, and when the last one was."),
    AGE,
    Column("IP", _ip, priority=1, description="The Pod's first IP address."),
    Column("Node", at("spec", "nodeName", absent=NONE), priority=1, description="The node the Pod is bound to."),
    Column(
        "Nominated Node",
        at("status", "nominatedNodeName", absent=NONE),
        priority=1,
        description="The node on which room is being made for the Pod.",
    ),
    Column("Readiness Gates", _gates, priority=1, description="How many of the Pod's readiness gates are true."),
)
