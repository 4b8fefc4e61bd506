"""From a method and a path to what is asked: a resource's verb, or a path that is no resource.

Paths are split by hand: one table look-up instead of a pattern for each of hundreds of routes. Pure; called by
`front.py` for every request. Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podwright.apiserver.registry.strategy import Row

_VERBS_ON_NAME = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_VERBS_ON_ALL = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_OF_NAMESPACES_THEMSELVES = ("status", "finalize")

Table = Mapping[tuple[str, str, str], Row]
"""Rows by group, version and plural."""


def table_of(rows: Iterable[Row]) -> Table:
    """The look-up table of some rows."""
    return {(r.resource.group, r.resource.version, r.resource.plural): r for r in rows}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about. `row` is None where `path` is no resource, or none that is there."""

    verb: str
    """get, list, watch, create, update, patch, delete, deletecollection; else the method in lower case."""
    path: str
    row: Row | None = None
    group: str = ""
    version: str = ""
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource (`nodes/N/proxy/<rest>`)."""

    @property
    def is_resource(self) -> bool:
        """Whether the path has the form of a resource, served or not."""
        return bool(self.plural)


def resolve(method: str, path: str, table: Table, *, watch: bool = False) -> Asked:
    """What `method` on `path` (percent-decoded) asks; `watch`: the query asks to watch."""
    parts = path.split("/")[1:]
    if parts and not parts[-1]:
        parts.pop()
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Asked(method.lower(), path)
    if rest[0] == "watch" and len(rest) > 1:
        # The deprecated path form of a watch.
        rest, watch = rest[1:], True
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES_THEMSELVES:
        namespace, rest = rest[1], rest[2:]
    plural = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    row = table.get((group, version, plural))
    if row is not None and row.resource.namespaced is False and namespace:
        row = None  # /api/v1/namespaces/x/nodes is no path
    if row is not None and plural == "namespaces":
        namespace = name
    verb = (_VERBS_ON_NAME if name else _VERBS_ON_ALL).get(method, method.lower())
    if subresource and method == "POST":
        verb = "create"
    if watch and verb in ("list", "get") and not subresource:
        verb = "watch"
    return Asked(verb, path, row, group, version, plural, namespace, name, subresource, "/".join(rest[3:]))
