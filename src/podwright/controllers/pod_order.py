"""Which Pods go first when there are too many.

    not bound to a node · Pending before Unknown before Running · not ready · a lower deletion cost · more Pods of the
    same owners on the node · ready for a shorter time · restarted more often · created later

Pure. Times count by powers of two, so that Pods of about one age go in no order that their age decides.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset
"""

from __future__ import annotations

import datetime
import functools
from collections import Counter
from collections.abc import Iterable, Sequence

from podwright.api.objects import Object, metadata, parse_time, uid_of
from podwright.api.pods import is_sidecar, spec_of
from podwright.controllers.pod_health import is_active, is_ready, ready_since

COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def first_to_go(pods: Sequence[Object], related: Iterable[Object], number: int, now: datetime.datetime) -> list[Object]:
    """The `number` Pods that go; `related`: all Pods of the same owners, which are counted by node."""
    if number >= len(pods):
        return list(pods)
    crowd = Counter(_node(pod) for pod in related if is_active(pod))

    def compare(one: Object, other: Object) -> int:
        return -1 if _goes_before(one, other, crowd, now) else 1 if _goes_before(other, one, crowd, now) else 0

    return sorted(pods, key=functools.cmp_to_key(compare))[:number]


def _goes_before(one: Object, other: Object, crowd: Counter[str], now: datetime.datetime) -> bool:
    first, second = _rank(one, crowd), _rank(other, crowd)
    if first != second:
        return first < second
    if is_ready(one):
        since, other_since = ready_since(one), ready_since(other)
        if since is not None and other_since is not None and since != other_since:
            return _younger(since, other_since, one, other, now)
    if (restarts := _restarts(one)) != (other_restarts := _restarts(other)):
        return restarts > other_restarts
    made, other_made = _created(one), _created(other)
    return made != other_made and _younger(made, other_made, one, other, now)


def _rank(pod: Object, crowd: Counter[str]) -> tuple[bool, int, bool, int, int]:
    phase = (pod.get("status") or {}).get("phase") or ""
    return bool(_node(pod)), _PHASES.get(phase, 0), is_ready(pod), _cost(pod), -crowd[_node(pod)]


def _node(pod: Object) -> str:
    return spec_of(pod).get("nodeName") or ""


def _cost(pod: Object) -> int:
    text = (metadata(pod).get("annotations") or {}).get(COST) or "0"
    try:
        return int(text)
    except ValueError:
        return 0


def _younger(
    since: datetime.datetime, other: datetime.datetime, pod: Object, other_pod: Object, now: datetime.datetime
) -> bool:
    age, other_age = _magnitude(now - since), _magnitude(now - other)
    return uid_of(pod) < uid_of(other_pod) if age == other_age else age < other_age


def _magnitude(age: datetime.timedelta) -> int:
    """The power of two below an age in microseconds."""
    return max(0, age // datetime.timedelta(microseconds=1)).bit_length()


def _created(pod: Object) -> datetime.datetime:
    text = metadata(pod).get("creationTimestamp")
    return parse_time(text) if text else datetime.datetime.min.replace(tzinfo=datetime.UTC)


def _restarts(pod: Object) -> tuple[int, int]:
    """The most restarts of an app container, and of a sidecar."""
    status = pod.get("status") or {}
    sidecars = {c.get("name") for c in spec_of(pod).get("initContainers") or () if is_sidecar(c)}
    apps = [c.get("restartCount") or 0 for c in status.get("containerStatuses") or ()]
    beside = [
        c.get("restartCount") or 0 for c in status.get("initContainerStatuses") or () if c.get("name") in sidecars
    ]
    return max(apps, default=0), max(beside, default=0)
