"""What is to be done for a Job now: a pure function from the Job and its Pods to a plan.

    not finished --enough failures, deadline, policy--> announced, Pods deleted --no Pod left--> Failed
                 --enough successes-------------------> announced               --no Pod left--> Complete

One look does one step; the controller looks again after each, until there is nothing left to do. Called by
`controller`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.api.objects import Object, copy_object, rfc3339, uid_of
from podwright.api.pods import condition_is_true
from podwright.controllers.jobs import labels
from podwright.controllers.jobs import pods as of_pod
from podwright.controllers.jobs.end import REACHED, Ending, ending, is_complete, seconds_to_deadline
from podwright.controllers.jobs.indexes import format_indexes
from podwright.controllers.jobs.manage import NewPod, Work, work_for
from podwright.controllers.jobs.state import JobState

MOST_NOTED = 500
"""Pods that a status notes at once at most."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event about the Job."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order: Pods deleted or created, status written, finalizers removed."""

    status: dict[str, Any]
    stop: Sequence[Object] = ()
    """Pods to delete because the Job ends; of one that fails they count as failed"""
    drop: Sequence[Object] = ()
    """Pods to delete because they are too many; they lose their finalizer first, so that nobody counts them"""
    create: Sequence[NewPod] = ()
    release: Sequence[Object] = ()
    """Pods whose finalizer goes once the status is written"""
    events: Sequence[Told] = ()
    """Told once the status is written"""
    again_after: float | None = None
    """Seconds until another look is due though nothing may have changed"""


@dataclass
class _Draft:
    """A plan as it comes about."""

    status: dict[str, Any]
    events: list[Told] = field(default_factory=list)


def is_finished(job: Object) -> bool:
    """Whether the Job is Complete or Failed: nothing changes it any more."""
    return finished_condition(job) is not None


def finished_condition(job: Object) -> dict[str, Any] | None:
    """The condition that ended the Job; None before."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") in (labels.COMPLETE, labels.FAILED) and condition.get("status") == "True":
            found: dict[str, Any] = condition
            return found
    return None


def decide(job: Object, pods: Sequence[Object], now: datetime.datetime, *, namespace_ends: bool = False) -> Plan:
    """The plan for a Job that is not finished; `pods` are those that it controls.

    `namespace_ends`: its namespace is being deleted, where no Pod can be made any more and the Job goes last.
    """
    draft = _Draft(copy_object(job.get("status") or {}))
    _count_released(draft.status, job, pods)
    state = JobState({**job, "status": draft.status}, pods)
    if not draft.status.get("startTime") and not state.is_suspended:
        draft.status["startTime"] = rfc3339(now)
    state = JobState({**job, "status": copy_object(draft.status)}, pods, namespace_ends)

    end = ending(state, now)
    stops = state.active if end is not None else ()
    work = Work() if end is not None or state.is_deleted else work_for(state, now)
    stopped = {uid_of(pod) for pod in (*stops, *work.surplus)}
    active = len(state.active) - len(stopped) + len(work.create)
    if end is None and is_complete(state, active):
        end = REACHED
    elif end is None and not state.is_deleted:
        _suspension(draft, state, now)

    release = _release(state, end, stopped if end is None else ())
    _note(draft.status, state, end, release)
    terminating = len(state.terminating) + len(stopped)
    _set(draft.status, "active", active)
    ready = [p for p in state.active if uid_of(p) not in stopped and condition_is_true(p, "Ready")]
    draft.status["ready"], draft.status["terminating"] = len(ready), terminating
    if end is not None:
        quiet = not (work.create or release or active or terminating)
        _finish(draft, state, end, now, quiet=quiet)
    again = [s for s in (work.again_after, seconds_to_deadline(state, now)) if s] if end is None else []
    return Plan(
        draft.status,
        stop=stops,
        drop=work.surplus,
        create=work.create,
        release=release,
        events=draft.events,
        again_after=min(again, default=None),
    )


def with_fewer_active(status: dict[str, Any], missing: int) -> dict[str, Any]:
    """The status of a plan of whose Pods so many could not be made."""
    if not missing:
        return status
    changed = dict(status)
    _set(changed, "active", max((status.get("active") or 0) - missing, 0))
    return changed


def _count_released(status: dict[str, Any], job: Object, pods: Sequence[Object]) -> None:
    """Noted Pods that have lost their finalizer, or are gone, are counted."""
    tracked = {uid_of(p) for p in pods if of_pod.is_tracked(p)}
    noted = status.get("uncountedTerminatedPods") or {}
    left: dict[str, list[str]] = {}
    for kind in ("succeeded", "failed"):
        uids = noted.get(kind) or []
        still = [uid for uid in uids if uid in tracked]
        _set(status, kind, (status.get(kind) or 0) + len(uids) - len(still))
        if still:
            left[kind] = still
    status["uncountedTerminatedPods"] = left


def _set(status: dict[str, Any], name: str, value: Any) -> None:
    """Set a field that is left out when it is empty."""
    if value:
        status[name] = value
    else:
        status.pop(name, None)


def _release(state: JobState, end: Ending | None, dropped: Collection[str]) -> Sequence[Object]:
    """Pods that need not be kept for counting any more (once they are noted); dropped ones lose it otherwise."""
    if end is not None or state.is_deleted:
        chosen = list(state.tracked)
    else:
        chosen = [
            p for p in state.tracked if of_pod.has_succeeded(p) or (state.has_failed(p) and not state.holds_counts(p))
        ]
    return [p for p in chosen if uid_of(p) not in dropped][:MOST_NOTED]


def _note(status: dict[str, Any], state: JobState, end: Ending | None, release: Sequence[Object]) -> None:
    """Write down what the Pods that are let go have come to."""
    noted = status["uncountedTerminatedPods"]
    indexes = set()
    for pod in release:
        if not state.is_valid(pod):
            continue
        if state.has_succeeded(pod):
            if state.is_indexed:
                indexes.add(of_pod.index_of(pod))
            elif not state.is_noted(pod, "succeeded"):
                noted.setdefault("succeeded", []).append(uid_of(pod))
            continue
        # When a Job fails, what still ran has failed with it.
        lost = end is not None and not end.succeeds
        if (state.has_failed(pod) or lost) and not state.is_noted(pod, "failed") and state.ruling(pod).counts:
            noted.setdefault("failed", []).append(uid_of(pod))
    if not state.is_indexed:
        return
    released = {uid_of(pod) for pod in release}
    unseen = {of_pod.index_of(p) for p in state.new_succeeded if uid_of(p) not in released} - indexes
    completed = state.succeeded_indexes - unseen
    _set(status, "completedIndexes", format_indexes(completed))
    _set(status, "succeeded", len(completed))
    if state.limit_per_index is not None:
        status["failedIndexes"] = format_indexes(state.failed_indexes)


def _suspension(draft: _Draft, state: JobState, now: datetime.datetime) -> None:
    was = state.condition(labels.SUSPENDED) is not None
    if state.is_suspended and not was:
        _put(draft.status, now, type=labels.SUSPENDED, status="True", reason="JobSuspended", message="Job suspended")
        draft.events.append(Told("Normal", "Suspended", "Job suspended"))
    elif was and not state.is_suspended:
        _put(draft.status, now, type=labels.SUSPENDED, status="False", reason="JobResumed", message="Job resumed")
        draft.events.append(Told("Normal", "Resumed", "Job resumed"))
        draft.status["startTime"] = rfc3339(now)
    if state.is_suspended:
        # The deadline counts the time in which the Job is active without a break.
        draft.status.pop("startTime", None)


def _finish(draft: _Draft, state: JobState, end: Ending, now: datetime.datetime, *, quiet: bool) -> None:
    """Announce the end; or, once that is written and nothing of the Job is left, make it final."""
    if state.condition(end.interim) is None:
        _put(draft.status, now, type=end.interim, status="True", reason=end.reason, message=end.message)
        return
    if not quiet or draft.status["uncountedTerminatedPods"]:
        return
    _put(draft.status, now, type=end.final, status="True", reason=end.reason, message=end.message)
    # One that ends while it is suspended has none.
    draft.status.setdefault("startTime", rfc3339(now))
    if end.succeeds:
        draft.status["completionTime"] = rfc3339(now)
        draft.events.append(Told("Normal", "Completed", "Job completed"))
    else:
        draft.events.append(Told("Warning", end.reason, end.message))


def _put(into: dict[str, Any], now: datetime.datetime, /, **condition: str) -> None:
    """Set a condition (type, status, reason, message) as of now."""
    at = rfc3339(now)
    made = {"type": condition["type"], "status": condition["status"], "lastProbeTime": at, "lastTransitionTime": at}
    others = [c for c in into.get("conditions") or () if c.get("type") != condition["type"]]
    into["conditions"] = [*others, {**made, **condition}]
