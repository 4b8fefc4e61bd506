"""What is special about LimitRanges: bounds and defaults that agree with each other.

Called by the generic handlers through `rows.py`; what they do stands in `admission/limit_ranger.py`.
Page: https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, required
from podwright.api.objects import Object
from podwright.api.quantity import canonical, parse_quantity
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import NAME, at
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.strategy import Column, Strategy

_LIMITS = Path("spec").child("limits")
_FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_ORDERED = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)
"""What may not be above what, whose field the error is at, and its text."""


class LimitRangeStrategy(Strategy):
    """LimitRanges."""

    columns = (
        NAME,
        Column("Created At", at("metadata", "creationTimestamp"), description="When the object was created."),
    )

    def default(self, obj: Object) -> None:
        """For containers the default limit is the maximum, and the default request the default limit."""
        for item in (obj.get("spec") or {}).get("limits") or ():
            for field in _FIELDS:
                normalize_quantities(item.get(field))
            if item.get("type") != "Container":
                continue
            _fill(item, "default", item.get("max"))
            _fill(item, "defaultRequest", item.get("default"))
            _fill(item, "defaultRequest", item.get("min"))

    def validate(self, obj: Object) -> list[FieldError]:
        """Each item by itself, and each type once."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for position, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
            where, kind = _LIMITS.index(position), item.get("type") or ""
            if not kind:
                errors.append(required(where.child("type")))
            elif kind in seen:
                errors.append(duplicate(where.child("type"), kind))
            seen.add(kind)
            errors += _item(where, kind, item)
        return errors


def _fill(item: dict[str, Any], field: str, source: Mapping[str, Any] | None) -> None:
    missing = {name: value for name, value in (source or {}).items() if name not in (item.get(field) or {})}
    if missing:
        item[field] = {**(item.get(field) or {}), **missing}


def _item(where: Path, kind: str, item: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    if kind == "Pod":
        errors += [
            forbidden(where.child(field), "may not be specified when `type` is 'Pod'")
            for field in ("default", "defaultRequest")
            if item.get(field)
        ]
    if kind == "PersistentVolumeClaim" and not any("storage" in (item.get(f) or {}) for f in ("min", "max")):
        text = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(required(where.child("limits"), text))
    wrong = [
        error
        for field in _FIELDS
        for name, value in (item.get(field) or {}).items()
        for error in check.quantity(where.child(field).key(name), value)
    ]
    return errors + (wrong or list(_order(where, item)))


def _order(where: Path, item: Mapping[str, Any]) -> Iterator[FieldError]:
    for low, high, field, text in _ORDERED:
        for name in sorted(set(item.get(low) or ()) & set(item.get(high) or ())):
            small, large = item[low][name], item[high][name]
            if parse_quantity(small) > parse_quantity(large):
                value = canonical(item[field][name])
                yield invalid(where.child(field).key(name), value, text.format(canonical(small), canonical(large)))
    for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        path = where.child("maxLimitRequestRatio").key(name)
        if parse_quantity(ratio) < 1:
            yield invalid(path, ratio, f"ratio {canonical(ratio)} is less than 1")
            continue
        least, most = (item.get("min") or {}).get(name), (item.get("max") or {}).get(name)
        if least is None or most is None or not parse_quantity(least):
            continue
        widest = float(parse_quantity(most) / parse_quantity(least))
        if float(parse_quantity(ratio)) > widest:
            yield invalid(path, ratio, f"ratio {canonical(ratio)} is greater than max/min = {widest:f}")
