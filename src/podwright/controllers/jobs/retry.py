"""How long a Job waits before it tries again: ten seconds, twice as long for each failure, 10 minutes at most.

It is worked out from the Pods that are there, so that a restart of the controller does not change it.
Called by `decision`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from podwright.api.objects import Object
from podwright.controllers.jobs.pods import finished_at, has_succeeded, index_failures, index_ignored

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 600.0
_MANY = 16
"""More failures than these wait the longest time anyway."""


def delay(failures: int) -> float:
    """Seconds after so many failures in a row."""
    return min(FIRST_SECONDS * 2.0 ** (min(failures, _MANY) - 1), LONGEST_SECONDS) if failures > 0 else 0.0


def remaining(ended: Iterable[Object], now: datetime.datetime) -> float:
    """Seconds until the Job may start another Pod: `ended` are those that succeeded, and failures that count."""
    ordered = sorted(((finished_at(pod), has_succeeded(pod)) for pod in ended), key=lambda pod: pod[0], reverse=True)
    failures: Sequence[datetime.datetime] = []
    for position, (_, succeeded) in enumerate(ordered):
        if succeeded:
            failures = [at for at, _ in ordered[:position]]
            break
    else:
        failures = [at for at, _ in ordered]
    return _left(failures[0], len(failures), now) if failures else 0.0


def remaining_of_index(last_failed: Object | None, now: datetime.datetime) -> float:
    """Seconds until an index may start its next Pod; `last_failed` is the one that is to be replaced."""
    if last_failed is None:
        return 0.0
    failures = index_failures(last_failed) + index_ignored(last_failed) + 1
    return _left(finished_at(last_failed), failures, now)


def _left(last: datetime.datetime, failures: int, now: datetime.datetime) -> float:
    return max(delay(failures) - (now - last).total_seconds(), 0.0)
