"""The two views of an Event: core `v1`, as it is stored, and `events.k8s.io/v1`.

Pure; called by `event.py`. The same facts under other names; nothing is lost on the way there and back.
Page: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from podwright.api.objects import Object, copy_object

_RENAMED = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
)


def to_core(event: Object) -> Object:
    """An `events.k8s.io/v1` Event as a core one (a new object)."""
    new = {k: copy_object(v) for k, v in event.items()}
    for core, later in _RENAMED:
        if later in new:
            new[core] = new.pop(later)
    new.setdefault("involvedObject", {})
    return {**new, "apiVersion": "v1", "kind": "Event"}


def to_events_v1(event: Object) -> Object:
    """A core Event as an `events.k8s.io/v1` one (a new object)."""
    new = {k: copy_object(v) for k, v in event.items()}
    for core, later in _RENAMED:
        if core in new:
            new[later] = new.pop(core)
    return {**new, "apiVersion": "events.k8s.io/v1", "kind": "Event"}
