"""An OpenAPI 2 document in protocol buffers.

kubectl asks for version 2 in this encoding and reads nothing else, so it is written here: the types, with all that
kubectl looks at, and of the operations which exist and what parameters they take. Field numbers are those of
gnostic's OpenAPIv2.proto. Pure; called by `documents`.
Page: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from podwright.api.objects import Object

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def encode(document: Object) -> bytes:
    """The document `{"swagger", "info", "paths", "definitions"}` as openapi.v2.Document."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    return b"".join(
        (
            _text(1, document["swagger"]),
            _message(2, info),
            _message(8, _named(2, document["paths"], _path)),
            _message(9, _named(1, document["definitions"], _schema)),
        )
    )


def _schema(schema: Object) -> bytes:
    made = _text(1, schema.get("$ref")) + _text(2, schema.get("format")) + _text(4, schema.get("description"))
    made += b"".join(_text(19, name) for name in schema.get("required", ()))
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        made += _message(21, _message(1, _schema(values)))
    if "type" in schema:
        made += _message(22, _text(1, schema["type"]))
    if "items" in schema:
        made += _message(23, _message(1, _schema(schema["items"])))
    if "properties" in schema:
        made += _message(25, _named(1, schema["properties"], _schema))
    return made + _extensions(31, schema)


def _path(item: Object) -> bytes:
    operations = b"".join(_message(number, _operation(item[m])) for m, number in _METHODS.items() if m in item)
    return operations + _parameters(9, item.get("parameters", ()))


def _operation(operation: Object) -> bytes:
    texts = _text(5, operation["operationId"])
    texts += b"".join(_text(6, media) for media in operation.get("produces", ()))
    texts += b"".join(_text(7, media) for media in operation.get("consumes", ()))
    responses = _named(1, operation["responses"], _response)
    return texts + _parameters(8, operation["parameters"]) + _message(9, responses) + _extensions(13, operation)


def _parameters(number: int, parameters: Iterable[Object]) -> bytes:
    return b"".join(_message(number, _message(1, _parameter(parameter))) for parameter in parameters)


def _parameter(parameter: Object) -> bytes:
    place = parameter["in"]
    required = b"\x01" if parameter.get("required") else b""
    if place == "body":
        body = _text(2, parameter["name"]) + _text(3, place) + _flag(4, required)
        return _message(1, body + _message(5, _schema(parameter["schema"])))
    made = _flag(1, required) + _text(2, place) + _text(3, parameter.get("description")) + _text(4, parameter["name"])
    # A query parameter may allow an empty value (5); in a path that number is the type.
    return _message(
        2,
        _message(3, made + _text(6, parameter["type"]))
        if place == "query"
        else _message(4, made + _text(5, parameter["type"])),
    )


def _response(response: Object) -> bytes:
    schema = _message(2, _message(1, _schema(response["schema"]))) if "schema" in response else b""
    return _message(1, _text(1, response["description"]) + schema)


def _extensions(number: int, source: Object) -> bytes:
    # Values of extensions travel as YAML, of which JSON is a part.
    return b"".join(
        _message(number, _text(1, name) + _message(2, _text(2, msgspec.json.encode(value).decode())))
        for name, value in source.items()
        if name.startswith("x-")
    )


def _named(number: int, entries: Mapping[str, Object], encoded: Any) -> bytes:
    return b"".join(_message(number, _text(1, name) + _message(2, encoded(value))) for name, value in entries.items())


def _text(number: int, text: str | None) -> bytes:
    return _message(number, text.encode()) if text else b""


def _flag(number: int, value: bytes) -> bytes:
    return _varint(number << 3) + value if value else b""


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
