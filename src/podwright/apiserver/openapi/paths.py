"""The operations on each resource, as OpenAPI describes them.

kubectl reads from them which kind is behind a path, and whether a server understands `dryRun` and
`fieldValidation`. Pure; called by `documents`.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.apiserver.openapi.definitions import Dialect
from podwright.apiserver.registry.scale import SCALE
from podwright.apiserver.registry.strategy import Row

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_WRITING = (
    (
        "dryRun",
        "string",
        "When present, indicates that modifications should not be persisted; `All` is the only value.",
    ),
    ("fieldManager", "string", "The name of the actor that makes these changes, for metadata.managedFields."),
    (
        "fieldValidation",
        "string",
        "What to do about unknown and duplicate fields: Ignore, Warn (the default) or Strict.",
    ),
)
_FORCE = (("force", "boolean", "Take fields that another manager owns; for apply patches only."),)
_DELETING = (
    _WRITING[0],
    ("gracePeriodSeconds", "integer", "Seconds that the object is given to end by itself; 0 is at once."),
    ("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
)
_LISTING = (
    ("labelSelector", "string", "Only objects with such labels."),
    ("fieldSelector", "string", "Only objects with such field values."),
    ("limit", "integer", "At most so many objects; `continue` gets the rest."),
    ("continue", "string", "Where an earlier list ended."),
    ("resourceVersion", "string", "Not older than this revision."),
    ("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
    ("sendInitialEvents", "boolean", "A watch begins with what is there."),
    ("timeoutSeconds", "integer", "The watch ends after so many seconds."),
    ("watch", "boolean", "Changes, as they happen, instead of a list."),
    ("allowWatchBookmarks", "boolean", "Now and then the revision that the watch has reached."),
)
_PATH_TEXTS = {"name": "The name of the object.", "namespace": "The namespace of the object."}

_Parameters = Sequence[tuple[str, str, str]]


def paths(
    rows: Sequence[Row], create_only: Sequence[Row], listed: Sequence[str], dialect: Dialect
) -> dict[str, Object]:
    """The paths of these rows; `listed` are the definition keys of the lists that are published."""
    made: dict[str, Object] = {}
    for row in rows:
        writer = _Writer(row, dialect)
        made.update(writer.stored(f"{row.schema}List" if f"{row.schema}List" in listed else row.schema))
    for row in create_only:
        writer = _Writer(row, dialect)
        made[writer.collection] = {"post": writer.operation("post", _WRITING, body=row.schema), **writer.placed()}
    return dict(sorted(made.items()))


def _kind_of(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


class _Writer:
    """Writes the paths of one row."""

    def __init__(self, row: Row, dialect: Dialect) -> None:
        self._row = row
        self._dialect = dialect
        resource = row.resource
        self._kind = _kind_of(resource)
        self.collection = resource.path("{namespace}" if resource.namespaced else "")

    def stored(self, list_key: str) -> dict[str, Object]:
        row, schema = self._row, self._row.schema
        item = f"{self.collection}/{{name}}"
        made: dict[str, Object] = {
            self.collection: {
                "get": self.operation("list", _LISTING, answer=list_key),
                "post": self.operation("post", _WRITING, body=schema),
                "delete": self.operation(
                    "deletecollection", _LISTING, body=_META + "DeleteOptions", answer=_META + "Status"
                ),
                **self.placed(),
            },
            item: {
                "get": self.operation("get"),
                "put": self.operation("put", _WRITING, body=schema),
                "patch": self.operation("patch", (*_WRITING, *_FORCE), body=_META + "Patch"),
                "delete": self.operation("delete", _DELETING, body=_META + "DeleteOptions", answer=_META + "Status"),
                **self.placed("name"),
            },
        }
        if row.resource.namespaced:
            made[row.resource.path()] = {"get": self.operation("list", _LISTING, answer=list_key, everywhere=True)}
        for name in row.subresources:
            key = SCALE.schema if name == "scale" else schema
            below: dict[str, Object] = {
                "get": self.operation("get", answer=key, below=name),
                "put": self.operation("put", _WRITING, body=key, answer=key, below=name),
                "patch": self.operation("patch", (*_WRITING, *_FORCE), body=_META + "Patch", answer=key, below=name),
            }
            if name == "scale":
                for operation in below.values():
                    operation["x-kubernetes-group-version-kind"] = _kind_of(SCALE.resource)
            made[f"{item}/{name}"] = {**below, **self.placed("name")}
        return made

    def operation(
        self,
        action: str,
        parameters: _Parameters = (),
        *,
        body: str = "",
        answer: str = "",
        below: str = "",
        everywhere: bool = False,
    ) -> Object:
        """One method of a path; `body` and `answer` are definition keys (`answer`: the kind itself)."""
        made: Object = {
            "operationId": self._operation_id(action, below, everywhere),
            "parameters": [self._parameter(name, kind, text) for name, kind, text in parameters],
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": self._kind,
        }
        types = _PATCH_TYPES if action == "patch" else ("application/json", "application/yaml")
        answered = self._schema(answer or self._row.schema)
        if self._dialect is Dialect.V2:
            if body:
                made["parameters"].append(
                    {"name": "body", "in": "body", "required": True, "schema": self._schema(body)}
                )
                made["consumes"] = list(types)
            made["produces"] = ["application/json", "application/yaml"]
            made["responses"] = {"200": {"description": "OK", "schema": answered}}
        else:
            if body:
                made["requestBody"] = {"content": {media: {"schema": self._schema(body)} for media in types}}
            content = {media: {"schema": answered} for media in ("application/json", "application/yaml")}
            made["responses"] = {"200": {"description": "OK", "content": content}}
        return made

    def placed(self, *names: str) -> Object:
        """The parameters that stand in the path itself."""
        within = ("namespace",) if self._row.resource.namespaced else ()
        parameters = [self._parameter(name, "string", _PATH_TEXTS[name], place="path") for name in (*names, *within)]
        return {"parameters": parameters} if parameters else {}

    def _parameter(self, name: str, kind: str, text: str, *, place: str = "query") -> Object:
        schema: Object = {"type": kind, "uniqueItems": True}
        made: Object = {"name": name, "in": place, "description": text}
        if place == "path":
            made["required"] = True
        return made | (schema if self._dialect is Dialect.V2 else {"schema": schema})

    def _schema(self, key: str) -> dict[str, Any]:
        return {"$ref": self._dialect.value + key}

    def _operation_id(self, action: str, below: str, everywhere: bool) -> str:
        resource = self._row.resource
        verb = {"get": "read", "post": "create", "put": "replace"}.get(action, action)
        group = "".join(part.capitalize() for part in (resource.group.partition(".")[0] or "core").split("-"))
        scope = "Namespaced" if resource.namespaced and not everywhere else ""
        end = "ForAllNamespaces" if everywhere else below.capitalize()
        return f"{verb}{group}{resource.version.capitalize()}{scope}{resource.kind}{end}"
