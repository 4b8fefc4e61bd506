"""The protocol buffers of OpenAPI 2, read back field by field."""

from __future__ import annotations

from typing import Any

from podwright.apiserver.openapi.protobuf import encode


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of one message: number, and bytes or an integer."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            found.append((tag >> 3, varint()))
        else:
            length = varint()
            found.append((tag >> 3, data[at : at + length]))
            at += length
    return found


def below(data: bytes, *numbers: int) -> bytes:
    """The first field at this way of numbers."""
    for number in numbers:
        data = dict(reversed(fields(data)))[number]
    return data


DOCUMENT = {
    "swagger": "2.0",
    "info": {"title": "Kubernetes", "version": "v1.36.0"},
    "paths": {
        "/api/v1/pods/{name}": {
            "patch": {
                "operationId": "patchPod",
                "parameters": [
                    {"name": "dryRun", "in": "query", "description": "d", "type": "string"},
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/a.Patch"}},
                ],
                "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/a.Pod"}}},
                "x-kubernetes-action": "patch",
            },
            "parameters": [{"name": "name", "in": "path", "required": True, "description": "n", "type": "string"}],
        }
    },
    "definitions": {
        "a.Pod": {
            "type": "object",
            "description": "x" * 300,
            "required": ["spec"],
            "properties": {
                "spec": {"$ref": "#/definitions/a.Spec"},
                "list": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": {"type": "string"},
            "x-kubernetes-group-version-kind": [{"kind": "Pod"}],
        }
    },
}


def test_the_document() -> None:
    data = encode(DOCUMENT)
    assert below(data, 1) == b"2.0"
    assert fields(below(data, 2)) == [(1, b"Kubernetes"), (2, b"v1.36.0")]


def test_a_definition() -> None:
    named = below(encode(DOCUMENT), 9, 1)
    assert below(named, 1) == b"a.Pod"
    schema = below(named, 2)
    assert below(schema, 4) == b"x" * 300
    assert below(schema, 19) == b"spec"
    assert below(schema, 21, 1, 22, 1) == b"string"
    assert below(schema, 22, 1) == b"object"
    assert below(schema, 25, 1, 1) == b"spec"
    assert below(schema, 25, 1, 2, 1) == b"#/definitions/a.Spec"
    assert below(schema, 31, 1) == b"x-kubernetes-group-version-kind"
    assert below(schema, 31, 2, 2) == b'[{"kind":"Pod"}]'


def test_an_operation() -> None:
    item = below(encode(DOCUMENT), 8, 2)
    assert below(item, 1) == b"/api/v1/pods/{name}"
    patch = below(item, 2, 8)
    assert below(patch, 5) == b"patchPod"
    query, body = (value for number, value in fields(patch) if number == 8)
    assert fields(below(query, 1, 2, 3)) == [(2, b"query"), (3, b"d"), (4, b"dryRun"), (6, b"string")]
    assert below(body, 1, 1, 5, 1) == b"#/definitions/a.Patch"
    assert below(body, 1, 1, 4) == 1
    assert below(patch, 9, 1, 2, 1, 2, 1, 1) == b"#/definitions/a.Pod"
    assert fields(below(item, 2, 9, 1, 2, 4)) == [(1, 1), (2, b"path"), (3, b"n"), (4, b"name"), (5, b"string")]
