"""What is special about StorageClasses: who makes their volumes, and that they stay what they are.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/storage/storage-classes/
"""

from __future__ import annotations

from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, required, too_long, too_many
from podwright.api.objects import Object, name_of
from podwright.api.volumes import is_default
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, at
from podwright.apiserver.registry.strategy import Column, Strategy

RECLAIM = ("Delete", "Retain")
BINDING = ("Immediate", "WaitForFirstConsumer")
_MOST_PARAMETERS = 512
_LARGEST_PARAMETERS = 256 * 1024


def _name(storage_class: Object, now: float) -> str:
    return name_of(storage_class) + (" (default)" if is_default(storage_class) else "")


def _expands(storage_class: Object, now: float) -> bool:
    return bool(storage_class.get("allowVolumeExpansion"))


class StorageClassStrategy(Strategy):
    """StorageClasses."""

    columns = (
        Column("Name", _name, format="name", description="The class's name, and whether it is the default one."),
        Column("Provisioner", at("provisioner"), description="Who makes its volumes."),
        Column("ReclaimPolicy", at("reclaimPolicy"), description="What becomes of a volume whose claim is gone."),
        Column("VolumeBindingMode", at("volumeBindingMode"), description="When a claim gets its volume."),
        Column("AllowVolumeExpansion", _expands, type="boolean", description="Whether claims may grow."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        """As kube-apiserver: volumes go with their claims, and claims do not wait."""
        obj["reclaimPolicy"] = obj.get("reclaimPolicy") or "Delete"
        obj["volumeBindingMode"] = obj.get("volumeBindingMode") or "Immediate"

    def validate(self, obj: Object) -> list[FieldError]:
        """Every field of a class."""
        where, provisioner = Path("provisioner"), obj.get("provisioner") or ""
        errors = check.obeys(where, provisioner.lower(), names.qualified_name) if provisioner else [required(where)]
        errors += _parameters(Path("parameters"), obj.get("parameters") or {})
        errors += check.one_of(Path("reclaimPolicy"), obj.get("reclaimPolicy"), RECLAIM)
        errors += check.one_of(Path("volumeBindingMode"), obj.get("volumeBindingMode"), BINDING)
        for position, term in enumerate(obj.get("allowedTopologies") or ()):
            at_term = Path("allowedTopologies").index(position).child("matchLabelExpressions")
            for i, expression in enumerate(term.get("matchLabelExpressions") or ()):
                where = at_term.index(i)
                errors += check.obeys(where.child("key"), expression.get("key") or "", names.qualified_name)
                if not expression.get("values"):
                    errors.append(required(where.child("values")))
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Volumes were made by what the class said: that stays."""
        errors = self.validate(obj)
        for field in ("parameters", "provisioner", "reclaimPolicy"):
            if (obj.get(field) or {}) != (old.get(field) or {}):
                errors.append(forbidden(Path(field), f"updates to {field} are forbidden."))
        return errors + check.unchanged(
            Path("volumeBindingMode"), obj.get("volumeBindingMode"), old.get("volumeBindingMode")
        )


def _parameters(path: Path, parameters: dict[str, Any]) -> list[FieldError]:
    errors = []
    if len(parameters) > _MOST_PARAMETERS:
        errors.append(too_many(path, len(parameters), _MOST_PARAMETERS))
    if any(not key for key in parameters):
        errors.append(required(path, "field can not be empty."))
    if sum(len(k.encode()) + len(str(v).encode()) for k, v in parameters.items()) > _LARGEST_PARAMETERS:
        errors.append(too_long(path, _LARGEST_PARAMETERS))
    return errors
