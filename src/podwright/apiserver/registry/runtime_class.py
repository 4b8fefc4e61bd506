"""What is special about RuntimeClasses: the handler, and what a Pod of the class pays and where it may run.

Called by the generic handlers through `rows.py`; what the class does to a Pod stands in `admission/runtime_class.py`.
Page: https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from podwright.api import names
from podwright.api.field import FieldError, Path
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.resource_validation import validate_overhead
from podwright.apiserver.registry.scheduling_validation import validate_tolerations
from podwright.apiserver.registry.strategy import Column, Strategy


class RuntimeClassStrategy(Strategy):
    """RuntimeClasses."""

    allow_unconditional_update = False
    columns = (NAME, Column("Handler", at("handler"), description="The runtime's configuration that it names."), AGE)

    def default(self, obj: Object) -> None:
        """Quantities in their one form."""
        normalize_quantities((obj.get("overhead") or {}).get("podFixed"))

    def validate(self, obj: Object) -> list[FieldError]:
        """Handler, overhead and scheduling."""
        errors = check.name(Path("handler"), obj.get("handler"), names.dns_label)
        overhead = (obj.get("overhead") or {}).get("podFixed")
        if overhead:
            errors += validate_overhead(Path("overhead"), overhead)
        where, scheduling = Path("scheduling"), obj.get("scheduling") or {}
        errors += check.labels(where.child("nodeSelector"), scheduling.get("nodeSelector"))
        return errors + validate_tolerations(where.child("tolerations"), scheduling.get("tolerations") or ())

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The handler stays: Pods of the class rely on it."""
        return self.validate(obj) + check.unchanged(Path("handler"), obj.get("handler"), old.get("handler"))
