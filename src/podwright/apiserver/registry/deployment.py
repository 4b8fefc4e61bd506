"""What is special about Deployments: how they replace their Pods by new ones.

Called by the generic handlers through `rows.py`; the rolling is done by `controllers/deployment`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, Path, forbidden, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
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
    ready_of_wanted,
)

_DEFAULTS = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_SHARE = "25%"
_TYPES = ("Recreate", "RollingUpdate")


class DeploymentStrategy(WorkloadStrategy):
    """Deployments, with the subresources status and scale."""

    columns = (
        NAME,
        Column("Ready", ready_of_wanted, description="How many replicas are ready, and how many there are to be."),
        Column(
            "Up-to-date",
            count("status", "updatedReplicas"),
            "integer",
            description="How many Pods are of the newest template.",
        ),
        Column(
            "Available",
            count("status", "availableReplicas"),
            "integer",
            description="How many Pods have been ready for long enough.",
        ),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )
    selector_kind = "deployment"

    def default_spec(self, spec: dict[str, Any]) -> None:
        """One replica, rolled by a quarter at a time, ten old revisions kept, ten minutes to make progress."""
        for field, value in _DEFAULTS.items():
            if spec.get(field) is None:
                spec[field] = value
        strategy = spec["strategy"] = spec.get("strategy") or {}
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            for field in ("maxUnavailable", "maxSurge"):
                if rolling.get(field) is None:
                    rolling[field] = _SHARE
        elif strategy.get("rollingUpdate") is None:
            strategy.pop("rollingUpdate", None)

    def prepare_for_create(self, obj: Object) -> None:
        """Nothing is told yet; clients rely on a status that is there."""
        obj["status"] = {}

    def spec_errors(self, spec: Mapping[str, Any]) -> list[FieldError]:
        """Counts, times and the strategy."""
        errors: list[FieldError] = []
        for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
            errors += check.non_negative(SPEC.child(field), spec.get(field))
        errors += _strategy(SPEC.child("strategy"), spec.get("strategy") or {})
        deadline, where = spec.get("progressDeadlineSeconds"), SPEC.child("progressDeadlineSeconds")
        if deadline is not None:
            errors += check.non_negative(where, deadline)
            if deadline <= (spec.get("minReadySeconds") or 0):
                errors.append(invalid(where, deadline, "must be greater than minReadySeconds"))
        return errors


def _strategy(path: Path, strategy: Mapping[str, Any]) -> list[FieldError]:
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), path.child("rollingUpdate")
    if kind == "Recreate":
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(where, text)] if rolling is not None else []
    if kind != "RollingUpdate":
        return [not_supported(path.child("type"), kind, _TYPES)]
    if rolling is None:
        return [required(where, "this should be defaulted and never be nil")]
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = percent_or_count(where.child("maxUnavailable"), unavailable)
    errors += percent_or_count(where.child("maxSurge"), surge)
    if is_nothing(unavailable) and is_nothing(surge):
        errors.append(invalid(where.child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0"))
    return errors + not_above_all(where.child("maxUnavailable"), unavailable)
