"""What is special about CronJobs: schedule, time zone, and the Job that is made each time.

Called by the generic handlers through `rows.py`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from __future__ import annotations

from typing import Any

from podwright.api.cron import CronError, parse_cron, zone_of
from podwright.api.field import FieldError, Path, invalid, not_supported, required
from podwright.api.objects import Object, name_of
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE, at, since
from podwright.apiserver.registry.image_policy import keep_pull_policies
from podwright.apiserver.registry.job import default_job_spec
from podwright.apiserver.registry.job_validation import validate_job_spec
from podwright.apiserver.registry.pod_warnings import template_warnings
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.workload import CONTAINERS, IMAGES, SELECTOR, spec_of, status_of

_SPEC = Path("spec")
_POLICIES = ("Allow", "Forbid", "Replace")
_LONGEST_NAME = 52
"""A Job's name is this one, a dash and ten digits."""


def _job_spec(obj: Object) -> dict[str, Any]:
    return ((obj.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}


def _of_job(column: Column) -> Column:
    return Column(
        column.name,
        lambda obj, now: column.cell({"spec": _job_spec(obj)}, now),
        priority=1,
        description=column.description,
    )


def _last(obj: Object, now: float) -> str:
    last = status_of(obj).get("lastScheduleTime")
    return since(last, now) if last else NONE


class CronJobStrategy(Strategy):
    """CronJobs, with the subresource status."""

    status_subresource = True
    has_generation = True
    columns = (
        NAME,
        Column("Schedule", at("spec", "schedule"), description="When a Job is made, as cron writes it."),
        Column("Timezone", at("spec", "timeZone", absent=NONE), description="The time zone of the schedule."),
        Column(
            "Suspend",
            lambda obj, now: str(bool((obj.get("spec") or {}).get("suspend"))),
            type="boolean",
            description="Whether no Jobs are made for now.",
        ),
        Column(
            "Active",
            lambda obj, now: len(status_of(obj).get("active") or ()),
            type="integer",
            description="How many of its Jobs run.",
        ),
        Column("Last Schedule", _last, description="How long ago a Job was made."),
        AGE,
        _of_job(CONTAINERS),
        _of_job(IMAGES),
        _of_job(SELECTOR),
    )

    def default(self, obj: Object) -> None:
        """What upstream sets; the Job's own defaults come with the Job."""
        spec = spec_of(obj)
        for name, value in (
            ("concurrencyPolicy", "Allow"),
            ("suspend", False),
            ("successfulJobsHistoryLimit", 3),
            ("failedJobsHistoryLimit", 1),
        ):
            if spec.get(name) in (None, ""):
                spec[name] = value
        template = spec["jobTemplate"] = spec.get("jobTemplate") or {}
        template["metadata"] = template.get("metadata") or {}
        template["spec"] = template.get("spec") or {}
        default_job_spec(template["spec"])

    def carry_over(self, obj: Object, old: Object) -> None:
        """The pull policy is decided once, at creation."""
        template = _job_spec(obj).get("template") or {}
        if template.get("spec"):
            keep_pull_policies(template["spec"], (_job_spec(old).get("template") or {}).get("spec") or {})

    def validate(self, obj: Object) -> list[FieldError]:
        """A new CronJob's errors."""
        errors = self._errors(obj)
        if len(name_of(obj)) > _LONGEST_NAME:
            text = f"must be no more than {_LONGEST_NAME} characters"
            errors.append(invalid(Path("metadata").child("name"), name_of(obj), text))
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed one's errors: everything may change."""
        return [] if subresource == "status" else self._errors(obj)

    def _errors(self, obj: Object) -> list[FieldError]:
        spec = spec_of(obj)
        errors = _schedule(spec)
        for name in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
            errors += check.non_negative(_SPEC.child(name), spec.get(name))
        errors += check.one_of(_SPEC.child("concurrencyPolicy"), spec.get("concurrencyPolicy"), _POLICIES)
        template, where = spec.get("jobTemplate") or {}, _SPEC.child("jobTemplate")
        errors += check.labels(where.child("labels"), (template.get("metadata") or {}).get("labels"))
        job = template.get("spec") or {}
        errors += validate_job_spec(where.child("spec"), job)
        if job.get("selector") is not None:
            text = "`selector` will be auto-generated"
            errors.append(invalid(where.child("spec").child("selector"), job["selector"], text))
        if job.get("manualSelector"):
            errors.append(not_supported(where.child("spec").child("manualSelector"), True, ("nil", "false")))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What the template's Pods will not get."""
        before = (_job_spec(old).get("template") or {}) if old is not None else None
        return template_warnings("spec.jobTemplate.spec.template", _job_spec(obj).get("template") or {}, before)


def _schedule(spec: dict[str, Any]) -> list[FieldError]:
    path, text, zone = _SPEC.child("schedule"), spec.get("schedule") or "", spec.get("timeZone")
    errors: list[FieldError] = []
    if not text:
        errors.append(required(path))
    elif "TZ" in text:
        errors.append(invalid(path, text, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"))
    else:
        try:
            parse_cron(text)
        except CronError as wrong:
            errors.append(invalid(path, text, str(wrong)))
    if zone is not None:
        errors += _zone(_SPEC.child("timeZone"), zone)
    return errors


def _zone(path: Path, zone: str) -> list[FieldError]:
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [invalid(path, zone, text)]
    try:
        zone_of(zone)
    except CronError as wrong:
        return [invalid(path, zone, str(wrong))]
    return []
