"""What is special about DaemonSets: one Pod on every node, and how it is replaced.

Called by the generic handlers through `rows.py`; the Pods are kept by `controllers/daemon_set`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, Path, invalid, not_supported, required
from podwright.api.objects import Object, metadata
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, format_labels
from podwright.apiserver.registry.strategy import Column
from podwright.apiserver.registry.workload import (
    CONTAINERS,
    IMAGES,
    SELECTOR,
    SPEC,
    WorkloadStrategy,
    count,
    is_nothing,
    not_above_all,
    percent_or_count,
)

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""An annotation: how often the template has changed. Older clients read it."""


class DaemonSetStrategy(WorkloadStrategy):
    """DaemonSets, with the subresource status."""

    columns = (
        NAME,
        Column(
            "Desired",
            count("status", "desiredNumberScheduled"),
            "integer",
            description="How many nodes are to run its Pod.",
        ),
        Column(
            "Current",
            count("status", "currentNumberScheduled"),
            "integer",
            description="How many of these nodes have its Pod.",
        ),
        Column("Ready", count("status", "numberReady"), "integer", description="On how many its Pod is ready."),
        Column(
            "Up-to-date",
            count("status", "updatedNumberScheduled"),
            "integer",
            description="On how many its Pod is of the newest template.",
        ),
        Column(
            "Available",
            count("status", "numberAvailable"),
            "integer",
            description="On how many its Pod has been ready for long enough.",
        ),
        Column(
            "Node Selector",
            lambda obj, now: format_labels(
                (((obj.get("spec") or {}).get("template") or {}).get("spec") or {}).get("nodeSelector")
            ),
            description="Which nodes are to run its Pod.",
        ),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )
    selector_kind = "daemonset"
    template_kind = "DaemonSet"

    def default_spec(self, spec: dict[str, Any]) -> None:
        """One node after another; ten old revisions kept."""
        if spec.get("revisionHistoryLimit") is None:
            spec["revisionHistoryLimit"] = 10
        strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            for field, value in (("maxUnavailable", 1), ("maxSurge", 0)):
                if rolling.get(field) is None:
                    rolling[field] = value

    def prepare_for_create(self, obj: Object) -> None:
        """Nothing runs yet; this is the first template."""
        obj["status"] = {
            "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
        }  # fmt: skip
        _set_template_generation(obj, 1)

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """A changed template counts."""
        super().prepare_for_update(obj, old, subresource)
        before = (metadata(old).get("annotations") or {}).get(TEMPLATE_GENERATION) or "1"
        generation = int(before) if before.isdecimal() else 1
        same = (obj.get("spec") or {}).get("template") == (old.get("spec") or {}).get("template")
        _set_template_generation(obj, generation if same else generation + 1)

    def spec_errors(self, spec: Mapping[str, Any]) -> list[FieldError]:
        """Times and the strategy."""
        errors: list[FieldError] = []
        for field in ("minReadySeconds", "revisionHistoryLimit"):
            errors += check.non_negative(SPEC.child(field), spec.get(field))
        return errors + _strategy(SPEC.child("updateStrategy"), spec.get("updateStrategy") or {})


def _set_template_generation(obj: Object, generation: int) -> None:
    meta = obj.setdefault("metadata", {})
    meta["annotations"] = {**(meta.get("annotations") or {}), TEMPLATE_GENERATION: str(generation)}


def _strategy(path: Path, strategy: Mapping[str, Any]) -> list[FieldError]:
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), path.child("rollingUpdate")
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        return [not_supported(path.child("type"), kind, ("OnDelete", "RollingUpdate"))]
    if rolling is None:
        return [required(where)]
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors: list[FieldError] = []
    for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        errors += percent_or_count(where.child(field), value) + not_above_all(where.child(field), value)
    if is_nothing(unavailable) and is_nothing(surge):
        errors.append(required(where.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"))
    elif not is_nothing(unavailable) and not is_nothing(surge):
        errors.append(invalid(where.child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero"))
    return errors
