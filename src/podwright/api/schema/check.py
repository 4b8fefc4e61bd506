"""What is wrong with a decoded object, measured against the schema; and the object as the API takes it.

Called for every body that a client sends. The way most objects go is `fits`: nothing is wrong, and the object
comes back as it is. Only if something is off does `_Walk` look again, name it, and build the object anew:
without unknown fields, with nulls taken as "not set", with quantities and times in their canonical form.

Texts are those of kube-apiserver's decoder (sigs.k8s.io/json), since people search for them.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#validation-for-unrecognized-or-duplicate-fields
"""

from __future__ import annotations

import binascii
import datetime
import json
import re
from dataclasses import dataclass, field
from typing import Any

from podwright.api.errors import BadRequest
from podwright.api.field import FieldError, Path, type_invalid
from podwright.api.objects import Object, parse_time, rfc3339, rfc3339_micro
from podwright.api.quantity import canonical
from podwright.api.schema.node import Kind, Node

MAX_UNKNOWN = 100
"""So many unknown fields are named; the others are dropped without a word."""

_ABSENT = object()
_OBJECT, _MAP, _LIST = Kind.OBJECT, Kind.MAP, Kind.LIST
_INT_MAX = {Kind.INT32: 2**31 - 1, Kind.INT64: 2**63 - 1, Kind.INT_OR_STRING: 2**31 - 1}
# Quantities that are canonical for certain: below 1000 no suffix can be shortened.
_PLAIN_QUANTITY = re.compile(r"0|[1-9][0-9]{0,2}(?:m|[kMGT]|[KMGT]i)?").fullmatch
_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z").fullmatch
_PLAIN_MICRO_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z").fullmatch
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Checked:
    """An object as the API takes it, and what was wrong with what the client sent."""

    obj: Any
    """The object that was given, itself when nothing was off; else a new one."""
    unknown: list[str] = field(default_factory=list)
    """Paths of fields that the schema does not know, `spec.containers[0].foo`; they are not in `obj`."""
    errors: list[FieldError] = field(default_factory=list)
    """Values of a wrong type or format; with any of these `obj` must not be used."""
    message: str = ""
    """The first of the errors, as the decoder of kube-apiserver words it."""

    def bad_request(self, kind: str, version: str) -> BadRequest:
        """The answer to a body with errors; `version` as the resource has it, `v1`."""
        return BadRequest(
            f'{kind} in version "{version}" cannot be handled as a {kind}: {self.message}',
            {"causes": [error.cause() for error in self.errors]},
        )


def check(obj: Any, node: Node) -> Checked:
    """Measure `obj` against `node`; see Checked. Never raises for what a client can send."""
    if fits(obj, node):
        return Checked(obj)
    walk = _Walk()
    rebuilt = walk.value(obj, node, _Place("", "", ""))
    return Checked({} if rebuilt is _ABSENT else rebuilt, walk.unknown, walk.errors, walk.message)


def fits(value: Any, node: Node) -> bool:
    """Whether nothing at all is off, so that `check` would give `value` back."""
    kind = node.kind
    if kind is _OBJECT:
        if type(value) is not dict:
            return False
        fields = node.fields
        for name, below in value.items():
            child = fields.get(name)
            if child is None:
                return False
            plain = child.plain
            if (type(below) is not plain) if plain is not None else not fits(below, child):
                return False
        return True
    item = node.item
    if item is None:
        return _leaf_fits(value, node)
    if type(value) is not (dict if kind is _MAP else list):
        return False
    plain = item.plain
    for below in value.values() if kind is _MAP else value:  # type: ignore[union-attr]
        if (type(below) is not plain) if plain is not None else not fits(below, item):
            return False
    return True


def _leaf_fits(value: Any, node: Node) -> bool:
    kind = node.kind
    match kind:
        case Kind.ANY:
            return value is not None
        case Kind.INT32 | Kind.INT64:
            return type(value) is int and -_INT_MAX[kind] - 1 <= value <= _INT_MAX[kind]
        case Kind.INT_OR_STRING:
            return type(value) is str or (type(value) is int and -(2**31) <= value < 2**31)
        case Kind.QUANTITY:
            return type(value) is str and _PLAIN_QUANTITY(value) is not None
        case Kind.TIME | Kind.MICRO_TIME:
            plain = _PLAIN_TIME if kind is Kind.TIME else _PLAIN_MICRO_TIME
            return type(value) is str and plain(value) is not None and _parsed_time(value) is not None
        case Kind.BYTES:
            return type(value) is str and _base64_error(value) is None
        case Kind.NUMBER:
            return type(value) in (int, float)
        case _:
            return type(value) is node.plain


def _parsed_time(text: str) -> datetime.datetime | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


def _base64_error(text: str) -> int | None:
    """The position of the first character that is not base64, or None when all is well."""
    try:
        binascii.a2b_base64(text.encode(), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        wrong = re.search(r"[^A-Za-z0-9+/]", text)
        return wrong.start() if wrong else len(text)
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, in the three ways that errors name it."""

    path: str
    """`spec.containers[0].ports`: how fields are named to people, and to strict decoding."""
    struct: str
    """The Go type that has the field, `Container`."""
    go_path: str
    """The field names on the way, without positions: `spec.containers.ports`."""

    def field(self, name: str, node: Node) -> _Place:
        struct = node.go_type.rpartition(".")[2]
        return _Place(_joined(self.path, name), struct, _joined(self.go_path, name))

    def entry(self, name: str) -> _Place:
        return _Place(_joined(self.path, name), self.struct, self.go_path)

    def element(self, position: int) -> _Place:
        return _Place(f"{self.path}[{position}]", self.struct, self.go_path)


def _joined(above: str, name: str) -> str:
    return f"{above}.{name}" if above else name


class _Walk:
    """Builds an object anew, and notes what is wrong on the way."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.errors: list[FieldError] = []
        self.message = ""

    def value(self, value: Any, node: Node, place: _Place) -> Any:
        """The value as the API takes it; _ABSENT when it is null or wrong."""
        if value is None:
            return _ABSENT
        match node.kind:
            case Kind.OBJECT:
                return self._object(value, node, place)
            case Kind.MAP | Kind.LIST:
                return self._collection(value, node, place)
            case Kind.QUANTITY:
                return self._quantity(value, place)
            case Kind.TIME | Kind.MICRO_TIME:
                return self._time(value, node, place)
            case Kind.BYTES:
                return self._bytes(value, node, place)
            case Kind.INT_OR_STRING if not isinstance(value, str) and not _leaf_fits(value, node):
                return self._wrong_type(value, "int32", place)
            case _:
                return value if _leaf_fits(value, node) else self._wrong_type(value, node.go_type, place)

    def _object(self, value: Any, node: Node, place: _Place) -> Any:
        if not isinstance(value, dict):
            return self._wrong_type(value, node.go_type, place)
        made: Object = {}
        for name, below in value.items():
            child = node.fields.get(name)
            if child is None:
                if len(self.unknown) < MAX_UNKNOWN:
                    self.unknown.append(_joined(place.path, name))
                continue
            kept = self.value(below, child, place.field(name, node))
            if kept is not _ABSENT:
                made[name] = kept
        return made

    def _collection(self, value: Any, node: Node, place: _Place) -> Any:
        item = node.item
        if item is None or not isinstance(value, dict if node.kind is Kind.MAP else list):
            return self._wrong_type(value, node.go_type, place)
        if isinstance(value, dict):
            entries = {name: self.value(below, item, place.entry(name)) for name, below in value.items()}
            return {name: _zero(item) if kept is _ABSENT else kept for name, kept in entries.items()}
        elements = [self.value(below, item, place.element(i)) for i, below in enumerate(value)]
        return [_zero(item) if kept is _ABSENT else kept for kept in elements]

    def _quantity(self, value: Any, place: _Place) -> Any:
        try:
            return canonical(value if type(value) in (str, int, float) else "")
        except ValueError as error:
            return self._wrong(value, str(error), place)

    def _time(self, value: Any, node: Node, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(value, "string", place)
        moment = _parsed_time(value) if _TIME.fullmatch(value) else None
        if moment is None:
            layout = "2006-01-02T15:04:05Z07:00" if node.kind is Kind.TIME else "2006-01-02T15:04:05.000000Z07:00"
            quoted = json.dumps(value, ensure_ascii=False)
            return self._wrong(value, f'parsing time {quoted} as "{layout}": cannot parse {quoted}', place)
        return rfc3339(moment) if node.kind is Kind.TIME else rfc3339_micro(moment)

    def _bytes(self, value: Any, node: Node, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(value, node.go_type, place)
        unfolded = value.replace("\n", "").replace("\r", "")
        position = _base64_error(unfolded)
        if position is not None:
            return self._wrong(value, f"illegal base64 data at input byte {position}", place)
        return unfolded

    def _wrong_type(self, value: Any, expected: str, place: _Place) -> Any:
        found = _json_type(value)
        if found == "number" and expected.startswith("int"):
            found = f"number {json.dumps(value)}"
        where = f"Go struct field {place.struct}.{place.go_path}" if place.struct else "Go value"
        return self._wrong(value, f"json: cannot unmarshal {found} into {where} of type {expected}", place)

    def _wrong(self, value: Any, message: str, place: _Place) -> Any:
        self.message = self.message or message
        if len(self.errors) < MAX_UNKNOWN:
            # Whole objects are not repeated in the answer: a body may be a megabyte.
            shown = value if isinstance(value, bool | int | float) else str(_json_type(value))
            if isinstance(value, str):
                shown = value[:100]
            self.errors.append(type_invalid(Path(place.path), shown, message))
        return _ABSENT


def _json_type(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"


def _zero(node: Node) -> Any:
    """What a null among the elements of a list, or the values of a map, stands for."""
    match node.kind:
        case Kind.OBJECT | Kind.MAP:
            return {}
        case Kind.LIST:
            return []
        case Kind.BOOLEAN:
            return False
        case Kind.INT32 | Kind.INT64 | Kind.NUMBER | Kind.INT_OR_STRING:
            return 0
        case Kind.QUANTITY:
            return "0"
        case Kind.ANY | Kind.TIME | Kind.MICRO_TIME:
            return None
        case _:
            return ""
