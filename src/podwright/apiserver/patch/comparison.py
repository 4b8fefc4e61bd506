"""Which fields differ between two versions of an object, as sets.

Called by `managed_fields` on every write, so parts that are equal are passed over as a whole.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

from typing import Any, NamedTuple

from podwright.api.objects import Object
from podwright.api.schema.node import ANY, Kind, Node
from podwright.apiserver.patch.field_set import SELF, FieldSet, element_key, union

# Fields that an empty object of the Go types already has, so that creating an object does not add them, only
# what is in them. Besides these the required fields, which are written even when they are empty.
_ALWAYS_THERE = frozenset({"metadata", "spec", "status", "template", "strategy"})
_OBJECT, _MAP, _LIST = Kind.OBJECT, Kind.MAP, Kind.LIST
_LEAF: FieldSet = {}
"""A place with nothing below it: one for all, since sets are never changed."""


class _Members(dict[str, str]):
    """The keys of fields by their names, made once: the same few hundred stand in every object."""

    def __missing__(self, name: str) -> str:
        key = "f:" + name
        if len(self) < _MEMBERS_KEPT:
            self[name] = key
        return key


_MEMBERS_KEPT, _SHAPES_KEPT = 4096, 32
_MEMBER = _Members()


class Comparison(NamedTuple):
    """The fields only the old version has, those with another value, those only the new version has."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.removed or self.modified or self.added)

    @property
    def written(self) -> FieldSet:
        """What the writer of the new version owns from now on."""
        if not self.modified or not self.added:
            return self.modified or self.added
        return union(self.modified, self.added)


def everything(value: Any, node: Node) -> FieldSet:
    """`value` and all that is in it, as what stands below the place where it is."""
    kind = node.kind
    if not value or node.atomic:
        return _LEAF
    if kind is _OBJECT:
        if type(value) is not dict:
            return _LEAF
        return _members(value, node)
    item = node.item
    if item is None:
        return _LEAF
    if kind is _MAP and type(value) is dict:
        return {SELF: _LEAF} | {"f:" + name: everything(value[name], item) for name in sorted(value)}
    if kind is _LIST and type(value) is list:
        elements = {element_key(e, i, node): everything(e, item) for i, e in enumerate(value)}
        return {SELF: _LEAF} | {key: elements[key] for key in sorted(elements)}
    return _LEAF


def _members(value: Object, node: Node) -> FieldSet:
    """What stands below an object with named fields."""
    # Most objects have nothing but leaves (a variable, a port, a condition) and fall into a few shapes.
    shape = tuple(value)
    known = node.shapes.get(shape)
    if known is not None:
        return known
    made: FieldSet = {SELF: _LEAF}
    fields = node.fields
    flat = True
    for name in sorted(value):
        child = fields.get(name)
        if child is None or child.atomic:
            made[_MEMBER[name]] = _LEAF
        else:
            flat = False
            made[_MEMBER[name]] = everything(value[name], child)
    if flat and len(node.shapes) < _SHAPES_KEPT:
        node.shapes = {**node.shapes, shape: made}
    return made


def created(value: Any, node: Node) -> FieldSet:
    """What the creator of an object owns."""
    if node.kind is _LIST:
        return _without_self(everything(value, node))
    made: FieldSet = {}
    for name in sorted(value):
        child = node.fields.get(name, ANY)
        below = value[name]
        if (name in _ALWAYS_THERE or name in node.required) and not child.atomic and isinstance(below, dict | list):
            inner = created(below, child) if child.kind in (_OBJECT, _LIST) else _without_self(everything(below, child))
            if inner:
                made[_MEMBER[name]] = inner
        else:
            made[_MEMBER[name]] = everything(below, child)
    return made


def _without_self(fields: FieldSet) -> FieldSet:
    return {key: below for key, below in fields.items() if key != SELF}


def compare(old: Object, new: Object, node: Node) -> Comparison:
    """The differences between two versions of an object of type `node`."""
    return Comparison(*_compare(old, new, node))


_Parts = tuple[FieldSet, FieldSet, FieldSet]


def _compare(old: Any, new: Any, node: Node) -> _Parts:
    """Differences below a place that both versions have, `old` being different from `new`."""
    if node.kind is _LIST:
        old_parts = {element_key(e, i, node): e for i, e in enumerate(old)}
        new_parts = {element_key(e, i, node): e for i, e in enumerate(new)}
    else:
        old_parts, new_parts = old, new
    named = node.kind is not _LIST
    removed: FieldSet = {}
    modified: FieldSet = {}
    added: FieldSet = {}
    for name in sorted(old_parts.keys() | new_parts.keys()):
        child = (node.child(name) if named else node.item) or ANY
        key = "f:" + name if named else name
        if name not in old_parts:
            below = new_parts[name]
            if (
                named
                and name in _ALWAYS_THERE
                and child.kind is _OBJECT
                and not child.atomic
                and isinstance(below, dict)
            ):
                if inner := created(below, child):
                    added[key] = inner
            else:
                added[key] = everything(below, child)
        elif name not in new_parts:
            removed[key] = everything(old_parts[name], child)
        else:
            before, after = old_parts[name], new_parts[name]
            if before == after and type(before) is type(after):
                continue
            if not _divisible(before, after, child):
                modified[key] = {}
                continue
            for collected, part in zip((removed, modified, added), _compare(before, after, child), strict=True):
                if part:
                    collected[key] = part
    return removed, modified, added


def _divisible(before: Any, after: Any, node: Node) -> bool:
    """Whether two different values are compared part by part, rather than as one."""
    if node.atomic or not (before or after):
        return False
    shape = list if node.kind is _LIST else dict if node.kind in (_OBJECT, _MAP) else None
    return shape is not None and type(before) is shape and type(after) is shape
