"""Strategic merge patch: a merge patch that knows, by the schema, which lists have keys.

Called by the patch handler for `application/strategic-merge-patch+json`, which is what `kubectl apply`,
`kubectl patch` and the kubelet send. Directives: `$patch` (replace, merge, delete), `$retainKeys`,
`$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`.
Page: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
Source of the rules: kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from podwright.api.objects import Object, copy_object
from podwright.api.schema.node import ANY, Node
from podwright.apiserver.patch.errors import PatchError, Unprocessable

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def apply(doc: Object, patch: Any, node: Node) -> Object:
    """`doc` with `patch` merged into it; nothing of the result is shared with either. `node` is the type of `doc`.

    Raises PatchError for a malformed patch, Unprocessable for one that cannot be merged into this object.
    """
    if not isinstance(patch, dict):
        raise PatchError("invalid strategic merge patch: an object is expected")
    return _merge_map(copy_object(doc), copy_object(patch), node)


def _merge_map(target: Object, patch: Object, node: Node) -> Object:
    """`target` after `patch`; both are ours to change."""
    directive = patch.pop(_PATCH, None)
    if directive == "replace":
        return _plain_map(patch)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchError(f"Invalid value for {_PATCH} directive: {directive}")
    _retain_keys(target, patch, node)
    for key in [key for key in patch if key.startswith(_ORDER)]:
        _merge_ordered(target, patch, key, node)
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            _delete_from(target, key, value)
            continue
        if value is None:
            target.pop(key, None)
            continue
        found = target.get(key)
        child = node.child(key) or ANY
        if isinstance(value, dict) and isinstance(found, dict):
            # A map that is marked "replace" is still merged by the schema's other marks on its way down.
            target[key] = _plain(value) if "replace" in child.patch_strategy else _merge_map(found, value, child)
        elif isinstance(value, list) and isinstance(found, list):
            target[key] = _merge_list(found, value, child)
        else:
            target[key] = _plain(value)
    return target


def _retain_keys(target: Object, patch: Object, node: Node) -> None:
    """Remove from `target` what `$retainKeys` does not name: unions like a volume change their member this way."""
    retained = patch.pop(_RETAIN, None)
    if retained is None:
        return
    if not isinstance(retained, list) or any(value is not None and key not in retained for key, value in patch.items()):
        raise PatchError("invalid patch format of retainKeys")
    for key in [key for key in target if key not in retained]:
        del target[key]


def _delete_from(target: Object, key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise PatchError(f"invalid patch format of primitive list: {key} must be a list")
    field = key.removeprefix(_DELETE_FROM)
    found = target.get(field)
    if isinstance(found, list):
        target[field] = [value for value in found if value not in values]


def _merge_ordered(target: Object, patch: Object, directive: str, node: Node) -> None:
    """Merge the list field that a `$setElementOrder` speaks of, and bring it into that order."""
    field = directive.removeprefix(_ORDER)
    order = patch.pop(directive)
    child = node.child(field) or ANY
    found, given = target.get(field), patch.get(field)
    if not isinstance(order, list) or not isinstance(found, list | None) or not isinstance(given, list | None):
        raise PatchError("invalid patch format of setElementOrder list")
    if found is None and given is None:
        return
    by_key = child.merge_key if any(isinstance(entry, dict) for entry in order) else ""
    identity = _identity(by_key)
    if given is not None:
        _hold_order(given, order, identity, field)
    if found is None:
        merged = _plain(given)
    elif given is None:
        merged = found
    else:
        merged = _merge_list(found, given, child)
    target[field] = _ordered(merged, [identity(e) for e in order], [identity(e) for e in found or ()], identity)
    patch.pop(field, None)


def _hold_order(given: list[Any], order: list[Any], identity: Callable[[Any], Any], field: str) -> None:
    """Every element of the patch must stand in the order list, and in that order."""
    listed = [identity(entry) for entry in order]
    wanted = [identity(e) for e in given if not (isinstance(e, dict) and e.get(_PATCH) in ("delete", "replace"))]
    rest = iter(listed)
    if not all(entry in rest for entry in wanted):
        raise PatchError(
            f"The order in patch list:\n{_shown(given)}\n doesn't match {_ORDER}{field} list:\n{_shown(order)}\n",
        )


def _merge_list(found: list[Any], given: list[Any], node: Node) -> list[Any]:
    if "merge" not in node.patch_strategy:
        return _plain_list(given)
    elements = [*found, *given]
    if any(isinstance(element, list) for element in elements):
        raise Unprocessable("lists of lists are not supported")
    maps = sum(isinstance(element, dict) for element in elements)
    if maps not in (0, len(elements)):
        raise Unprocessable("list elements of different types cannot be merged")
    identity = _identity(node.merge_key if maps else "")
    if not maps:
        merged = list({_hashable(value): value for value in elements}.values())
        wanted = given
    elif not node.merge_key:
        raise Unprocessable("cannot merge lists without merge key")
    else:
        found, wanted = _special_elements(found, given, node.merge_key)
        merged = _merge_elements(list(found), wanted, node)
    return _ordered(merged, [identity(e) for e in wanted], [identity(e) for e in found], identity)


def _special_elements(found: list[Object], given: list[Object], merge_key: str) -> tuple[list[Object], list[Object]]:
    """The elements left to merge into, and those to merge, after `$patch: delete` and `$patch: replace` elements."""
    wanted: list[Object] = []
    replaced = False
    for element in given:
        directive = element.get(_PATCH)
        if directive is None:
            wanted.append(element)
        elif directive == "delete":
            key = _key_of(element, merge_key)
            found = [kept for kept in found if kept.get(merge_key) != key]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise PatchError("merging lists cannot yet be specified in the patch")
        else:
            raise PatchError(f"Invalid value for {_PATCH} directive: {directive}")
    return ([], wanted) if replaced else (found, wanted)


def _merge_elements(merged: list[Any], wanted: list[Object], node: Node) -> list[Any]:
    positions = {_hashable(element.get(node.merge_key)): i for i, element in reversed(list(enumerate(merged)))}
    for element in wanted:
        key = _hashable(_key_of(element, node.merge_key))
        if key in positions:
            position = positions[key]
            merged[position] = _merge_map(merged[position], element, node.item or ANY)
        else:
            positions[key] = len(merged)
            merged.append(_plain(element))
    return merged


def _key_of(element: Object, merge_key: str) -> Any:
    value = element.get(merge_key)
    if value is None:
        raise Unprocessable(f"map: {_shown(element)} does not contain declared merge key: {merge_key}")
    return value


def _ordered(merged: list[Any], wanted: list[Any], before: list[Any], identity: Callable[[Any], Any]) -> list[Any]:
    """`merged` with the elements of the patch in the patch's order, the others in the order they had.

    The two rows are merged so that an element known before stands where it stood; what the patch adds comes
    as early as that allows, as it does in Kubernetes.
    """
    wanted_at = {key: i for i, key in reversed(list(enumerate(wanted)))}
    before_at = {key: i for i, key in reversed(list(enumerate(before)))}
    patched = sorted((e for e in merged if identity(e) in wanted_at), key=lambda e: wanted_at[identity(e)])
    others = sorted((e for e in merged if identity(e) not in wanted_at), key=lambda e: before_at.get(identity(e), 0))
    row: list[Any] = []
    i = j = 0
    while i < len(others) and j < len(patched):
        left, right = before_at.get(identity(others[i])), before_at.get(identity(patched[j]))
        if left is not None and right is not None and left < right:
            row.append(others[i])
            i += 1
        else:
            row.append(patched[j])
            j += 1
    return [*row, *others[i:], *patched[j:]]


def _identity(merge_key: str) -> Callable[[Any], Any]:
    """What tells two elements apart: the value of the merge key, or the plain value itself."""
    if not merge_key:
        return _hashable
    return lambda element: _hashable(element.get(merge_key) if isinstance(element, dict) else element)


def _hashable(value: Any) -> Any:
    return (type(value).__name__, repr(value) if isinstance(value, dict | list) else value)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 500 else f"{text[:500]}..."


def _plain(value: Any) -> Any:
    """A value of the patch that meets nothing to merge with: directives and nulls have no meaning in it."""
    if isinstance(value, dict):
        return _plain_map(value)
    return _plain_list(value) if isinstance(value, list) else value


def _plain_map(value: Object) -> Object:
    return {
        key: _plain(below)
        for key, below in value.items()
        if below is not None and key not in (_PATCH, _RETAIN) and not key.startswith((_DELETE_FROM, _ORDER))
    }


def _plain_list(value: list[Any]) -> list[Any]:
    return [
        _plain(element)
        for element in value
        if not (isinstance(element, dict) and element.get(_PATCH) in ("delete", "replace"))
    ]
