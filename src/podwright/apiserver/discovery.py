"""What the API server serves, told to clients before they ask: groups, versions, resources, verbs.

Built from the resource table, so that what has no row is absent here too. Called by the front for `/api`, `/apis` and
what is below them, in the plain form (one document a version) and the aggregated one (everything at once).
Page: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.apiserver.registry.strategy import Row

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""What can be done with every stored resource, in the order that Kubernetes lists it."""
_AGGREGATED = "APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource: its verbs, and what it takes or gives when that is not the resource's own kind."""

    name: str
    verbs: Sequence[str]
    kind: str = ""
    group: str = ""
    version: str = ""


_CHANGED = ("get", "patch", "update")
_STREAMED = ("create", "get")
_ANY = ("create", "delete", "get", "patch", "update")
STATUS = Subresource("status", _CHANGED)
SCALE = Subresource("scale", _CHANGED, "Scale", "autoscaling", "v1")
SUBRESOURCES: dict[str, Sequence[Subresource]] = {
    "namespaces": (Subresource("finalize", ("update",)), STATUS),
    "nodes": (
        Subresource("proxy", _ANY, "NodeProxyOptions", "", "v1"),
        STATUS,
    ),
    "pods": (
        Subresource("attach", _STREAMED, "PodAttachOptions", "", "v1"),
        Subresource("binding", ("create",), "Binding", "", "v1"),
        Subresource("ephemeralcontainers", _CHANGED),
        Subresource("eviction", ("create",), "Eviction", "policy", "v1"),
        Subresource("exec", _STREAMED, "PodExecOptions", "", "v1"),
        Subresource("log", ("get",)),
        Subresource("portforward", _STREAMED, "PodPortForwardOptions", "", "v1"),
        Subresource("proxy", _ANY, "PodProxyOptions", "", "v1"),
        Subresource("resize", _CHANGED),
        STATUS,
    ),
    "services": (Subresource("proxy", _ANY, "ServiceProxyOptions", "", "v1"), STATUS),
    "serviceaccounts": (Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1"),),
}
"""Subresources by the plural of a core resource, beside `status` that a row names itself."""


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is the same for everybody until the server ends."""

    body: bytes
    content_type: str
    etag: str
    """Quoted, as the ETag header has it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    resource: Resource
    row: Row
    verbs: Sequence[str]
    subresources: Sequence[Subresource]


class Discovery:
    """The discovery documents of one server.

    `rows` are the stored resources, `create_only` those that can only be posted (reviews); `address` is what the
    server is reached at, `127.0.0.1:16443`.
    """

    def __init__(self, rows: Sequence[Row], create_only: Sequence[Row] = (), *, address: str = "") -> None:
        self._address = address
        self._groups: dict[str, dict[str, list[_Entry]]] = {}
        for row in (*rows, *create_only):
            resource = row.resource
            entry = _Entry(resource, row, ("create",), ()) if row in create_only else _stored(row)
            self._groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(entry)
        self._documents = functools.cache(self._document)

    def paths(self) -> list[str]:
        """Where documents are."""
        found = ["/api", "/apis"]
        for group, versions in self._groups.items():
            place = f"/apis/{group}" if group else "/api"
            found += [*([place] if group else []), *(f"{place}/{version}" for version in versions)]
        return found

    def answer(self, path: str, accept: str) -> Document | None:
        """The document at `path` in the form that the Accept header asks for; None when there is none.

        Answers to /api and /apis vary with Accept.
        """
        parts = tuple(part for part in path.split("/") if part)
        aggregated = _aggregated_version(accept) if len(parts) == 1 else ""
        return self._documents(parts, aggregated)

    def _document(self, parts: tuple[str, ...], aggregated: str) -> Document | None:
        content = self._content(parts, aggregated)
        if content is None:
            return None
        body = msgspec.json.encode(content)
        form = f";g=apidiscovery.k8s.io;v={aggregated};as={_AGGREGATED}" if aggregated else ""
        return Document(body, f"application/json{form}", f'"{hashlib.sha256(body).hexdigest().upper()}"')

    def _content(self, parts: tuple[str, ...], aggregated: str) -> Object | None:
        match parts:
            case ("api",) if aggregated:
                return self._aggregate([""], aggregated)
            case ("apis",) if aggregated:
                return self._aggregate([group for group in self._groups if group], aggregated)
            case ("api",):
                address = {"clientCIDR": "0.0.0.0/0", "serverAddress": self._address}
                return {
                    "kind": "APIVersions",
                    "versions": list(self._groups.get("", {})),
                    "serverAddressByClientCIDRs": [address],
                }
            case ("apis",):
                groups = [self._group(group) for group in self._groups if group]
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
            case ("api", version) if version in self._groups.get("", {}):
                return self._version("", version)
            case ("apis", group) if group in self._groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}
            case ("apis", group, version) if version in self._groups.get(group, {}):
                return self._version(group, version)
            case _:
                return None

    def _group(self, group: str) -> Object:
        versions = [{"groupVersion": f"{group}/{version}", "version": version} for version in self._groups[group]]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _version(self, group: str, version: str) -> Object:
        resources = []
        for entry in self._groups[group][version]:
            resource, row = entry.resource, entry.row
            plain: Object = {
                "name": resource.plural,
                "singularName": row.singular,
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": list(entry.verbs),
            }
            if row.short_names:
                plain["shortNames"] = list(row.short_names)
            if row.categories:
                plain["categories"] = list(row.categories)
            resources.append(plain)
            for sub in entry.subresources:
                below = {
                    "name": f"{resource.plural}/{sub.name}",
                    "singularName": "",
                    "namespaced": resource.namespaced,
                    "kind": sub.kind or resource.kind,
                    "verbs": list(sub.verbs),
                }
                if sub.version and (sub.group, sub.version) != (group, version):
                    below |= {"group": sub.group, "version": sub.version}
                resources.append(below)
        resources.sort(key=lambda r: str(r["name"]))
        api_version = {"apiVersion": "v1"} if group else {}
        group_version = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", **api_version, "groupVersion": group_version, "resources": resources}

    def _aggregate(self, groups: Sequence[str], version: str) -> Object:
        items = []
        for group in groups:
            versions = [
                {"version": v, "resources": list(map(_aggregated_entry, entries)), "freshness": "Current"}
                for v, entries in self._groups.get(group, {}).items()
            ]
            items.append({"metadata": {"name": group} if group else {}, "versions": versions})
        return {"kind": _AGGREGATED, "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}, "items": items}


def _stored(row: Row) -> _Entry:
    return _Entry(row.resource, row, VERBS, tuple(_subresources(row)))


def _subresources(row: Row) -> Iterator[Subresource]:
    known = () if row.resource.group else SUBRESOURCES.get(row.resource.plural, ())
    yield from known
    for name in row.subresources:
        if all(sub.name != name for sub in known):
            yield SCALE if name == SCALE.name else Subresource(name, _CHANGED)


def _aggregated_entry(entry: _Entry) -> Object:
    resource, row = entry.resource, entry.row
    made: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(entry.verbs),
    }
    if row.short_names:
        made["shortNames"] = list(row.short_names)
    if row.categories:
        made["categories"] = list(row.categories)
    if entry.subresources:
        made["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _kind(
                    sub.group if sub.version else resource.group,
                    sub.version or resource.version,
                    sub.kind or resource.kind,
                ),
                "verbs": list(sub.verbs),
            }
            for sub in entry.subresources
        ]
    return made


def _kind(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


@functools.lru_cache(maxsize=64)
def _aggregated_version(accept: str) -> str:
    """The first version of the aggregated form that is accepted before the plain one; "" for the plain one."""
    for part in accept.split(","):
        media, *parameters = [p.strip() for p in part.split(";")]
        if media != "application/json":
            continue
        given = dict(p.partition("=")[::2] for p in parameters)
        if "as" not in given:
            return ""
        if (
            given.get("g") == "apidiscovery.k8s.io"
            and given["as"] == _AGGREGATED
            and given.get("v") in ("v2", "v2beta1")
        ):
            return given["v"]
    return ""
