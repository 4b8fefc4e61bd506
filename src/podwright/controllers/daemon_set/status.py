"""What a DaemonSet's status says; `kubectl rollout status` reads it.

Pure; called by `controller`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/daemon-set-v1/#DaemonSetStatus
"""

from __future__ import annotations

from typing import Any

from podwright.api.objects import metadata
from podwright.controllers.daemon_set.decision import Look
from podwright.controllers.daemon_set.pods import is_updated
from podwright.controllers.pod_health import is_ready


def status(look: Look, collisions: int) -> dict[str, Any]:
    """Counts of nodes."""
    wanted = current = misplaced = ready = available = updated = 0
    for node, fits in look.fits.items():
        here = look.pods.get(node) or ()
        wanted += fits.runs
        if not here:
            continue
        if not fits.runs:
            misplaced += 1
            continue
        current += 1
        serving = [pod for pod in here if is_ready(pod)]
        ready += bool(serving)
        available += any(look.available(pod) for pod in serving)
        updated += any(is_updated(pod, look.owner, look.stamp) for pod in here)
    made: dict[str, Any] = {
        "currentNumberScheduled": current,
        "numberMisscheduled": misplaced,
        "desiredNumberScheduled": wanted,
        "numberReady": ready,
    }
    counts = {
        "observedGeneration": metadata(look.owner).get("generation") or 0,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": wanted - available,
        "collisionCount": collisions,
    }
    made |= {name: value for name, value in counts.items() if value}
    old = look.owner.get("status") or {}
    return {**made, "conditions": old["conditions"]} if old.get("conditions") else made
