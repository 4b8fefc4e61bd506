"""The published document, compiled into nodes.

Called once by the composition root (`Schema.load`), then by whoever needs the type of a kind. Only the kinds
asked for, and what they are made of, are compiled; descriptions are not kept.
Page: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from podwright.api.schema import node as n
from podwright.api.schema.check import Checked, check, fits
from podwright.api.schema.node import Kind, Node

VERSION = "v1.36.0"
_PREFIX = "#/$defs/"

_SCALARS = {
    ("string", ""): n.STRING,
    ("string", "byte"): n.BYTES,
    ("string", "date-time"): n.TIME,
    ("boolean", ""): n.BOOLEAN,
    ("integer", "int32"): n.INT32,
    ("integer", "int64"): n.INT64,
    ("integer", ""): n.INT64,
    ("number", "double"): n.NUMBER,
    ("number", ""): n.NUMBER,
}
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": n.QUANTITY,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": n.INT_OR_STRING,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": n.ANY,
    _META + "Time": n.TIME,
    _META + "MicroTime": n.MICRO_TIME,
    _META + "FieldsV1": n.ANY,
    _META + "Patch": n.ANY,
}

# The document leaves out the defaults of the API; of those, merging needs the ones of list keys.
# Source: k8s.io/api/core/v1, the +default markers of ContainerPort and ServicePort.
_KEY_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "v1.ContainerPort": {"protocol": "TCP"},
    "v1.ServicePort": {"protocol": "TCP"},
    "v1.AllocatedDeviceStatus": {"shareID": ""},
}


class _Definition(msgspec.Struct):
    """What is read of one definition or property; the rest, descriptions above all, never enters memory."""

    type: str | list[str] | None = None
    format: str = ""
    ref: str = msgspec.field(default="", name="$ref")
    properties: dict[str, _Definition] = {}
    items: _Definition | None = None
    values: _Definition | bool | None = msgspec.field(default=None, name="additionalProperties")
    required: list[str] = []
    list_type: str = msgspec.field(default="", name="x-kubernetes-list-type")
    list_keys: list[str] = msgspec.field(default=[], name="x-kubernetes-list-map-keys")
    map_type: str = msgspec.field(default="", name="x-kubernetes-map-type")
    merge_key: str = msgspec.field(default="", name="x-kubernetes-patch-merge-key")
    patch_strategy: str = msgspec.field(default="", name="x-kubernetes-patch-strategy")


class _Document(msgspec.Struct):
    definitions: dict[str, _Definition] = msgspec.field(name="$defs")


def published_document() -> Path:
    """The file of the published definitions.

    Raises FileNotFoundError when the package that carries it is not installed. The package is not imported: it
    would bring a JSON Schema validator along.
    """
    spec = importlib.util.find_spec("kubernetes_validate")
    for place in (spec.submodule_search_locations if spec else None) or ():
        path = Path(place, "kubernetes-json-schema", f"{VERSION}-local", "_definitions.json")
        if path.is_file():
            return path
    raise FileNotFoundError(f"the package kubernetes-validate with the schema of Kubernetes {VERSION} is not installed")


class Schema:
    """The types of the published API, by definition key (`io.k8s.api.core.v1.Pod`)."""

    def __init__(self, document: Path) -> None:
        self._document = document
        self._nodes: dict[str, Node] = dict(_SPECIAL)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, keys: Iterable[str] = ()) -> Schema:
        """The installed schema, with `keys` compiled at once (each later key reads the document again, 5 ms).

        Raises FileNotFoundError when it is not installed, KeyError for a key that is not in it.
        """
        schema = cls(published_document())
        schema._compile(keys)
        return schema

    def node(self, key: str) -> Node:
        """The type that the definition `key` describes. Raises KeyError when there is no such definition."""
        found = self._nodes.get(key)
        if found is None:
            self._compile((key,))
            found = self._nodes[key]
        return found

    def check(self, obj: Any, key: str) -> Checked:
        """`obj` as the API decodes it: pruned, normalised, and what was wrong. Raises KeyError for an unknown key."""
        return check(obj, self.node(key))

    def fits(self, obj: Any, key: str) -> bool:
        """Whether `check` finds nothing, and gives back what it was given. Raises KeyError for an unknown key."""
        return fits(obj, self.node(key))

    def _compile(self, keys: Iterable[str]) -> None:
        with self._lock:
            missing = [key for key in keys if key not in self._nodes]
            if missing:
                document = msgspec.json.decode(self._document.read_bytes(), type=_Document)
                compiler = _Compiler(document.definitions, dict(self._nodes))
                for key in missing:
                    compiler.definition(key)
                self._nodes = compiler.nodes


class _Compiler:
    def __init__(self, definitions: Mapping[str, _Definition], nodes: dict[str, Node]) -> None:
        self._definitions = definitions
        self.nodes = nodes

    def definition(self, key: str) -> Node:
        known = self.nodes.get(key)
        if known is not None:
            return known
        source = self._definitions[key]
        go_type = ".".join(key.split(".")[-2:])
        if _type(source) != "object":
            made = self._inline(source)
            self.nodes[key] = made
            return made
        made = Node(Kind.OBJECT, go_type)
        # Known before its fields are, since a definition may contain itself.
        self.nodes[key] = made
        made.atomic = source.map_type == "atomic"
        made.required = tuple(source.required)
        made.fields = {name: self._property(place) for name, place in source.properties.items()}
        return made

    def _property(self, source: _Definition) -> Node:
        if not source.ref:
            return self._inline(source)
        target = self.definition(source.ref.removeprefix(_PREFIX))
        if not source.map_type and not source.patch_strategy:
            return target
        if not target.fields and target.kind is Kind.OBJECT:
            raise ValueError(f"{target.go_type} contains itself in a place that merges it in another way")
        varied = target.varied()
        if source.map_type:
            varied.atomic = source.map_type == "atomic"
        varied.patch_strategy = _strategies(source)
        return varied

    def _inline(self, source: _Definition) -> Node:
        shape = _type(source)
        if shape == "array":
            return self._list(source)
        if shape == "object":
            if not isinstance(source.values, _Definition):
                return n.ANY
            item = self._property(source.values)
            made = Node(Kind.MAP, f"map[string]{item.go_type}")
            made.item = item
            made.atomic = source.map_type == "atomic"
            return made
        return _SCALARS.get((shape, source.format), n.ANY)

    def _list(self, source: _Definition) -> Node:
        item = self._property(source.items) if source.items is not None else n.ANY
        made = Node(Kind.LIST, f"[]{item.go_type}")
        made.item = item
        made.set_list = source.list_type == "set"
        made.atomic = source.list_type not in ("set", "map")
        if source.list_type == "map":
            made.list_keys = tuple(sorted(source.list_keys))
            defaults = _KEY_DEFAULTS.get(item.go_type, {})
            made.key_defaults = {key: defaults[key] for key in made.list_keys if key in defaults}
        made.merge_key = source.merge_key
        made.patch_strategy = _strategies(source)
        return made


def _type(source: _Definition) -> str:
    kinds = source.type if isinstance(source.type, list) else [source.type or ""]
    return next((kind for kind in kinds if kind != "null"), "")


def _strategies(source: _Definition) -> frozenset[str]:
    return frozenset(source.patch_strategy.split(",")) if source.patch_strategy else frozenset()
