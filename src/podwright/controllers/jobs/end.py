"""Whether a Job is to end now, and how: the condition that says so before its Pods are let go.

A failure first shows as FailureTarget, a success as SuccessCriteriaMet; Failed and Complete follow once no Pod is left.
Called by `decision`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from podwright.api.objects import parse_time
from podwright.controllers.jobs.labels import COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET
from podwright.controllers.jobs.pods import restarts_of
from podwright.controllers.jobs.state import JobState
from podwright.controllers.jobs.success_policy import met_rule


@dataclass(frozen=True, slots=True)
class Ending:
    """How a Job ends."""

    succeeds: bool
    reason: str
    message: str

    @property
    def interim(self) -> str:
        """The type of the condition that announces it."""
        return SUCCESS_CRITERIA_MET if self.succeeds else FAILURE_TARGET

    @property
    def final(self) -> str:
        """The type of the condition that ends it."""
        return COMPLETE if self.succeeds else FAILED


REACHED = Ending(True, "CompletionsReached", "Reached expected number of succeeded pods")
_TOO_MANY = Ending(False, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_TOO_LONG = Ending(False, "DeadlineExceeded", "Job was active longer than specified deadline")
_INDEXES = Ending(False, "FailedIndexes", "Job has failed indexes")
_MANY_INDEXES = Ending(
    False, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
)


def ending(state: JobState, now: datetime.datetime) -> Ending | None:
    """How the Job ends, None while it goes on; what was announced is kept to."""
    for kind in (FAILURE_TARGET, SUCCESS_CRITERIA_MET):
        announced = state.condition(kind)
        if announced is not None:
            return Ending(kind == SUCCESS_CRITERIA_MET, announced.get("reason") or "", announced.get("message") or "")
    return _by_policy(state) or _by_limit(state) or _by_deadline(state, now) or _by_indexes(state)


def seconds_to_deadline(state: JobState, now: datetime.datetime) -> float | None:
    """Seconds until activeDeadlineSeconds are over, 0 when they are; None when no clock runs."""
    deadline: int | None = state.spec.get("activeDeadlineSeconds")
    started = state.status.get("startTime")
    if deadline is None or not started or state.is_suspended:
        return None
    return max(deadline - (now - parse_time(started)).total_seconds(), 0.0)


def is_complete(state: JobState, active: int) -> bool:
    """Whether enough Pods have succeeded; `active`: how many are left after what is done in this look."""
    if state.completions is None:
        return state.succeeded > 0 and active == 0
    return state.succeeded >= state.completions


def _by_policy(state: JobState) -> Ending | None:
    for pod in state.tracked:
        if state.has_failed(pod) and (why := state.ruling(pod).job_fails):
            return Ending(False, "PodFailurePolicy", why)
    return None


def _by_limit(state: JobState) -> Ending | None:
    limit = state.spec.get("backoffLimit")
    if limit is None:
        return None
    if state.failed > limit:
        return _TOO_MANY
    template = (state.spec.get("template") or {}).get("spec") or {}
    if template.get("restartPolicy") == "OnFailure":
        restarts = restarts_of(state.pods)
        if restarts >= limit and restarts > 0:
            return _TOO_MANY
    return None


def _by_deadline(state: JobState, now: datetime.datetime) -> Ending | None:
    return _TOO_LONG if seconds_to_deadline(state, now) == 0 else None


def _by_indexes(state: JobState) -> Ending | None:
    if not state.is_indexed:
        return None
    completions = state.completions or 0
    if state.limit_per_index is not None:
        failed, most = len(state.failed_indexes), state.spec.get("maxFailedIndexes")
        if most is not None and failed > most:
            return _MANY_INDEXES
        if failed and failed + len(state.succeeded_indexes) >= completions:
            return _INDEXES
    rule = met_rule(state.spec.get("successPolicy"), completions, state.succeeded_indexes)
    return Ending(True, "SuccessPolicy", rule) if rule else None
