"""What users are told of a resize beside its conditions: events when it begins, waits, fails and is done.

Pure; called by `kubelet`, which grants resizes, and by `pod_lifecycle`, which carries them out.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/#pod-resize-status
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from podwright.api.objects import Object, metadata
from podwright.api.reasons import EventReason
from podwright.kubelet.status.resize import Pending, Resize


class Told(NamedTuple):
    """One event."""

    type: Literal["Normal", "Warning"]
    reason: EventReason
    message: str


def resize_event(pod: Object, before: Resize, after: Resize) -> Told | None:
    """What is to be told when the resize that `pod` asks for, or was given, has come from one state to the other.

    None: nothing new.
    """
    if after.pending is not None and _is_news(before.pending, after.pending):
        reason = EventReason.RESIZE_DEFERRED if after.pending.reason == "Deferred" else EventReason.RESIZE_INFEASIBLE
        return Told("Warning", reason, _message(pod, after.pending.reason, after.pending.message))
    if after.error:
        return None if before.error else Told("Warning", EventReason.RESIZE_ERROR, _message(pod, "error", after.error))
    if after.in_progress:
        begun = not before.in_progress or before.generation != after.generation
        return Told("Normal", EventReason.RESIZE_STARTED, _message(pod, "started")) if begun else None
    return Told("Normal", EventReason.RESIZE_COMPLETED, _message(pod, "completed")) if before.in_progress else None


def _is_news(before: Pending | None, after: Pending) -> bool:
    # Whoever waits for room is not told each time that others use some more of it or some less.
    waits = before is not None and before.reason == after.reason == "Deferred"
    return before != after and not waits


def _message(pod: Object, what: str, error: str = "") -> str:
    spec, said = pod["spec"], dict[str, Any]()
    if spec.get("resources"):
        said["resources"] = spec["resources"]
    for field in ("initContainers", "containers"):
        if spec.get(field):
            said[field] = [{"name": c["name"], "resources": c.get("resources") or {}} for c in spec[field]]
    if generation := metadata(pod).get("generation"):
        said["generation"] = generation
    if error:
        said["error"] = error
    return f"Pod resize {what}: {json.dumps(said, separators=(',', ':'))}"
