"""What a StatefulSet's status says; `kubectl rollout status` reads it.

Pure; called by `controller`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetStatus
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from podwright.api.objects import Object, metadata
from podwright.controllers.owned import is_going
from podwright.controllers.pod_health import is_available, is_ready
from podwright.controllers.stateful_set.identity import revision_of


def status(
    owner: Object, pods: Sequence[Object], now: datetime.datetime, *, current: str, update: str, collisions: int
) -> dict[str, Any]:
    """`current`, `update`: the names of the revision that Pods were of, and of the one that they are to be of."""
    spec, old = owner.get("spec") or {}, owner.get("status") or {}
    least = spec.get("minReadySeconds") or 0
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running" and is_ready(pod)]
    staying = [pod for pod in pods if not is_going(pod)]
    counts = {
        "readyReplicas": len(running),
        "currentReplicas": sum(revision_of(pod) == current for pod in staying),
        "updatedReplicas": sum(revision_of(pod) == update for pod in staying),
    }
    strategy = (spec.get("updateStrategy") or {}).get("type")
    if strategy == "RollingUpdate" and counts["updatedReplicas"] == len(pods) == counts["readyReplicas"]:
        # The update is through: what Pods were to be is what they are.
        current, counts["currentReplicas"] = update, counts["updatedReplicas"]
    made: dict[str, Any] = {
        "observedGeneration": metadata(owner).get("generation") or 0,
        "replicas": len(pods),
        **{name: value for name, value in counts.items() if value},
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": collisions,
        "availableReplicas": sum(is_available(pod, least, now) for pod in running),
    }
    if old.get("conditions"):
        made["conditions"] = old["conditions"]
    return made
