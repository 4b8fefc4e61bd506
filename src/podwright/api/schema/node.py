"""One place of the schema: the type of a value, and how two versions of it are merged.

Called by the checker, by strategic merge patch and by server-side apply. Nodes are shared between the types
that use them and never change once the schema is compiled.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class Kind(enum.Enum):
    """The types of the published API; each has one way of being decoded."""

    OBJECT = "object"
    """Named fields."""
    MAP = "map"
    """Free keys, values of one type."""
    LIST = "list"
    STRING = "string"
    BOOLEAN = "boolean"
    INT32 = "int32"
    INT64 = "int64"
    NUMBER = "number"
    QUANTITY = "quantity"
    INT_OR_STRING = "int-or-string"
    BYTES = "byte"
    """A string of base64."""
    TIME = "date-time"
    MICRO_TIME = "micro-time"
    ANY = "any"


_NO_SHAPES: Mapping[tuple[str, ...], dict[str, Any]] = {}


class Node:
    """The type of one field, list element or map value.

    `fields` is filled for OBJECT, `item` for LIST (its elements) and MAP (its values).
    """

    __slots__ = (
        "atomic",
        "fields",
        "go_type",
        "item",
        "key_defaults",
        "kind",
        "list_keys",
        "merge_key",
        "patch_strategy",
        "plain",
        "required",
        "set_list",
        "shapes",
    )

    def __init__(self, kind: Kind, go_type: str, *, plain: type | None = None) -> None:
        self.kind = kind
        self.go_type = go_type
        """The type as decoding errors name it: `int32`, `v1.Container`, `[]string`."""
        self.plain = plain
        """The one Python type whose every value is right, where there is such a type; None: look closer."""
        self.fields: Mapping[str, Node] = {}
        self.item: Node | None = None
        self.required: tuple[str, ...] = ()
        self.atomic = kind not in (Kind.OBJECT, Kind.MAP, Kind.LIST)
        """Server-side apply takes the value as one: a list without keys, a map marked atomic, or a leaf."""
        self.set_list = False
        """A list whose elements are their own keys."""
        self.list_keys: tuple[str, ...] = ()
        """The fields that identify an element of a list with keys; () for other lists."""
        self.key_defaults: Mapping[str, Any] = {}
        """What a key field is taken to be when an element leaves it out."""
        self.merge_key = ""
        """The field by which a strategic merge patch finds an element; "" for lists of plain values."""
        self.patch_strategy: frozenset[str] = frozenset()
        """What a strategic merge patch does: `merge`, `replace`, `retainKeys`."""
        self.shapes: Mapping[tuple[str, ...], dict[str, Any]] = _NO_SHAPES
        """What the owner of a whole value owns, by the value's fields; kept here by who compares objects."""

    def __repr__(self) -> str:
        return f"<{self.go_type}>"

    def child(self, name: str) -> Node | None:
        """The type of the field or map entry `name`; None when the schema knows no such field."""
        return self.item if self.kind is Kind.MAP else self.fields.get(name)

    def varied(self) -> Node:
        """A copy with the same fields, for a place that merges the same type in another way."""
        copy = Node(self.kind, self.go_type, plain=self.plain)
        for slot in Node.__slots__:
            setattr(copy, slot, getattr(self, slot))
        return copy


STRING = Node(Kind.STRING, "string", plain=str)
BOOLEAN = Node(Kind.BOOLEAN, "bool", plain=bool)
INT32 = Node(Kind.INT32, "int32")
INT64 = Node(Kind.INT64, "int64")
NUMBER = Node(Kind.NUMBER, "float64")
QUANTITY = Node(Kind.QUANTITY, "resource.Quantity")
INT_OR_STRING = Node(Kind.INT_OR_STRING, "intstr.IntOrString")
BYTES = Node(Kind.BYTES, "[]uint8")
TIME = Node(Kind.TIME, "v1.Time")
MICRO_TIME = Node(Kind.MICRO_TIME, "v1.MicroTime")
ANY = Node(Kind.ANY, "interface {}")
"""Whatever the schema does not describe: taken as one value, and kept as it is."""
