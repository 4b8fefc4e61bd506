"""What is special about PodDisruptionBudgets: one of two bounds, and what they allow now.

Called by the generic handlers through `rows.py`; the eviction subresource keeps to them (`apiserver/disruption`).
Page: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

from collections.abc import Callable

from podwright.api.field import FieldError, Path, invalid
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.workload import count, not_above_all, percent_or_count, spec_of, status_of

_SPEC = Path("spec")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_COUNTS = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")


def _bound(name: str) -> Callable[[Object, float], str]:
    def cell(budget: Object, now: float) -> str:
        value = (budget.get("spec") or {}).get(name)
        return "N/A" if value is None else str(value)

    return cell


class PodDisruptionBudgetStrategy(Strategy):
    """PodDisruptionBudgets, with the subresource status."""

    status_subresource = True
    has_generation = True
    allow_unconditional_update = False
    columns = (
        NAME,
        Column("Min Available", _bound("minAvailable"), description="How many of the Pods are to stay."),
        Column("Max Unavailable", _bound("maxUnavailable"), description="How many of the Pods may be missing."),
        Column(
            "Allowed Disruptions",
            count("status", "disruptionsAllowed"),
            type="integer",
            description="How many Pods may be evicted now.",
        ),
        AGE,
    )

    def validate(self, obj: Object) -> list[FieldError]:
        """One bound, and which Pods it is about."""
        spec = spec_of(obj)
        errors: list[FieldError] = []
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            errors.append(invalid(_SPEC, spec, "minAvailable and maxUnavailable cannot be both set"))
        for name in ("minAvailable", "maxUnavailable"):
            if spec.get(name) is not None:
                errors += percent_or_count(_SPEC.child(name), spec[name]) + not_above_all(_SPEC.child(name), spec[name])
        errors += check.label_selector(_SPEC.child("selector"), spec.get("selector"))
        policy = spec.get("unhealthyPodEvictionPolicy")
        return errors + check.optional_one_of(_SPEC.child("unhealthyPodEvictionPolicy"), policy, _POLICIES)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Everything may change."""
        if subresource != "status":
            return self.validate(obj)
        errors: list[FieldError] = []
        for name in _COUNTS:
            errors += check.non_negative(Path("status").child(name), status_of(obj).get(name))
        return errors
