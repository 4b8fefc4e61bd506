"""The published types in the words of OpenAPI."""

from __future__ import annotations

import json
from typing import Any

import pytest

from podwright.apiserver.openapi.definitions import Definitions, Dialect, converted

POD = "io.k8s.api.core.v1.Pod"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


@pytest.mark.parametrize(
    ("source", "v2", "v3"),
    [
        pytest.param({"type": ["string", "null"]}, {"type": "string"}, {"type": "string"}, id="one type, not two"),
        pytest.param(
            {"$ref": "#/$defs/a.B", "description": "d"},
            {"$ref": "#/definitions/a.B", "description": "d"},
            {"allOf": [{"$ref": "#/components/schemas/a.B"}], "description": "d"},
            id="a described reference",
        ),
        pytest.param(
            {"type": ["array", "null"], "items": {"$ref": "#/$defs/a.B"}, "x-kubernetes-list-type": "atomic"},
            {"type": "array", "items": {"$ref": "#/definitions/a.B"}, "x-kubernetes-list-type": "atomic"},
            {"type": "array", "items": {"$ref": "#/components/schemas/a.B"}, "x-kubernetes-list-type": "atomic"},
            id="a list with its extension",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": ["string", "null"], "format": "byte"}},
            {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}},
            {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}},
            id="a map",
        ),
        pytest.param(
            {"type": "string", "enum": ["v1"]}, {"type": "string"}, {"type": "string"}, id="no fixed apiVersion"
        ),
    ],
)
def test_each_form(source: Any, v2: Any, v3: Any) -> None:
    assert converted(source, Dialect.V2) == v2
    assert converted(source, Dialect.V3) == v3


@pytest.mark.parametrize("dialect", list(Dialect))
def test_all_that_is_referred_to_is_there(dialect: Dialect) -> None:
    written = Definitions().written([POD], dialect)
    text = json.dumps(written)
    assert "$defs" not in text
    assert '"null"' not in text
    for part in text.split(f'"$ref": "{dialect.value}')[1:]:
        assert part.partition('"')[0] in written
    assert list(written) == sorted(written)


def test_types_with_two_forms() -> None:
    v2 = Definitions().written([QUANTITY, INT_OR_STRING], Dialect.V2)
    v3 = Definitions().written([QUANTITY, INT_OR_STRING], Dialect.V3)
    assert v2[QUANTITY]["type"] == "string"
    assert v2[INT_OR_STRING] == {"format": "int-or-string", "type": "string"}
    assert v3[QUANTITY]["oneOf"] == [{"type": "string"}, {"type": "number"}]
    assert v3[INT_OR_STRING] == {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}


def test_what_is_not_published() -> None:
    with pytest.raises(KeyError):
        Definitions().written(["io.k8s.api.core.v1.Nothing"], Dialect.V2)
