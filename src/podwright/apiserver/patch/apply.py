"""Server-side apply: an owner says what its fields shall be, the server merges it and keeps account of owners.

Called by the patch handler for `application/apply-patch+yaml`. Fields that an owner applied before and does not
apply any more are removed, unless somebody else owns them too; fields that somebody else owns with another
value are a conflict, unless forced.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from podwright.api.errors import ApplyConflict
from podwright.api.objects import Object, copy_object, metadata, name_of, namespace_of, rfc3339
from podwright.api.schema import Schema
from podwright.api.schema.node import ANY, Kind, Node
from podwright.apiserver.patch.comparison import compare, created
from podwright.apiserver.patch.errors import PatchError
from podwright.apiserver.patch.field_set import (
    SELF,
    FieldSet,
    applied_set,
    difference,
    element_key,
    intersection,
    is_member,
    paths,
    recursive_difference,
    union,
)
from podwright.apiserver.patch.managed_fields import (
    UNTRACKED_METADATA,
    ManagerId,
    Managers,
    Ownership,
    cap,
    read_managers,
    take_over,
    tracked,
    write_managers,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOBODYS: FieldSet = {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {f"f:{name}": {} for name in UNTRACKED_METADATA}}


def apply(
    live: Object | None,
    config: Object,
    manager: str,
    force: bool = False,
    *,
    api_version: str,
    now: datetime.datetime,
    schema: Schema,
    key: str,
    subresource: str = "",
    ignored: FieldSet | None = None,
) -> Object:
    """The object after `manager` applied `config` to `live` (None: there is none yet), with its managedFields.

    Nothing of the result is shared with `live` or `config`. It equals `live` when nothing changed, so that nothing
    need be written. `ignored` are fields at the top that this endpoint resets: nothing of them is merged, owned or a
    conflict. `{"f:status": {}}` for the main resource of a kind with a status subresource.
    Raises PatchError for a configuration that does not fit the schema, ApplyConflict (with one cause for each field).
    """
    node = schema.node(key)
    config = _typed(config, schema, key, api_version)
    me = ManagerId(manager, "Apply", api_version, subresource)
    try:
        whole = applied_set(config, node)
    except PatchError as error:
        raise _untyped(config, api_version, str(error)) from None
    ignored = ignored or {}
    mine = recursive_difference(recursive_difference(whole, _NOBODYS), ignored)
    config = {name: value for name, value in config.items() if f"f:{name}" not in ignored}
    if live is None:
        return _with_managers(copy_object(config), {me: Ownership(mine, rfc3339(now))} if mine else {})

    managers = read_managers(metadata(live).get("managedFields"))
    if not managers:
        # What was there before anybody applied belongs to a manager of its own, so that it is not overwritten unasked.
        fields = recursive_difference(created(tracked(live), node), ignored)
        managers = {ManagerId("before-first-apply", "Update", api_version): Ownership(fields, rfc3339(now))}
    before = managers.get(me)
    others = [owned.fields for known, owned in managers.items() if known != me]
    merged = merge({**live, "metadata": {**metadata(live), "managedFields": []}}, config, node)
    if before is not None:
        owned_here = recursive_difference(before.fields, ignored)
        merged = _prune_object(merged, node, owned_here, _all_of([*others, whole, _NOBODYS]))
    comparison = compare(tracked(live), tracked(merged), node)
    if not force:
        _hold_conflicts(managers, me, comparison.written, live, node)
    if comparison.same and before is not None and before.fields == mine:
        return copy_object(live)
    managers = take_over(managers, me, comparison)
    managers.pop(me, None)
    if mine:
        unchanged = before is not None and comparison.same and before.fields == mine
        managers[me] = Ownership(mine, before.time if before and unchanged else rfc3339(now))
    _refresh_last_applied(live, merged, config, me)
    return _with_managers(merged, cap(managers))


def merge(live: Any, config: Any, node: Node) -> Any:
    """`config` laid over `live` by the rules of type `node`; nothing of the result is shared."""
    if not isinstance(config, dict | list):
        return config
    if not node.atomic:
        if node.kind is Kind.LIST and isinstance(live, list) and isinstance(config, list):
            return _merge_list(live, config, node)
        if node.kind in (Kind.OBJECT, Kind.MAP) and isinstance(live, dict) and isinstance(config, dict):
            merged = {name: copy_object(value) for name, value in live.items() if name not in config}
            for name, value in config.items():
                merged[name] = merge(live.get(name), value, node.child(name) or ANY)
            return {name: merged[name] for name in {**live, **config}}
    return copy_object(config)


def _merge_list(live: list[Any], config: list[Any], node: Node) -> list[Any]:
    """Elements in the order of `config`; those that only `live` has stay before what followed them there."""
    item = node.item or ANY
    live_keys = [element_key(element, i, node) for i, element in enumerate(live)]
    positions = {key: i for i, key in enumerate(live_keys)}
    config_keys = {element_key(element, i, node): element for i, element in enumerate(config)}
    merged: list[Any] = []
    passed = 0
    for key, element in config_keys.items():
        position = positions.get(key)
        if position is None:
            merged.append(copy_object(element))
            continue
        merged.extend(copy_object(live[i]) for i in range(passed, position) if live_keys[i] not in config_keys)
        passed = max(passed, position + 1)
        merged.append(merge(live[position], element, item))
    rest = [copy_object(live[i]) for i in range(passed, len(live)) if live_keys[i] not in config_keys]
    return merged + rest


def _prune_object(value: Object, node: Node, before: FieldSet, kept: FieldSet) -> Object:
    """`value` without the fields in `before` that are not in `kept`, in place."""
    for key, below in before.items():
        name = key[2:]
        if key == SELF or name not in value:
            continue
        child = node.child(name) or ANY
        still = kept.get(key)
        if still == below:
            continue  # all of it stays
        if still is None and (is_member(below) or node.kind is Kind.OBJECT):
            del value[name]
        else:
            value[name] = _prune(value[name], child, below, still or {})
    return value


def _prune(value: Any, node: Node, before: FieldSet, kept: FieldSet) -> Any:
    if node.atomic:
        return value
    if isinstance(value, dict):
        return _prune_object(value, node, before, kept)
    if not isinstance(value, list):
        return value
    pruned = []
    for i, element in enumerate(value):
        key = element_key(element, i, node)
        below, still = before.get(key), kept.get(key)
        if below is None or below == still:
            pruned.append(element)
        elif not is_member(below) or (still is not None and is_member(still)):
            pruned.append(_prune(element, node.item or ANY, below, still or {}))
    return pruned


def _all_of(sets: Iterable[FieldSet]) -> FieldSet:
    everything: FieldSet = {}
    for fields in sets:
        everything = union(everything, fields)
    return everything


def _hold_conflicts(
    managers: Mapping[ManagerId, Ownership], me: ManagerId, written: FieldSet, live: Object, node: Node
) -> None:
    """Raise ApplyConflict when others own what is about to be written."""
    conflicts = {m: intersection(o.fields, written) for m, o in sorted(managers.items()) if m != me}
    conflicts = {m: fields for m, fields in conflicts.items() if fields}
    if me.name == "kubectl" and conflicts:
        # Somebody who goes from `kubectl apply` to `kubectl apply --server-side` owns these fields already.
        own = _last_applied_set(live, node)
        conflicts = {m: left for m, fields in conflicts.items() if (left := difference(fields, own))}
    if not conflicts:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, fields in conflicts.items()
        for path in paths(fields)
    ]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = []
        for manager, fields in conflicts.items():
            lines += [f"conflicts with {manager}:", *(f"- {path}" for path in paths(fields))]
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    raise ApplyConflict(message, {"causes": causes})


def _last_applied_set(live: Object, node: Node) -> FieldSet:
    text = (metadata(live).get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = msgspec.json.decode(text or "{}")
        annotation: FieldSet = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}
        return union(applied_set(applied, node), annotation) if isinstance(applied, dict) else {}
    except (msgspec.DecodeError, PatchError, RecursionError):
        return {}  # not written by kubectl, so nothing can be learned from it


def _refresh_last_applied(live: Object, merged: Object, config: Object, me: ManagerId) -> None:
    """Keep kubectl's own record true, so that one may go back to `kubectl apply` without --server-side."""
    if me.name != "kubectl" or me.subresource or LAST_APPLIED not in (metadata(live).get("annotations") or {}):
        return
    recorded = copy_object(config)
    recorded.get("metadata", {}).get("annotations", {}).pop(LAST_APPLIED, None)
    annotations = metadata(merged).setdefault("annotations", {})
    annotations[LAST_APPLIED] = json.dumps(recorded, separators=(",", ":"), sort_keys=True) + "\n"


def _typed(config: Object, schema: Schema, key: str, api_version: str) -> Object:
    """The configuration as the API takes it. Raises PatchError."""
    if metadata(config).get("managedFields"):
        raise PatchError("metadata.managedFields must be nil")
    checked = schema.check(config, key)
    if checked.errors:
        raise _untyped(config, api_version, "\n".join(["errors:", *(f"  .{e.path}: {e.body}" for e in checked.errors)]))
    if checked.unknown:
        lines = [f"  .{path}: field not declared in schema" for path in checked.unknown]
        raise _untyped(config, api_version, "\n".join(["errors:", *lines]))
    taken: Object = checked.obj
    return taken


def _untyped(config: Object, api_version: str, why: str) -> PatchError:
    name = f"{namespace_of(config)}/{name_of(config)}"
    group_version = api_version if "/" in api_version else f"/{api_version}"
    kind = config.get("kind")
    return PatchError(f"failed to create typed patch object ({name}; {group_version}, Kind={kind}): {why}")


def _with_managers(obj: Object, managers: Managers) -> Object:
    meta = obj.setdefault("metadata", {})
    meta.pop("managedFields", None)
    if managers:
        # The sets are parts of other objects too: what is returned may be changed by whoever asked for it.
        meta["managedFields"] = copy_object(write_managers(managers))
    return obj
