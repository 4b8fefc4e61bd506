"""What controllers ask of a Pod's status: does it count, is it ready, has it been ready for long enough.

Pure; times are aware datetimes, given by the caller. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#min-ready-seconds
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from podwright.api.objects import Object, parse_time
from podwright.api.pods import condition, is_terminal
from podwright.controllers.owned import is_going


def is_active(pod: Object) -> bool:
    """Whether a Pod counts as one that runs, or is about to."""
    return not is_terminal(pod) and not is_going(pod)


def ready_since(pod: Object) -> datetime.datetime | None:
    """Since when the Pod has been ready; None when it is not. A time that is not told counts as the beginning."""
    found = condition(pod, "Ready")
    if found is None or found.get("status") != "True":
        return None
    text = found.get("lastTransitionTime")
    return parse_time(text) if text else datetime.datetime.min.replace(tzinfo=datetime.UTC)


def is_ready(pod: Object) -> bool:
    """Whether the Pod's Ready condition is true."""
    found = condition(pod, "Ready")
    return found is not None and found.get("status") == "True"


def available_in(pod: Object, min_ready_seconds: int, now: datetime.datetime) -> float | None:
    """Seconds until the Pod has been ready for long enough: 0 when it has been, None when it is not ready."""
    if not is_ready(pod):
        return None
    if not min_ready_seconds:
        return 0.0
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, min_ready_seconds - (now - since).total_seconds())


def is_available(pod: Object, min_ready_seconds: int, now: datetime.datetime) -> bool:
    """Whether the Pod has been ready for `min_ready_seconds`."""
    return available_in(pod, min_ready_seconds, now) == 0.0


def next_available_in(pods: Iterable[Object], min_ready_seconds: int, now: datetime.datetime) -> float | None:
    """Seconds until the next ready Pod becomes available; None when no Pod is on its way there."""
    coming = [wait for pod in pods if (wait := available_in(pod, min_ready_seconds, now))]
    return min(coming, default=None)
