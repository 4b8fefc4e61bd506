"""What is wrong with a Job's spec, by itself or as a CronJob's template.

Called by `job.py` and `cron_job.py`. Page:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import (
    FieldError,
    Path,
    duplicate,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.pod_template import validate_template

Spec = Mapping[str, Any]

INDEXED = "Indexed"
MODES = ("Indexed", "NonIndexed")
_MOST_INDEXES = 100_000
_MOST_RULES, _MOST_CODES, _MOST_PATTERNS = 20, 255, 20
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_NEEDS_INDEXES = "requires indexed completion mode"


def validate_job_spec(path: Path, spec: Spec) -> list[FieldError]:
    """Errors of a batch/v1 JobSpec at `path`, its selector left aside."""
    errors: list[FieldError] = []
    for name in _COUNTS:
        errors += check.non_negative(path.child(name), spec.get(name))
    errors += _indexes(path, spec)
    if spec.get("podFailurePolicy") is not None:
        errors += _failure_policy(path, spec)
    if spec.get("successPolicy") is not None:
        errors += _success_policy(path, spec)
    replacement = spec.get("podReplacementPolicy")
    allowed = ("Failed",) if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    errors += check.optional_one_of(path.child("podReplacementPolicy"), replacement, allowed)
    if (manager := spec.get("managedBy")) is not None:
        errors += _domain_prefixed(path.child("managedBy"), manager)
    return errors + _template(path.child("template"), spec.get("template") or {})


def _template(path: Path, template: Mapping[str, Any]) -> list[FieldError]:
    errors = validate_template(path, template)
    where = path.child("spec").child("restartPolicy")
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        errors.append(required(where, 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        errors.append(not_supported(where, policy, ("OnFailure", "Never")))
    return errors


def _domain_prefixed(path: Path, text: str) -> list[FieldError]:
    if len(text) > 63:
        return [too_long(path, 63)]
    domain, slash, rest = text.partition("/")
    if not slash or not domain or not rest:
        return [invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return check.obeys(path, domain, names.dns_subdomain)


def _indexes(path: Path, spec: Spec) -> list[FieldError]:
    mode, completions = spec.get("completionMode"), spec.get("completions")
    errors = check.optional_one_of(path.child("completionMode"), mode, MODES)
    if mode == INDEXED:
        if completions is None:
            errors.append(required(path.child("completions"), f"when completion mode is {INDEXED}"))
        for name in ("parallelism", "maxFailedIndexes"):
            if (spec.get(name) or 0) > _MOST_INDEXES:
                text = f"must be less than or equal to {_MOST_INDEXES} when completion mode is {INDEXED}"
                errors.append(invalid(path.child(name), spec[name], text))
    elif spec.get("backoffLimitPerIndex") is not None:
        errors.append(invalid(path.child("backoffLimitPerIndex"), spec["backoffLimitPerIndex"], _NEEDS_INDEXES))
    most = spec.get("maxFailedIndexes")
    if most is None:
        return errors
    if spec.get("backoffLimitPerIndex") is None:
        errors.append(required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"))
    if completions is not None and most > completions:
        errors.append(invalid(path.child("maxFailedIndexes"), most, "must be less than or equal to completions"))
    return errors


def _failure_policy(path: Path, spec: Spec) -> list[FieldError]:
    where, template = path.child("podFailurePolicy"), (spec.get("template") or {}).get("spec") or {}
    errors: list[FieldError] = []
    if template.get("restartPolicy") != "Never":
        at = path.child("template").child("spec").child("restartPolicy")
        text = 'only "Never" is supported when podFailurePolicy is specified'
        errors.append(invalid(at, template.get("restartPolicy"), text))
    rules = spec["podFailurePolicy"].get("rules") or ()
    if len(rules) > _MOST_RULES:
        errors.append(too_many(where.child("rules"), len(rules), _MOST_RULES))
    own = [*(template.get("initContainers") or ()), *(template.get("containers") or ())]
    known = {container.get("name") for container in own}
    for position, rule in enumerate(rules):
        at = where.child("rules").index(position)
        action = rule.get("action")
        errors += check.one_of(at.child("action"), action, _ACTIONS)
        if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            errors.append(invalid(at.child("action"), action, "requires the backoffLimitPerIndex to be set"))
        codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
        if codes is not None:
            errors += _exit_codes(at.child("onExitCodes"), codes, known)
        errors += _patterns(at.child("onPodConditions"), patterns)
        if codes is not None and patterns:
            errors.append(invalid(at, dict(rule), "specifying both OnExitCodes and OnPodConditions is not supported"))
        if codes is None and not patterns:
            errors.append(invalid(at, dict(rule), "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _exit_codes(path: Path, requirement: Mapping[str, Any], known: set[Any]) -> list[FieldError]:
    operator, values = requirement.get("operator"), requirement.get("values") or []
    errors = check.one_of(path.child("operator"), operator, ("In", "NotIn"))
    name = requirement.get("containerName")
    if name is not None and name not in known:
        text = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid(path.child("containerName"), name, text))
    where = path.child("values")
    if not values:
        errors.append(invalid(where, values, "at least one value is required"))
    if len(values) > _MOST_CODES:
        errors.append(too_many(where, len(values), _MOST_CODES))
    if list(values) != sorted(values):
        errors.append(invalid(where, values, "must be ordered"))
    for position, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(invalid(where.index(position), value, "must not be 0 for the In operator"))
        if value in values[:position]:
            errors.append(duplicate(where.index(position), value))
    return errors


def _patterns(path: Path, patterns: Any) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(patterns) > _MOST_PATTERNS:
        errors.append(too_many(path, len(patterns), _MOST_PATTERNS))
    for position, pattern in enumerate(patterns):
        at = path.index(position)
        errors += check.name(at.child("type"), pattern.get("type"), names.qualified_name)
        errors += check.one_of(at.child("status"), pattern.get("status"), ("False", "True", "Unknown"))
    return errors


def _success_policy(path: Path, spec: Spec) -> list[FieldError]:
    where, rules = path.child("successPolicy"), spec["successPolicy"].get("rules") or []
    errors: list[FieldError] = []
    if spec.get("completionMode") != INDEXED:
        errors.append(invalid(where, dict(spec["successPolicy"]), _NEEDS_INDEXES))
    if not rules:
        errors.append(
            required(where.child("rules"), "at least one rules must be specified when the successPolicy is set")
        )
    if len(rules) > _MOST_RULES:
        errors.append(too_many(where.child("rules"), len(rules), _MOST_RULES))
    for position, rule in enumerate(rules):
        errors += _success_rule(where.child("rules").index(position), rule, spec.get("completions") or 0)
    return errors


def _success_rule(path: Path, rule: Mapping[str, Any], completions: int) -> list[FieldError]:
    indexes, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if indexes is None and count is None:
        return [required(path, "at least one of succeededCount or succeededIndexes must be specified")]
    errors, total = [], completions
    if indexes is not None:
        wrong, named = index_text(indexes, completions)
        total = sum(map(len, named))
        if wrong:
            errors.append(invalid(path.child("succeededIndexes"), indexes, f"error parsing succeededIndexes: {wrong}"))
    if count is not None:
        at = path.child("succeededCount")
        errors += check.non_negative(at, count)
        if count > completions:
            text = f"must be less than or equal to {completions} (the number of specified completions)"
            errors.append(invalid(at, count, text))
        if indexes is not None and count > total:
            text = (
                f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            )
            errors.append(invalid(at, count, text))
    return errors


def index_text(text: str, completions: int) -> tuple[str, list[range]]:
    """What is wrong with `1,3-5` ("" nothing), and the indexes that it names up to there, in order."""
    before = -1
    found: list[range] = []
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return f'cannot convert string to integer for index: "{part if not dash else first}"', found
        start, end = int(first), int(last) if dash else int(first)
        for index in (start, end):
            if index >= completions:
                return f'too large index: "{index}"', found
        if start <= before or (dash and end <= start):
            return f"non-increasing order, previous: {max(before, 0)}, current: {start}", found
        before = end
        found.append(range(start, end + 1))
    return "", found
