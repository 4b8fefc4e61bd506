"""What is to be done for a CronJob now: a pure function from it, its Jobs and the time to a plan.

Called by `cron_controller`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.api.cron import CronError, Every, Schedule, parse_cron, zone_of
from podwright.api.objects import Object, copy_object, metadata, name_of, parse_time, rfc3339, uid_of
from podwright.api.resources import CRON_JOBS, JOBS
from podwright.controllers.jobs.decision import Told, finished_condition
from podwright.controllers.jobs.labels import COMPLETE, CRON_TIMESTAMP
from podwright.controllers.owned import controller_reference

_MANY = 100
"""More times than these missed are told of."""
_TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
_FORBIDDEN = "Not starting job because prior execution is running and concurrency policy is Forbid"
_AFTER_THE_TIME = 0.1
"""Seconds: never wake up just before the time."""


@dataclass(frozen=True, slots=True)
class CronPlan:
    """What is to be done: Jobs deleted, one created, status written; then nothing for so many seconds."""

    status: dict[str, Any]
    """As it is before a Job is created"""
    delete: Sequence[Object] = ()
    create: Object | None = None
    scheduled: datetime.datetime | None = None
    """The time for which `create` is"""
    events: Sequence[Told] = ()
    again_after: float | None = None


@dataclass
class _Draft:
    """What is looked at, and the plan as it comes about."""

    cron_job: Object
    jobs: Sequence[Object]
    now: datetime.datetime
    status: dict[str, Any]
    surplus: Sequence[Object] = ()
    events: list[Told] = field(default_factory=list)

    def tell(self, reason: str, message: str, kind: str = "Normal") -> None:
        self.events.append(Told(kind, reason, message))


@dataclass(frozen=True, slots=True)
class Missed:
    """Times that have come since the last look."""

    latest: datetime.datetime | None
    many: bool = False


def missed(schedule: Schedule | Every, earliest: datetime.datetime, now: datetime.datetime) -> Missed:
    """The latest time after `earliest` and not after `now`, and whether there are more than a hundred such."""
    if isinstance(schedule, Every):
        count = int((now - earliest) / schedule.interval)
        latest = (earliest + count * schedule.interval).replace(microsecond=0)
        return Missed(latest if count > 0 else None, count > _MANY)
    last: datetime.datetime | None = None
    at = schedule.next_after(earliest)
    for _ in range(_MANY):
        if at is None or at > now:
            return Missed(last)
        last, at = at, schedule.next_after(at)
    return Missed(_latest(schedule, now), True)


def _latest(schedule: Schedule, now: datetime.datetime) -> datetime.datetime | None:
    """The last time not after `now`, looked for in ever longer stretches before it."""
    stretch = datetime.timedelta(minutes=1)
    while True:
        found: datetime.datetime | None = None
        at = schedule.next_after(now - stretch)
        while at is not None and at <= now:
            found, at = at, schedule.next_after(at)
        if found is not None or stretch > datetime.timedelta(days=366 * 10):
            return found
        stretch *= 2


def decide(cron_job: Object, jobs: Sequence[Object], now: datetime.datetime) -> CronPlan:
    """The plan for a CronJob; `jobs` are those that it controls."""
    draft = _Draft(cron_job, jobs, now, copy_object(cron_job.get("status") or {}))
    _look_at_jobs(draft)
    draft.surplus = _history(cron_job, jobs)
    for job in draft.surplus:
        draft.tell("SuccessfulDelete", f"Deleted job {name_of(job)}")
    spec = cron_job["spec"]
    idle = CronPlan(draft.status, delete=draft.surplus, events=draft.events)
    if metadata(cron_job).get("deletionTimestamp") or spec.get("suspend"):
        return idle
    try:
        zone = zone_of(spec["timeZone"]) if spec.get("timeZone") else datetime.UTC
        schedule = parse_cron(spec.get("schedule") or "", zone)
    except CronError as wrong:
        draft.tell("UnparseableSchedule", f"unparseable schedule: {wrong}", "Warning")
        return idle
    return _plan(draft, schedule)


def _plan(draft: _Draft, schedule: Schedule | Every) -> CronPlan:
    spec, now = draft.cron_job["spec"], draft.now
    due = _due(draft, schedule)
    wait = _seconds_to_next(draft, schedule, due)
    name = job_name(draft.cron_job, due) if due is not None else ""
    active = [job for job in draft.jobs if _is_active(draft, job)]
    create: Object | None = None
    replaced: Sequence[Object] = ()
    if due is None or draft.status.get("lastScheduleTime") == rfc3339(due):
        pass
    elif _is_late(spec, due, now):
        told = due.strftime("%a, %d %b %Y %H:%M:%S %z")
        draft.tell("MissSchedule", f"Missed scheduled time to start a job: {told}", "Warning")
    elif any(name_of(job) == name for job in draft.jobs):
        # Made, and then interrupted before it was written down.
        draft.status["lastScheduleTime"] = rfc3339(due)
    elif spec.get("concurrencyPolicy") == "Forbid" and active:
        draft.tell("JobAlreadyActive", _FORBIDDEN)
    else:
        replaced = active if spec.get("concurrencyPolicy") == "Replace" else ()
        for job in replaced:
            draft.tell("SuccessfulDelete", f"Deleted job {name_of(job)}")
        gone = {uid_of(job) for job in replaced}
        _set_active(draft.status, [r for r in draft.status.get("active") or () if r.get("uid") not in gone])
        create = new_job(draft.cron_job, due, name, schedule)
    delete = [*draft.surplus, *replaced]
    return CronPlan(draft.status, delete, create, due if create else None, draft.events, wait)


def _is_late(spec: Object, due: datetime.datetime, now: datetime.datetime) -> bool:
    deadline = spec.get("startingDeadlineSeconds")
    return deadline is not None and due + datetime.timedelta(seconds=deadline) < now


def _seconds_to_next(draft: _Draft, schedule: Schedule | Every, due: datetime.datetime | None) -> float | None:
    following: datetime.datetime | None
    if isinstance(schedule, Every):
        following = (due or _last_time(draft)) + schedule.interval
    else:
        following = schedule.next_after(draft.now)
    return (following - draft.now).total_seconds() + _AFTER_THE_TIME if following else None


def _last_time(draft: _Draft) -> datetime.datetime:
    return parse_time(draft.status.get("lastScheduleTime") or metadata(draft.cron_job)["creationTimestamp"])


def _due(draft: _Draft, schedule: Schedule | Every) -> datetime.datetime | None:
    """The time for which a Job is to be made, if one has come since the last."""
    earliest, now = _last_time(draft), draft.now
    deadline = draft.cron_job["spec"].get("startingDeadlineSeconds")
    if deadline is not None and not isinstance(schedule, Every):
        earliest = max(earliest, now - datetime.timedelta(seconds=deadline))
    if earliest > now:
        return None
    found = missed(schedule, earliest, now)
    if found.many:
        draft.tell("TooManyMissedTimes", _TOO_MANY, "Warning")
    return found.latest


def _look_at_jobs(draft: _Draft) -> None:
    """Bring the list of active Jobs up to date."""
    known = {reference.get("uid"): reference for reference in draft.status.get("active") or ()}
    there = {uid_of(job): job for job in draft.jobs}
    kept: list[dict[str, Any]] = []
    for uid, reference in known.items():
        job = there.get(str(uid))
        if job is None:
            draft.tell("MissingJob", f"Active job went missing: {reference.get('name')}")
        elif (end := finished_condition(job)) is not None:
            draft.tell("SawCompletedJob", f"Saw completed job: {name_of(job)}, condition: {end['type']}")
        else:
            kept.append(reference)
    for job in draft.jobs:
        if uid_of(job) in known or finished_condition(job) is not None:
            continue
        if CRON_TIMESTAMP in (metadata(job).get("annotations") or {}):
            # The one that was made just before an interruption.
            kept.append(reference_to(job))
        else:
            text = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
            draft.tell("UnexpectedJob", text, "Warning")
    _set_active(draft.status, kept)
    for job in draft.jobs:
        ended, end = (job.get("status") or {}).get("completionTime"), finished_condition(job)
        last = draft.status.get("lastSuccessfulTime")
        if end is not None and end["type"] == COMPLETE and ended and (not last or parse_time(last) < parse_time(ended)):
            draft.status["lastSuccessfulTime"] = ended


def _is_active(draft: _Draft, job: Object) -> bool:
    return any(reference.get("uid") == uid_of(job) for reference in draft.status.get("active") or ())


def _set_active(status: dict[str, Any], references: list[dict[str, Any]]) -> None:
    if references:
        status["active"] = references
    else:
        status.pop("active", None)


def _history(cron_job: Object, jobs: Sequence[Object]) -> list[Object]:
    """Finished Jobs beyond those that are to be kept, the oldest first."""
    spec, found = cron_job["spec"], []
    for succeeded, limit in (
        (True, spec.get("successfulJobsHistoryLimit")),
        (False, spec.get("failedJobsHistoryLimit")),
    ):
        if limit is None:
            continue
        over = [job for job in jobs if (end := finished_condition(job)) and (end["type"] == COMPLETE) == succeeded]
        over.sort(key=lambda job: ((job.get("status") or {}).get("startTime") or "", name_of(job)))
        found += [job for job in over[: max(len(over) - limit, 0)] if not metadata(job).get("deletionTimestamp")]
    return found


def job_name(cron_job: Object, scheduled: datetime.datetime) -> str:
    """A Job's name tells its minute, so that there is one for each time, whoever makes it."""
    return f"{name_of(cron_job)}-{int(scheduled.timestamp()) // 60}"


def reference_to(job: Object) -> dict[str, Any]:
    """A Job as `status.active` lists it."""
    meta = metadata(job)
    reference = {"apiVersion": JOBS.api_version, "kind": JOBS.kind}
    return reference | {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion") if meta.get(name)}


def new_job(cron_job: Object, scheduled: datetime.datetime, name: str, schedule: Schedule | Every) -> Object:
    """The Job for a time."""
    template = copy_object(cron_job["spec"]["jobTemplate"])
    given = template.get("metadata") or {}
    zone = schedule.zone if isinstance(schedule, Schedule) else datetime.UTC
    local = scheduled.astimezone(zone)
    stamp = rfc3339(local) if local.utcoffset() == datetime.timedelta() else local.isoformat(timespec="seconds")
    meta = {
        "name": name,
        "namespace": metadata(cron_job)["namespace"],
        "annotations": {**(given.get("annotations") or {}), CRON_TIMESTAMP: stamp},
        "ownerReferences": [controller_reference(cron_job, CRON_JOBS)],
    }
    if given.get("labels"):
        meta["labels"] = given["labels"]
    return {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": meta, "spec": template.get("spec") or {}}
