"""What is counted of every request, under the names that kube-apiserver uses.

One `Metrics` per server. Counting is plain arithmetic in the event loop, which takes a third of what a metrics library
takes for it; `exposition` puts the numbers into the library's families when somebody asks for them.
Page: https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from podwright.admission.webhooks.counts import Counts
from podwright.apiserver.routes import Asked

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds of durations, in seconds; what takes longer is in one more."""
_LONG_SUBRESOURCES = frozenset(("exec", "attach", "portforward", "log", "proxy"))
_METHODS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH",
            "delete": "DELETE", "deletecollection": "DELETE"}  # fmt: skip

Labels = tuple[str, ...]
"""Verb, group, version, resource, subresource and scope."""


def long_running(asked: Asked) -> bool:
    """Whether a request lasts as long as its client likes, so that its duration says nothing."""
    return asked.verb == "watch" or asked.subresource in _LONG_SUBRESOURCES


def labels_of(asked: Asked) -> Labels:
    """What a request is counted under."""
    method = _METHODS.get(asked.verb, "other")
    if asked.row is None:
        # Paths that do not exist must not make a time series each.
        return method, "", "", "", "", ""
    scope = "resource" if asked.name else "namespace" if asked.namespace else "cluster"
    below = asked.subresource
    if below and below not in _LONG_SUBRESOURCES and below not in asked.row.subresources:
        below = ""
    return method, asked.group, asked.version, asked.plural, below, scope


@dataclass(slots=True)
class Durations:
    """How long requests of one kind took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """By bucket, not added up."""
    seconds: float = 0.0


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[Labels, int]] = Counter()
        self.durations: dict[Labels, Durations] = {}
        self.inflight: dict[str, int] = {"readOnly": 0, "mutating": 0}
        self.long_running: Counter[Labels] = Counter()
        self.webhooks = Counts()
        """Those of the admission chain; `app.py` brings the two together."""

    def began(self, asked: Asked) -> None:
        """A request has come."""
        if long_running(asked):
            self.long_running[labels_of(asked)] += 1
        else:
            self.inflight["readOnly" if asked.verb in ("get", "list") else "mutating"] += 1

    def ended(self, asked: Asked, code: int, seconds: float) -> None:
        """The request has been answered."""
        labels = labels_of(asked)
        self.requests[labels, code] += 1
        if long_running(asked):
            self.long_running[labels] -= 1
            return
        self.inflight["readOnly" if asked.verb in ("get", "list") else "mutating"] -= 1
        durations = self.durations.get(labels)
        if durations is None:
            durations = self.durations[labels] = Durations()
        durations.counts[bisect_left(BUCKETS, seconds)] += 1
        durations.seconds += seconds

    def text(self) -> bytes:
        """The exposition format."""
        # The library is large, and hardly any node is asked.
        from podwright.apiserver.filters.exposition import exposition

        return exposition(self)
