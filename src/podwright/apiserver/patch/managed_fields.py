"""Who owns which field of an object: metadata.managedFields, kept up to date by every write.

Called by the create, update and patch handlers (`record_update`) and by `apply`. A write that is no apply takes
the fields it changes away from whoever owned them, and the fields it removes from everybody.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from podwright.api.objects import Object, metadata, rfc3339
from podwright.api.schema import Schema
from podwright.api.schema.node import Node
from podwright.apiserver.patch.comparison import Comparison, compare, created
from podwright.apiserver.patch.field_set import FieldSet, difference, intersection, union, well_formed

MAX_UPDATE_MANAGERS = 10
"""Managers that update, rather than apply, are kept apart up to this number; older ones are put together."""
_BUCKET = "ancient-changes"

UNTRACKED_METADATA = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "selfLink",
        "clusterName",
        "managedFields",
    }
)
"""Metadata that nobody owns: it names the object, or the server writes it."""


class ManagerId(NamedTuple):
    """What tells one manager from another."""

    name: str
    operation: str
    """`Apply` or `Update`."""
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        within = f' with subresource "{self.subresource}"' if self.subresource else ""
        using = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.name}"{within}{using}'


@dataclass(frozen=True, slots=True)
class Ownership:
    """What one manager owns, and since when (RFC 3339)."""

    fields: FieldSet
    time: str


Managers = dict[ManagerId, Ownership]


def tracked(obj: Object) -> Object:
    """The part of an object whose fields have owners."""
    part = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    meta = {name: value for name, value in metadata(obj).items() if name not in UNTRACKED_METADATA}
    if meta:
        part["metadata"] = meta
    return part


def record_update(
    old: Object | None,
    new: Object,
    manager: str,
    operation: str = "Update",
    *,
    subresource: str = "",
    api_version: str,
    now: datetime.datetime,
    schema: Schema,
    key: str,
    created_by: Callable[[Object, Node], FieldSet] = created,
) -> None:
    """Write metadata.managedFields of `new`, in place: `manager` owns what differs from `old` (None: all of it).

    `key` is the definition of the kind in `schema`; `created_by` gives the fields of a new object. A client that edits
    managedFields itself is heard: what `new` brings is built upon, an empty list is taken as left out, and `[{}]` as
    the wish to forget all owners. Of an object that has none any more nothing is recorded until somebody applies.
    """
    me = ManagerId(manager, operation, api_version, subresource)
    node = schema.node(key)
    meta = new.setdefault("metadata", {})
    if old is None:
        fields = created_by(tracked(new), node)
        _write(meta, {me: Ownership(fields, rfc3339(now))} if fields else {})
        return
    stored = metadata(old).get("managedFields")
    # Whoever may write a part of the object is not heard about the owners of all of it.
    given = stored if subresource else meta.get("managedFields")
    if given == [{}]:
        managers: Managers = {}
    else:
        # What is stored was checked when it was written, and is what nearly every write brings back.
        managers = (read_managers(given, trusted=False) if given != stored else {}) or read_managers(stored)
    if not managers:
        # With one owner in it the first apply would take what all others set for nobody's, and lay itself over it.
        meta.pop("managedFields", None)
        return
    comparison = compare(tracked(old), tracked(new), node)
    if not comparison.same:
        managers = take_over(managers, me, comparison)
        mine = managers.get(me)
        fields = difference(union(mine.fields if mine else {}, comparison.written), comparison.removed)
        managers.pop(me, None)
        if fields:
            managers[me] = Ownership(fields, rfc3339(now))
        managers = cap(managers)
    _write(meta, managers)


def take_over(managers: Mapping[ManagerId, Ownership], me: ManagerId, comparison: Comparison) -> Managers:
    """The owners after `me` made these changes, with what `me` owns itself left as it is."""
    written, removed = comparison.written, comparison.removed
    kept: Managers = {}
    for manager, owned in managers.items():
        fields = owned.fields
        if manager != me:
            if written:
                lost = intersection(fields, written)
                fields = difference(fields, lost) if lost else fields
            if removed:
                fields = difference(fields, removed)
        if fields:
            kept[manager] = owned if fields is owned.fields else replace(owned, fields=fields)
    return kept


def cap(managers: Managers) -> Managers:
    """At most MAX_UPDATE_MANAGERS owners that update: the oldest of one version are put into one."""
    updaters = [manager for manager in managers if manager.operation == "Update"]
    excess = len(updaters) - MAX_UPDATE_MANAGERS
    if excess <= 0:
        return managers
    capped = dict(managers)
    first_of_version: dict[str, ManagerId] = {}
    for manager in sorted(updaters, key=lambda m: (managers[m].time, m)):
        if excess <= 0:
            break
        first = first_of_version.setdefault(manager.api_version, manager)
        if first == manager:
            continue
        bucket = ManagerId(_BUCKET, "Update", manager.api_version)
        gathered = [capped.pop(part) for part in {bucket: None, first: None, manager: None} if part in capped]
        fields: FieldSet = {}
        for part in gathered:
            fields = union(fields, part.fields)
        capped[bucket] = Ownership(fields, max(part.time for part in gathered))
        excess = sum(m.operation == "Update" for m in capped) - MAX_UPDATE_MANAGERS
    return capped


def read_managers(entries: Any, *, trusted: bool = True) -> Managers:
    """The owners that a managedFields list names; {} when it is not well-formed.

    The sets of fields are looked into only when they are not `trusted`.
    """
    managers: Managers = {}
    for entry in entries if isinstance(entries, list) else ():
        fields = entry.get("fieldsV1") if isinstance(entry, dict) else None
        operation = entry.get("operation") if isinstance(entry, dict) else None
        if not isinstance(fields, dict) or operation not in ("Apply", "Update"):
            return {}
        if not trusted and not well_formed(fields):
            return {}
        name, version, subresource = (entry.get(f) or "" for f in ("manager", "apiVersion", "subresource"))
        managers[ManagerId(name, operation, version, subresource)] = Ownership(fields, entry.get("time") or "")
    return managers


def write_managers(managers: Mapping[ManagerId, Ownership]) -> list[Object]:
    """The managedFields list: those that apply first, then by time and name."""
    entries = []
    for manager in sorted(managers, key=lambda m: (m.operation, managers[m].time, m)):
        owned = managers[manager]
        entry: Object = {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": owned.fields,
        }
        if manager.subresource:
            entry["subresource"] = manager.subresource
        if not owned.time:
            del entry["time"]
        entries.append(entry)
    return entries


def _write(meta: Object, managers: Mapping[ManagerId, Ownership]) -> None:
    if managers:
        meta["managedFields"] = write_managers(managers)
    else:
        meta.pop("managedFields", None)
