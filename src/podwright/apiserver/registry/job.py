"""What is special about Jobs: the selector that the server makes, what may change, and how far one has come.

Called by the generic handlers through `rows.py`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, required
from podwright.api.objects import Object, copy_object, metadata, name_of, parse_time, uid_of
from podwright.api.selectors import label_selector_from
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.image_policy import keep_pull_policies
from podwright.apiserver.registry.job_status import job_status_errors
from podwright.apiserver.registry.job_validation import INDEXED, validate_job_spec
from podwright.apiserver.registry.pod_template import default_template
from podwright.apiserver.registry.pod_warnings import template_warnings
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.workload import CONTAINERS, IMAGES, SELECTOR, spec_of, status_of

_SPEC = Path("spec")
_UID_LABEL, _NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
_OLD_UID_LABEL, _OLD_NAME_LABEL = "controller-uid", "job-name"
_UNLIMITED = 2**31 - 1
_IMMUTABLE = ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")
KEEPS_PODS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)


def default_job_spec(spec: dict[str, Any]) -> None:
    """Fill in what a CronJob's template gets as well, in place."""
    if spec.get("template") is None:
        spec["template"] = {}
    default_template(spec["template"])
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


def _label_like_template(job: Object) -> None:
    """A Job without labels has those of its template."""
    own = (job["spec"]["template"].get("metadata") or {}).get("labels")
    if own and not metadata(job).get("labels"):
        metadata(job)["labels"] = dict(own)


def _has(job: Object, kind: str) -> bool:
    conditions = status_of(job).get("conditions") or ()
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)


def _status(job: Object, now: float) -> str:
    for kind in ("Complete", "Failed"):
        if _has(job, kind):
            return kind
    if metadata(job).get("deletionTimestamp"):
        return "Terminating"
    return next((kind for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if _has(job, kind)), "Running")


def _completions(job: Object, now: float) -> str:
    spec, done = job.get("spec") or {}, status_of(job).get("succeeded") or 0
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(job: Object, now: float) -> str:
    from podwright.apiserver.table import human_duration

    status = status_of(job)
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]).timestamp() if status.get("completionTime") else now
    return human_duration(end - parse_time(status["startTime"]).timestamp())


class JobStrategy(Strategy):
    """Jobs, with the subresource status."""

    status_subresource = True
    has_generation = True
    orphans_by_default = True
    columns = (
        NAME,
        Column("Status", _status, description="How far it has come."),
        Column("Completions", _completions, description="How many Pods have succeeded, of how many."),
        Column("Duration", _duration, description="How long it has run, or ran."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )

    def default(self, obj: Object) -> None:
        """One Pod, tried seven times, unless it says otherwise."""
        spec = spec_of(obj)
        default_job_spec(spec)
        if spec.get("parallelism") is None:
            if spec.get("completions") is None:
                spec["completions"] = 1
            spec["parallelism"] = 1
        if spec.get("backoffLimit") is None:
            spec["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else _UNLIMITED
        if not spec.get("completionMode"):
            spec["completionMode"] = "NonIndexed"
        if spec.get("suspend") is None:
            spec["suspend"] = False
        if not spec.get("podReplacementPolicy"):
            spec["podReplacementPolicy"] = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
        _label_like_template(obj)

    def carry_over(self, obj: Object, old: Object) -> None:
        """The pull policy is decided once, at creation."""
        template = (obj.get("spec") or {}).get("template") or {}
        before = (old.get("spec") or {}).get("template") or {}
        if template.get("spec"):
            keep_pull_policies(template["spec"], before.get("spec") or {})

    def prepare_for_create(self, obj: Object) -> None:
        """Give its Pods labels that no other Job's have, and select by them."""
        super().prepare_for_create(obj)
        spec = spec_of(obj)
        if spec.get("manualSelector"):
            return
        meta = spec["template"]["metadata"]
        labels = meta["labels"] = dict(meta.get("labels") or {})
        for keys, value in (
            ((_OLD_NAME_LABEL, _NAME_LABEL), name_of(obj)),
            ((_OLD_UID_LABEL, _UID_LABEL), uid_of(obj)),
        ):
            for key in keys:
                labels.setdefault(key, value)
        _label_like_template(obj)
        selector = spec.setdefault("selector", {})
        if isinstance(selector, dict):
            matched = selector["matchLabels"] = dict(selector.get("matchLabels") or {})
            matched.setdefault(_UID_LABEL, uid_of(obj))

    def validate(self, obj: Object) -> list[FieldError]:
        """A new Job's errors."""
        spec = spec_of(obj)
        return self._always_errors(obj) + _generated_selector(obj) + _host_names(obj, spec)

    def _always_errors(self, obj: Object) -> list[FieldError]:
        spec = spec_of(obj)
        return validate_job_spec(_SPEC, spec) + _selector(spec)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed Job's errors: most of a Job is settled when it is made."""
        if subresource == "status":
            return job_status_errors(obj, old)
        new, was = spec_of(obj), old.get("spec") or {}
        errors = self._always_errors(obj)
        for name in _IMMUTABLE:
            errors += check.unchanged(_SPEC.child(name), new.get(name), was.get(name))
        errors += _completions_change(new, was) + _template_change(new, was, old)
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What the template's Pods will not get."""
        before = ((old.get("spec") or {}).get("template") or {}) if old is not None else None
        said = template_warnings("spec.template", (obj.get("spec") or {}).get("template") or {}, before)
        if old is None and names.dns_label(name_of(obj)):
            wrong = " ".join(names.dns_label(name_of(obj)))
            said.append(
                "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
                f"a DNS label is recommended: [{wrong}]"
            )
        return said

    def deletion_warnings(self, propagation_policy: str) -> list[str]:
        """Pods that stay come as a surprise."""
        return [] if propagation_policy else [KEEPS_PODS]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """How many Pods have succeeded."""
        return {"status.successful": str(status_of(obj).get("succeeded") or 0)}


def _selector(spec: Mapping[str, Any]) -> list[FieldError]:
    selector = spec.get("selector")
    if selector is None:
        return [required(_SPEC.child("selector"))]
    errors = check.label_selector(_SPEC.child("selector"), selector)
    if errors:
        return errors
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not label_selector_from(selector).matches(labels):
        where = _SPEC.child("template").child("metadata").child("labels")
        errors.append(invalid(where, labels, "`selector` does not match template `labels`"))
    return errors


def _generated_selector(job: Object) -> list[FieldError]:
    """Labels and selector that a user wrote are none that the server has made."""
    spec = spec_of(job)
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return []
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    where = _SPEC.child("template").child("metadata").child("labels")
    errors = []
    for key, value in ((_UID_LABEL, uid_of(job)), (_NAME_LABEL, name_of(job))):
        if key not in labels:
            errors.append(required(where.key(key), f"must be '{value}'"))
        elif labels[key] != value:
            errors.append(invalid(where.key(key), labels, f"must be '{value}'"))
    if selector != {"matchLabels": {_UID_LABEL: uid_of(job)}}:
        errors.append(invalid(_SPEC.child("selector"), selector, "`selector` not auto-generated"))
    return errors


def _host_names(job: Object, spec: Mapping[str, Any]) -> list[FieldError]:
    if spec.get("completionMode") != INDEXED or not spec.get("completions"):
        return []
    longest = f"{name_of(job)}-{spec['completions'] - 1}"
    text = f"will not able to create pod with invalid DNS label: {longest}"
    return [invalid(Path("metadata").child("name"), name_of(job), text)] if names.dns_label(longest) else []


def _completions_change(new: Mapping[str, Any], was: Mapping[str, Any]) -> list[FieldError]:
    path = _SPEC.child("completions")
    if new.get("completions") == was.get("completions"):
        return []
    if new.get("completionMode") != INDEXED or new.get("completions") is None:
        return check.unchanged(path, new.get("completions"), was.get("completions"))
    if new["completions"] != new.get("parallelism"):
        text = f"can only be modified in tandem with {_SPEC.child('parallelism')}"
        return [invalid(path, new["completions"], text)]
    return []


def _template_change(new: Mapping[str, Any], was: Mapping[str, Any], old: Object) -> list[FieldError]:
    """Where Pods go and what they ask for may be changed while the Job is suspended and has none."""
    template, before = new.get("template") or {}, copy_object(was.get("template") or {})
    if was.get("suspend") and _rests(status_of(old)):
        for kind in ("labels", "annotations"):
            _take(before.setdefault("metadata", {}), template.get("metadata") or {}, kind)
        spec, kept = template.get("spec") or {}, before.setdefault("spec", {})
        for name in _SCHEDULING:
            _take(kept, spec, name)
        affinity = {**(kept.get("affinity") or {})}
        _take(affinity, spec.get("affinity") or {}, "nodeAffinity")
        if affinity or spec.get("affinity") is not None:
            kept["affinity"] = affinity
        else:
            kept.pop("affinity", None)
        for name in ("initContainers", "containers"):
            for old_one, new_one in zip(kept.get(name) or (), spec.get(name) or (), strict=False):
                _take(old_one, new_one, "resources")
    return check.unchanged(_SPEC.child("template"), template, before)


def _rests(status: Mapping[str, Any]) -> bool:
    """Whether a suspended Job has no Pods: it has not begun, or says itself that it is suspended."""
    told = any(c.get("type") == "Suspended" and c.get("status") == "True" for c in status.get("conditions") or ())
    return not status.get("active") and (told or not status.get("startTime"))


def _take(into: dict[str, Any], source: Mapping[str, Any], name: str) -> None:
    if name in source:
        into[name] = source[name]
    else:
        into.pop(name, None)
