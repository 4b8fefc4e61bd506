"""What the conditions of a node are that has been silent for too long.

A node speaks by renewing its Lease or writing its status. Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/architecture/nodes/#heartbeats
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from podwright.api.objects import Object, metadata, rfc3339

GRACE_SECONDS = 50.0
"""How long a node may be silent."""
STARTUP_GRACE_SECONDS = 60.0
"""... one that has never said how it is."""
_TYPES = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_STOPPED = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
_NEVER = ("NodeStatusNeverUpdated", "Kubelet never posted node status.")


def ready_condition(node: Object) -> Mapping[str, Any]:
    """The node's Ready condition, empty when it has none."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == "Ready"), {})


def is_ready(node: Object) -> bool:
    """Whether the node says that it is ready."""
    return ready_condition(node).get("status") == "True"


def grace_of(node: Object) -> float:
    """Seconds that this node may be silent."""
    return GRACE_SECONDS if ready_condition(node) else STARTUP_GRACE_SECONDS


def unknown_conditions(node: Object, now: datetime.datetime) -> list[dict[str, Any]]:
    """The conditions to write for a node that has been silent for too long; none when they say so already."""
    have = {c.get("type"): c for c in (node.get("status") or {}).get("conditions") or ()}
    changed = []
    for kind in _TYPES:
        old = have.get(kind)
        if old is not None and old.get("status") == "Unknown":
            continue
        reason, message = _STOPPED if old is not None else _NEVER
        heard = (old or {}).get("lastHeartbeatTime") or metadata(node).get("creationTimestamp")
        changed.append({
            "type": kind,
            "status": "Unknown",
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": heard,
            "lastTransitionTime": rfc3339(now),
        })  # fmt: skip
    return changed
