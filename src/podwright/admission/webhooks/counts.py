"""What is counted of webhooks: how long they took, what they refused, and when they could not be asked.

Counted by `dispatch`, shown by the API server's /metrics under kube-apiserver's names.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#best-practices-and-warnings
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)
"""Upper bounds of durations, in seconds; what takes longer is in one more."""


class Asked(NamedTuple):
    """What a call is counted under."""

    name: str
    type: str
    """`admit` for a webhook that changes, `validating` for one that judges"""
    operation: str


@dataclass(slots=True)
class Counts:
    """The counters of one server's webhooks."""

    durations: dict[tuple[Asked, bool], list[int]] = field(default_factory=dict)
    """By whether the request was refused: the calls by bucket, not added up."""
    seconds: dict[tuple[Asked, bool], float] = field(default_factory=dict)
    requests: Counter[tuple[Asked, str, bool]] = field(default_factory=Counter)
    """By the answer's code (200 where it allows), and by whether the request was refused."""
    rejections: Counter[tuple[Asked, str, str]] = field(default_factory=Counter)
    """By the kind of error (`no_error`: it was the webhook's decision) and its code."""
    failed_open: Counter[Asked] = field(default_factory=Counter)

    def answered(self, asked: Asked, seconds: float, code: int, *, allowed: bool) -> None:
        """A webhook has decided."""
        self._took(asked, seconds, rejected=not allowed)
        self.requests[asked, str(code), not allowed] += 1
        if not allowed:
            self.rejections[asked, "no_error", str(code)] += 1

    def failed(self, asked: Asked, seconds: float, *, rejected: bool) -> None:
        """A webhook could not be asked, or gave no answer; `rejected`: the request failed with it."""
        self._took(asked, seconds, rejected=rejected)
        self.requests[asked, "500", rejected] += 1
        if rejected:
            self.rejections[asked, "calling_webhook_error", "0"] += 1
        else:
            self.failed_open[asked] += 1

    def _took(self, asked: Asked, seconds: float, *, rejected: bool) -> None:
        counts = self.durations.setdefault((asked, rejected), [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds[asked, rejected] = self.seconds.get((asked, rejected), 0.0) + seconds
