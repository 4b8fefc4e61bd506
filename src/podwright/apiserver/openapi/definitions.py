"""The published types, as OpenAPI 2 and OpenAPI 3 write them.

The published document is in the words of JSON Schema 2020 (`type: [string, null]`), which neither version knows.
Called by `documents`, in a thread: the document is 1.6 MB, and only what a request needs of it is decoded.
Page: https://swagger.io/specification/v2/ and https://spec.openapis.org/oas/v3.0.3
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from podwright.api.objects import Object
from podwright.api.schema.document import published_document

_PREFIX = "#/$defs/"
_KEPT = ("description", "format", "required", "default")
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


class Dialect(enum.Enum):
    """The version of OpenAPI that is written; the value is where references point."""

    V2 = "#/definitions/"
    V3 = "#/components/schemas/"


class _Published(msgspec.Struct):
    definitions: dict[str, msgspec.Raw] = msgspec.field(name="$defs")


class Definitions:
    """The published definitions, decoded one by one as they are asked for. Reading it takes 3 ms and 2 MB."""

    def __init__(self) -> None:
        self._raw: Mapping[str, msgspec.Raw] = msgspec.json.decode(
            published_document().read_bytes(), type=_Published
        ).definitions

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def written(self, keys: Iterable[str], dialect: Dialect) -> dict[str, Object]:
        """The definitions `keys`, and all that they refer to, in a dialect and in the order of their names.

        Raises KeyError for a key that is not published.
        """
        made: dict[str, Object] = {}
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key not in made:
                source: Object = msgspec.json.decode(self._raw[key])
                made[key] = _special(key, source, dialect) or converted(source, dialect)
                waiting.extend(_references(source))
        return dict(sorted(made.items()))


def _references(source: Any) -> Iterator[str]:
    if isinstance(source, dict):
        reference = source.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_PREFIX)
        for below in source.values():
            yield from _references(below)
    elif isinstance(source, list):
        for below in source:
            yield from _references(below)


def converted(source: Object, dialect: Dialect) -> Object:
    """One schema of the published document in a dialect. Pure."""
    made: Object = {name: source[name] for name in _KEPT if name in source}
    made.update((name, value) for name, value in source.items() if name.startswith("x-kubernetes-"))
    reference = source.get("$ref")
    if reference:
        target = {"$ref": dialect.value + reference.removeprefix(_PREFIX)}
        # Beside a reference OpenAPI 3 allows no other word; kubectl looks for the description outside.
        made |= {"allOf": [target]} if dialect is Dialect.V3 and made else target
    kind = source.get("type")
    if kind is not None:
        made["type"] = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
    if "items" in source:
        made["items"] = converted(source["items"], dialect)
    values = source.get("additionalProperties")
    if values is not None:
        made["additionalProperties"] = converted(values, dialect) if isinstance(values, dict) else values
    if "properties" in source:
        made["properties"] = {name: converted(below, dialect) for name, below in source["properties"].items()}
    return made


def _special(key: str, source: Object, dialect: Dialect) -> Object | None:
    """The two types that are written in more than one way in JSON; OpenAPI 2 can only call them strings."""
    if key not in (_QUANTITY, _INT_OR_STRING):
        return None
    described = {"description": source["description"]} if "description" in source else {}
    if key == _QUANTITY:
        kinds = ["string", "number"]
        form: Object = {}
    else:
        kinds = ["integer", "string"]
        form = {"format": "int-or-string"}
    if dialect is Dialect.V2:
        return {**described, **form, "type": "string"}
    return {**described, **form, "oneOf": [{"type": kind} for kind in kinds]}
