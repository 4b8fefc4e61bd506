"""What a Job's status may say, and what it may become: whoever writes it, clients rely on how a Job ends.

Rules that other fields take part in are held only where something of them changes, so that a status that was right can
go on after a change of the spec (fewer completions, say). Called by `job.py`. Pages:
https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions and KEP-4368
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podwright.api.field import FieldError, Path, duplicate, invalid, required
from podwright.api.objects import Object, parse_time
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.job_validation import INDEXED, index_text

Status = Mapping[str, Any]

_STATUS = Path("status")
_COUNTS = ("active", "ready", "terminating", "succeeded", "failed")
_COMPLETE, _FAILED, _FAILS, _SUCCEEDS = "Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"
_TOGETHER = (
    (_COMPLETE, _FAILED, "cannot set Complete=True and Failed=true conditions"),
    (_COMPLETE, _FAILS, "cannot set Complete=True and FailureTarget=true conditions"),
    (_SUCCEEDS, _FAILED, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    (_SUCCEEDS, _FAILS, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
)
"""Conditions that exclude each other."""
_BEFORE = (
    (_FAILED, _FAILS, "cannot set Failed=True condition without the FailureTarget=true condition"),
    (_COMPLETE, _SUCCEEDS, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
)
"""Ends, and what announces them."""


def job_status_errors(job: Object, old: Object) -> list[FieldError]:
    """Errors of a changed status; the spec is that of both."""
    new, was = job.get("status") or {}, old.get("status") or {}
    spec = job.get("spec") or {}
    return [*_counts(new), *_conditions(new, was), *_times(spec, new, was), *_end(new, was), *_indexes(spec, new, was)]


def is_finished(status: Status) -> bool:
    """Whether the Job is over."""
    return bool({_COMPLETE, _FAILED} & _true(status))


def _true(status: Status) -> set[str]:
    return {c.get("type") or "" for c in status.get("conditions") or () if c.get("status") == "True"}


def _changed(new: Status, was: Status, *names: str) -> bool:
    """Whether one of the fields differs; nothing is as good as an empty value."""
    return any((new.get(name) or None) != (was.get(name) or None) for name in names)


def _counts(status: Status) -> Iterator[FieldError]:
    for name in _COUNTS:
        yield from check.non_negative(_STATUS.child(name), status.get(name))
    path, seen = _STATUS.child("uncountedTerminatedPods"), set()
    for outcome in ("succeeded", "failed"):
        for position, uid in enumerate((status.get("uncountedTerminatedPods") or {}).get(outcome) or ()):
            at = path.child(outcome).index(position)
            if not uid:
                yield invalid(at, uid, "must not be empty")
            elif uid in seen:
                yield duplicate(at, uid)
            seen.add(uid)


def _conditions(new: Status, was: Status) -> Iterator[FieldError]:
    kinds, before = _true(new), _true(was)
    where, shown = _STATUS.child("conditions"), sorted(kinds)
    for one, other, text in _TOGETHER:
        if {one, other} <= kinds and not {one, other} <= before:
            yield invalid(where, shown, text)
    for end, announced, text in _BEFORE:
        if end in kinds and announced not in kinds and not (end in before and announced not in before):
            yield invalid(where, shown, text)
    for kind in (_FAILED, _COMPLETE, _FAILS, _SUCCEEDS):
        if kind in before - kinds:
            yield invalid(where, shown, f"cannot disable the terminal {kind}=True condition")


def _times(spec: Mapping[str, Any], new: Status, was: Status) -> Iterator[FieldError]:
    started, completed = new.get("startTime"), new.get("completionTime")
    at, complete = _STATUS.child("completionTime"), _COMPLETE in _true(new)
    resumes = bool(started) and "Suspended" in _true(was)
    if was.get("startTime") and started != was["startTime"] and not spec.get("suspend") and not resumes:
        yield required(_STATUS.child("startTime"), "startTime cannot be removed for unsuspended job")
    if completed and was.get("completionTime") and completed != was["completionTime"]:
        yield invalid(at, completed, "completionTime cannot be mutated")
    moved = _changed(new, was, "startTime", "completionTime")
    if started and completed and moved and parse_time(completed) < parse_time(started):
        yield invalid(at, completed, "completionTime cannot be set before startTime")
    if complete != (_COMPLETE in _true(was)) or _changed(new, was, "completionTime"):
        if completed and not complete:
            yield invalid(at, completed, "cannot set completionTime when there is no Complete=True condition")
        if complete and not completed:
            yield required(at, "completionTime is required for Complete jobs")


def _end(new: Status, was: Status) -> Iterator[FieldError]:
    """Nothing is left of a Job that is over."""
    if not is_finished(new):
        return
    ends = not is_finished(was)
    for name in ("active", "terminating"):
        if new.get(name) and (ends or _changed(new, was, name)):
            yield invalid(_STATUS.child(name), new[name], f"{name}>0 is invalid for finished job")
    if not new.get("startTime") and (ends or _changed(new, was, "startTime")):
        yield required(_STATUS.child("startTime"), "startTime is required for finished job")
    left = new.get("uncountedTerminatedPods") or {}
    if any(left.values()) and (ends or _changed(new, was, "uncountedTerminatedPods")):
        text = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid(_STATUS.child("uncountedTerminatedPods"), dict(left), text)


def _indexes(spec: Mapping[str, Any], new: Status, was: Status) -> Iterator[FieldError]:
    """Counts that only grow, and sets of indexes that can be."""
    indexed, completions = spec.get("completionMode") == INDEXED, spec.get("completions")
    # An indexed Job may be made smaller.
    scaled = indexed and (completions == spec.get("parallelism") or (was.get("succeeded") or 0) > (completions or 0))
    for name in ("failed", "succeeded"):
        if (new.get(name) or 0) < (was.get(name) or 0) and not (name == "succeeded" and scaled):
            yield invalid(_STATUS.child(name), new.get(name) or 0, f"cannot decrease the {name} counter")
    ready = new.get("ready") or 0
    if _changed(new, was, "ready", "active") and ready and ready > (new.get("active") or 0):
        yield invalid(_STATUS.child("ready"), ready, "cannot set more ready pods than active")
    done, lost = new.get("completedIndexes") or "", new.get("failedIndexes")
    changed = [name for name in ("completedIndexes", "failedIndexes") if _changed(new, was, name)]
    if "completedIndexes" in changed and done and not indexed:
        text = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid(_STATUS.child("completedIndexes"), done, text)
    if lost not in (None, was.get("failedIndexes")) and spec.get("backoffLimitPerIndex") is None:
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid(_STATUS.child("failedIndexes"), lost, text)
    if completions is None:
        return
    read = {}
    for name in ("completedIndexes", "failedIndexes"):
        wrong, ranges = index_text(new.get(name) or "", completions)
        if wrong and name in changed:
            yield invalid(_STATUS.child(name), new[name], f"error parsing {name}: {wrong}")
        read[name] = ranges
    both = _overlap(read["completedIndexes"], read["failedIndexes"])
    if changed and both is not None:
        text = f"failedIndexes and completedIndexes overlap at index: {both}"
        yield invalid(_STATUS.child("failedIndexes"), lost, text)


def _overlap(one: Sequence[range], other: Sequence[range]) -> int | None:
    """The first number that both have; both are in order."""
    a = b = 0
    while a < len(one) and b < len(other):
        if one[a].start < other[b].stop and other[b].start < one[a].stop:
            return max(one[a].start, other[b].start)
        if one[a].stop < other[b].stop:
            a += 1
        else:
            b += 1
    return None
