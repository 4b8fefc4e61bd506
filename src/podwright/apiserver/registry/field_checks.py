"""Checks of one value that many kinds share, with kube-apiserver's words.

Called by the validation modules of this folder. Each gives the errors of one field; nothing means it is good.
Source: k8s.io/apimachinery pkg/util/validation and pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, not_supported, required
from podwright.api.quantity import milli_value, parse_quantity

NameRule = Callable[[str], Sequence[str]]

IMMUTABLE = "field is immutable"
NON_NEGATIVE = "must be greater than or equal to 0"
MAX_ID = 2**31 - 1
MODE_RANGE = "must be a number between 0 and 0777 (octal), both inclusive"


def one_of(path: Path, value: Any, supported: Sequence[str]) -> list[FieldError]:
    """A required word out of a fixed set."""
    if not value:
        return [required(path)]
    return optional_one_of(path, value, supported)


def optional_one_of(path: Path, value: Any, supported: Sequence[str]) -> list[FieldError]:
    """A word out of a fixed set, or nothing."""
    return [not_supported(path, value, supported)] if value is not None and value not in supported else []


def name(path: Path, value: Any, rule: NameRule) -> list[FieldError]:
    """A required name that obeys `rule`."""
    if not value:
        return [required(path)]
    return obeys(path, value, rule)


def obeys(path: Path, value: Any, rule: NameRule) -> list[FieldError]:
    """A value that obeys `rule`."""
    wrong = rule(value)
    return [invalid(path, value, text) for text in wrong] if wrong else []


def non_negative(path: Path, value: int | None) -> list[FieldError]:
    """A number of 0 or more."""
    return [invalid(path, value, NON_NEGATIVE)] if value is not None and value < 0 else []


def port_number(path: Path, value: Any) -> list[FieldError]:
    """A TCP or UDP port."""
    return between(path, value, 1, 65535)


def between(path: Path, value: Any, low: int, high: int) -> list[FieldError]:
    """A number within a closed range."""
    return [] if low <= value <= high else [invalid(path, value, f"must be between {low} and {high}, inclusive")]


def user_or_group_id(path: Path, value: int | None) -> list[FieldError]:
    """A numeric user or group, or nothing."""
    return [] if value is None else between(path, value, 0, MAX_ID)


def file_mode(path: Path, value: int | None) -> list[FieldError]:
    """Permission bits, or nothing."""
    return [invalid(path, value, MODE_RANGE)] if value is not None and not 0 <= value <= 0o777 else []


def quantity(path: Path, value: Any, *, whole: bool = False) -> list[FieldError]:
    """A quantity of 0 or more; `whole`: only whole pieces."""
    try:
        amount = parse_quantity(value)
    except ValueError as wrong:
        return [invalid(path, value, str(wrong))]
    if amount < 0:
        return [invalid(path, value, NON_NEGATIVE)]
    return [invalid(path, value, "must be an integer")] if whole and milli_value(value) % 1000 else []


def descending_path(path: Path, value: str) -> list[FieldError]:
    """A path that stays below where it starts."""
    if value.startswith("/"):
        return [invalid(path, value, "must be a relative path")]
    return no_backsteps(path, value)


def no_backsteps(path: Path, value: str) -> list[FieldError]:
    """A path without `..` as a part."""
    return [invalid(path, value, "must not contain '..'")] if ".." in value.split("/") else []


def projected_path(path: Path, value: str) -> list[FieldError]:
    """The path of a file that is written into a volume; names that begin with `..` are the writer's own."""
    errors = descending_path(path, value)
    if value.startswith("..") and not value.startswith("../") and value != "..":
        errors.append(invalid(path, value, "must not start with '..'"))
    return errors


def labels(path: Path, values: Mapping[str, str] | None) -> list[FieldError]:
    """A map of labels."""
    errors: list[FieldError] = []
    for key, value in (values or {}).items():
        errors += obeys(path, key, names.qualified_name)
        errors += obeys(path, value, names.label_value)
    return errors


def label_selector(path: Path, selector: Mapping[str, Any] | None) -> list[FieldError]:
    """A metav1.LabelSelector."""
    if selector is None:
        return []
    errors = labels(path.child("matchLabels"), selector.get("matchLabels"))
    for position, term in enumerate(selector.get("matchExpressions") or ()):
        where = path.child("matchExpressions").index(position)
        operator, values = term.get("operator") or "", term.get("values") or ()
        if operator in ("In", "NotIn"):
            if not values:
                errors.append(required(where.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.append(forbidden(where.child("values"), text))
        else:
            errors.append(invalid(where.child("operator"), operator, "not a valid selector operator"))
        errors += obeys(where.child("key"), term.get("key") or "", names.qualified_name)
        for i, value in enumerate(values):
            errors += obeys(where.child("values").index(i), value, names.label_value)
    return errors


def unchanged(path: Path, new: Any, old: Any) -> list[FieldError]:
    """A field that keeps its value for ever."""
    return [] if new == old else [invalid(path, new, IMMUTABLE)]


def repeated(values: Iterable[Any]) -> list[tuple[int, Any]]:
    """The values (with their positions) that stand earlier in the list too; empty ones do not count."""
    seen: set[Any] = set()
    found = []
    for position, value in enumerate(values):
        if not value:
            continue
        if value in seen:
            found.append((position, value))
        seen.add(value)
    return found
