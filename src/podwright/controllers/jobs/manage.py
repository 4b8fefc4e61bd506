"""Which Pods a Job that goes on is to have: which are to be made, which are too many.

Called by `decision`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#parallel-jobs
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from podwright.api.objects import Object
from podwright.controllers.jobs import pods as of_pod
from podwright.controllers.jobs.retry import remaining, remaining_of_index
from podwright.controllers.jobs.state import JobState

MOST_AT_ONCE = 500
"""Pods that one look makes or deletes at most."""


@dataclass(frozen=True, slots=True)
class NewPod:
    """A Pod that is to be made."""

    index: int | None = None
    failures: int | None = None
    """How many Pods of the index have failed before it; None where that is not kept"""
    ignored: int = 0
    """... and how many of those did not count"""


@dataclass(frozen=True, slots=True)
class Work:
    """Either Pods that are too many or Pods to make."""

    surplus: Sequence[Object] = ()
    create: Sequence[NewPod] = ()
    again_after: float | None = None
    """Seconds until a Pod may be made that may not be made yet"""


def work_for(state: JobState, now: datetime.datetime) -> Work:
    """What brings the Job's Pods to what it asks for."""
    active = len(state.active)
    if state.is_suspended:
        return Work(surplus=_surplus(state, active))
    wanted = _wanted(state, active)
    surplus = _surplus(state, max(active - wanted, 0))[:MOST_AT_ONCE]
    if surplus:
        return Work(surplus=surplus)
    terminating = len(state.terminating) if state.replaces_only_ended else 0
    missing = min(wanted - terminating - active, MOST_AT_ONCE)
    if missing <= 0:
        return Work()
    if state.limit_per_index is None:
        wait = remaining(_ended(state), now)
        if wait:
            return Work(again_after=wait)
        if not state.is_indexed:
            return Work(create=[NewPod()] * missing)
        return Work(create=[NewPod(index) for index in _pending(state)[:missing]])
    return _each_by_itself(state, _pending(state)[:missing], now)


def _wanted(state: JobState, active: int) -> int:
    parallelism: int = state.spec.get("parallelism", 1)
    if state.completions is None:
        # Once one of a work queue has succeeded the others end by themselves.
        return active if state.succeeded else parallelism
    left = state.completions - state.succeeded
    if state.limit_per_index is not None:
        left -= len(state.failed_indexes)
    return max(min(left, parallelism), 0)


def _surplus(state: JobState, count: int) -> list[Object]:
    """Pods that are to go: `count` of them, and every second one of an index."""
    gone: list[Object] = []
    left = sorted(state.active, key=of_pod.removal_order)
    if state.is_indexed:
        kept: dict[int, Object] = {}
        for pod in left:
            index = of_pod.index_of(pod)
            if index is None or not state.is_valid(pod):
                gone.append(pod)
            elif index in kept:
                # The one that has come farther stays.
                gone.append(kept[index])
                kept[index] = pod
            else:
                kept[index] = pod
        left = [pod for pod in left if pod not in gone]
    return gone + left[: max(count - len(gone), 0)]


def _ended(state: JobState) -> list[Object]:
    return [
        pod for pod in state.pods if of_pod.has_succeeded(pod) or (state.has_failed(pod) and state.ruling(pod).counts)
    ]


def _pending(state: JobState) -> list[int]:
    """Indexes that are to have a Pod and have none, the lowest first."""
    busy = state.active_indexes | state.succeeded_indexes | state.failed_indexes
    if state.replaces_only_ended:
        busy |= {i for p in state.terminating if (i := of_pod.index_of(p)) is not None}
    return [index for index in range(state.completions or 0) if index not in busy]


def _each_by_itself(state: JobState, indexes: Sequence[int], now: datetime.datetime) -> Work:
    """With a limit per index each index waits for its own failures only."""
    waits = {index: remaining_of_index(state.last_failed_by_index.get(index), now) for index in indexes}
    ready = [_successor(state, index) for index in indexes if not waits[index]]
    return Work(create=ready, again_after=min((wait for wait in waits.values() if wait), default=None))


def _successor(state: JobState, index: int) -> NewPod:
    last = state.last_failed_by_index.get(index)
    if last is None:
        return NewPod(index, 0)
    counted = state.ruling(last).counts
    return NewPod(index, of_pod.index_failures(last) + counted, of_pod.index_ignored(last) + (not counted))
