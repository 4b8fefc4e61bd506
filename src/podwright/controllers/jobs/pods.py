"""What a Job wants to know of one of its Pods.

Pure functions; called by the decisions of this folder.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from podwright.api.objects import Object, metadata, parse_time
from podwright.api.pods import condition, is_terminal
from podwright.controllers.jobs.labels import FINALIZER, INDEX, INDEX_FAILURES, INDEX_IGNORED


def is_tracked(pod: Object) -> bool:
    """Whether the Pod has not been counted yet: counted ones have lost the finalizer."""
    return FINALIZER in (metadata(pod).get("finalizers") or ())


def is_deleted(pod: Object) -> bool:
    """Whether somebody has deleted it; it may still run."""
    return bool(metadata(pod).get("deletionTimestamp"))


def is_active(pod: Object) -> bool:
    """Whether it is on its way or runs, and is to go on."""
    return not is_terminal(pod) and not is_deleted(pod)


def is_terminating(pod: Object) -> bool:
    """Whether it has been deleted and has not ended yet."""
    return is_deleted(pod) and not is_terminal(pod)


def has_succeeded(pod: Object) -> bool:
    """Whether its phase is Succeeded."""
    return (pod.get("status") or {}).get("phase") == "Succeeded"


def has_failed(pod: Object, *, only_when_ended: bool) -> bool:
    """Whether it counts as failed; `only_when_ended`: one that is merely being deleted does not yet."""
    if (pod.get("status") or {}).get("phase") == "Failed":
        return True
    return not only_when_ended and is_deleted(pod) and not has_succeeded(pod)


def index_of(pod: Object) -> int | None:
    """Its completion index; None without one."""
    text = (metadata(pod).get("annotations") or {}).get(INDEX)
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def index_failures(pod: Object) -> int:
    """How many Pods of its index have failed before it and counted."""
    return _number(pod, INDEX_FAILURES)


def index_ignored(pod: Object) -> int:
    """How many Pods of its index have failed before it without counting."""
    return _number(pod, INDEX_IGNORED)


def _number(pod: Object, annotation: str) -> int:
    text = (metadata(pod).get("annotations") or {}).get(annotation) or "0"
    return int(text) if text.isdecimal() else 0


def restarts_of(pods: Iterable[Object]) -> int:
    """How often containers of Pods that are on their way or run have been restarted."""
    total = 0
    for pod in pods:
        status = pod.get("status") or {}
        if status.get("phase") in ("Pending", "Running"):
            for kind in ("initContainerStatuses", "containerStatuses"):
                total += sum(c.get("restartCount") or 0 for c in status.get(kind) or ())
    return total


def finished_at(pod: Object) -> datetime.datetime:
    """When it ended: its last container's end, or what comes nearest to it."""
    status = pod.get("status") or {}
    ends = [
        (c.get("state") or {}).get("terminated", {}).get("finishedAt")
        for kind in ("containerStatuses", "initContainerStatuses")
        for c in status.get(kind) or ()
    ]
    told = [parse_time(end) for end in ends if end]
    if told:
        return max(told)
    ready: dict[str, Any] = condition(pod, "Ready") or {}
    if ready.get("status") != "True" and ready.get("lastTransitionTime"):
        return parse_time(ready["lastTransitionTime"])
    meta = metadata(pod)
    if meta.get("deletionTimestamp"):
        grace = datetime.timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)
        return parse_time(meta["deletionTimestamp"]) - grace
    return parse_time(meta["creationTimestamp"])


def removal_order(pod: Object) -> tuple[Any, ...]:
    """Sorts Pods so that those which have come least far go first."""
    spec, status, meta = pod.get("spec") or {}, pod.get("status") or {}, metadata(pod)
    ready = condition(pod, "Ready") or {}
    is_ready = ready.get("status") == "True"
    phase = {"Pending": 0, "Unknown": 1, "Running": 2}.get(status.get("phase") or "", 0)
    # Of two that are ready the one that is so for less time; then the one that was restarted more; then the newer.
    since = _backwards(ready.get("lastTransitionTime")) if is_ready else 0.0
    return (
        bool(spec.get("nodeName")),
        phase,
        is_ready,
        since,
        -restarts_of([pod]),
        _backwards(meta.get("creationTimestamp")),
    )


def _backwards(moment: str | None) -> float:
    return -parse_time(moment).timestamp() if moment else 0.0
