"""Sets of fields, in the form in which managedFields carries them.

A set is the JSON of `fieldsV1` itself: a key is `f:<name>`, `k:<keys of a list element>` or `v:<plain element>`; the
value holds what is below. A place belongs to the set when nothing is below it, or when `.` stands among what is.
Keeping that form means that nothing is parsed or serialised when an object is written. Sets are shared freely
and never changed in place.

Called by `comparison`, `managed_fields` and `apply`.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from podwright.api.schema.node import ANY, Kind, Node
from podwright.apiserver.patch.errors import PatchError

FieldSet = dict[str, Any]

SELF = "."
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+").fullmatch


def is_member(below: FieldSet) -> bool:
    """Whether the place that has `below` under it belongs to its set."""
    return not below or SELF in below


def well_formed(fields: Any) -> bool:
    """Whether `fields`, which a client may have written, is a set of fields at all."""
    if not isinstance(fields, dict):
        return False
    for key, below in fields.items():
        if key == SELF:
            if below != {}:
                return False
        elif not (key.startswith("f:") or _names_an_element(key)) or not well_formed(below):
            return False
    return True


def _names_an_element(key: str) -> bool:
    kind, text = key[:2], key[2:]
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return isinstance(value, dict) if kind == "k:" else isinstance(value, int) if kind == "i:" else kind == "v:"


def _place(below: FieldSet, member: bool) -> FieldSet | None:
    """`below` as the content of a place, None when nothing of it is in the set."""
    if not below:
        return {} if member else None
    return {SELF: {}, **below} if member else below


def union(a: FieldSet, b: FieldSet) -> FieldSet:
    """What is in either."""
    made = {key: below for key, below in a.items() if key != SELF}
    for key, below in b.items():
        if key == SELF:
            continue
        other = made.get(key)
        if other is None or other == below:
            made[key] = below
        else:
            made[key] = _place(union(other, below), is_member(other) or is_member(below))
    return _sorted(made)


def difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """What is in `a` and not in `b`; a place goes without what is below it."""
    made: FieldSet = {}
    for key, below in a.items():
        other = b.get(key)
        if key == SELF:
            continue
        if other is None:
            made[key] = below
            continue
        left = _place(difference(below, other), is_member(below) and not is_member(other))
        if left is not None:
            made[key] = left
    return made


def recursive_difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """What is in `a` and neither in `b` nor below a place of `b`."""
    made: FieldSet = {}
    for key, below in a.items():
        other = b.get(key)
        if key == SELF:
            continue
        if other is None:
            made[key] = below
        elif not is_member(other):
            left = _place(recursive_difference(below, other), is_member(below))
            if left is not None:
                made[key] = left
    return made


def intersection(a: FieldSet, b: FieldSet) -> FieldSet:
    """What is in both."""
    made: FieldSet = {}
    for key, below in a.items():
        other = b.get(key)
        if key == SELF or other is None:
            continue
        common = _place(intersection(below, other), is_member(below) and is_member(other))
        if common is not None:
            made[key] = common
    return made


def _sorted(fields: FieldSet) -> FieldSet:
    return {key: fields[key] for key in sorted(fields)}


def paths(fields: FieldSet, above: str = "") -> Iterator[str]:
    """Every place of the set as conflicts name it: `.spec.containers[name="a"].image`."""
    for key, below in fields.items():
        if key == SELF:
            continue
        path = above + _step(key)
        if is_member(below):
            yield path
        yield from paths(below, path)


def _step(key: str) -> str:
    kind, text = key[:2], key[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "k:":
        keys = msgspec.json.decode(text)
        return "[" + ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in keys.items()) + "]"
    return f"[={text}]" if kind == "v:" else f"[{text}]"


def element_key(element: Any, position: int, node: Node) -> str:
    """The key of an element of a list with keys (or a set list) of type `node`.

    An element without any of its keys, which validation will refuse, is known by its position.
    """
    if not node.list_keys:
        return f"v:{msgspec.json.encode(element).decode()}"
    keys = {}
    if isinstance(element, dict):
        if len(node.list_keys) == 1:
            name = node.list_keys[0]
            value = element.get(name)
            # The way nearly all elements go: a name that JSON writes as it is.
            if type(value) is str and _PLAIN(value):
                return f'k:{{"{name}":"{value}"}}'
        for name in node.list_keys:
            value = element.get(name, node.key_defaults.get(name))
            if value is not None:
                keys[name] = value
    return f"k:{msgspec.json.encode(keys).decode()}" if keys else f"i:{position}"


def applied_set(value: Any, node: Node) -> FieldSet:
    """The fields that applying `value`, of type `node`, takes ownership of.

    Raises PatchError when elements of a list cannot be told apart.
    """
    return _applied(value, node, "")


def _applied(value: Any, node: Node, path: str) -> FieldSet:
    if node.atomic:
        return {}
    made: FieldSet = {}
    if isinstance(value, dict) and node.kind in (Kind.OBJECT, Kind.MAP):
        for name in sorted(value):
            child = node.child(name) or ANY
            below = {} if child.atomic else _applied(value[name], child, f"{path}.{name}")
            made[f"f:{name}"] = {SELF: {}, **below} if below and node.kind is Kind.MAP else below
    elif isinstance(value, list) and node.kind is Kind.LIST:
        for position, element in enumerate(value):
            key = _strict_key(element, position, node, path)
            if key in made:
                raise PatchError(f"errors:\n  {path}: duplicate entries for key {_step(key)}")
            below = _applied(element, node.item or ANY, path + _step(key))
            made[key] = {SELF: {}, **below} if below else below
        return _sorted(made)
    return made


def _strict_key(element: Any, position: int, node: Node, path: str) -> str:
    for name in node.list_keys:
        if name not in element and name not in node.key_defaults:
            raise PatchError(
                f"errors:\n  {path}: element {position}: associative list with keys has an element that omits key"
                f' field "{name}" (and doesn\'t have default value)',
            )
    return element_key(element, position, node)
