"""What is special about Leases: who holds one, for how long.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

from podwright.api.field import FieldError, Path, invalid, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")


class LeaseStrategy(Strategy):
    """Leases; a PUT creates one that is not there."""

    allow_unconditional_update = False
    columns = (NAME, Column("Holder", at("spec", "holderIdentity"), description="Who holds the lease."), AGE)
    allow_create_on_update = True

    def validate(self, obj: Object) -> list[FieldError]:
        """Durations and counts."""
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        seconds = spec.get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            errors.append(invalid(_SPEC.child("leaseDurationSeconds"), seconds, "must be greater than 0"))
        errors += check.non_negative(_SPEC.child("leaseTransitions"), spec.get("leaseTransitions"))
        if spec.get("preferredHolder") and not spec.get("strategy"):
            text = "when `preferredHolder` is set"
            errors.append(required(_SPEC.child("strategy"), text))
        return errors
