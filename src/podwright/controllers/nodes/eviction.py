"""When a Pod has to leave its node because of NoExecute taints.

Pure; called by `taint_eviction`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api.objects import parse_time
from podwright.api.tolerations import tolerates
from podwright.controllers.nodes.taints import NO_EXECUTE

Taint = Mapping[str, Any]


def driving(node: Mapping[str, Any]) -> list[Taint]:
    """The taints of a node that make Pods leave."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint.get("effect") == NO_EXECUTE]


def seconds_tolerated(pod: Mapping[str, Any], taints: Sequence[Taint]) -> float | None:
    """How long the Pod may stay under these taints: 0 not at all, None for ever."""
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    shortest: float | None = None
    for taint in taints:
        matching = [t for t in tolerations if tolerates(t, taint)]
        if not matching:
            return 0.0
        for toleration in matching:
            seconds = toleration.get("tolerationSeconds")
            if seconds is not None:
                shortest = max(float(seconds), 0.0) if shortest is None else min(shortest, max(float(seconds), 0.0))
    return shortest


def began(taints: Sequence[Taint], seen: datetime.datetime) -> datetime.datetime:
    """Since when the time runs: the newest taint counts; `seen` where a taint does not say when it came."""
    times = [parse_time(taint["timeAdded"]) if taint.get("timeAdded") else seen for taint in taints]
    return max(times, default=seen)
