"""A protobuf body into the JSON object that says the same.

Go writes every field that is not a pointer, zero or not; zero values of those are left out, as in JSON.
Called by `handlers/conform.py`. Page:
https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

import base64
import datetime
import functools
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from podwright.api.objects import Object, rfc3339, rfc3339_micro
from podwright.apiserver.protobuf.fields import FIELDS

MAGIC = b"k8s\x00"
_MAX_DEPTH = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_GROUPS = {
    "v1": "core",
    "admissionregistration.k8s.io/v1": "admissionregistration",
    "apps/v1": "apps",
    "authentication.k8s.io/v1": "authn",
    "authorization.k8s.io/v1": "authz",
    "autoscaling/v1": "autoscaling",
    "batch/v1": "batch",
    "certificates.k8s.io/v1": "certificates",
    "coordination.k8s.io/v1": "coordination",
    "discovery.k8s.io/v1": "discovery",
    "events.k8s.io/v1": "events",
    "networking.k8s.io/v1": "networking",
    "node.k8s.io/v1": "node",
    "policy/v1": "policy",
    "rbac.authorization.k8s.io/v1": "rbac",
    "scheduling.k8s.io/v1": "scheduling",
    "storage.k8s.io/v1": "storage",
    "meta.k8s.io/v1": "meta",
}


class _Field(NamedTuple):
    name: str
    """In JSON; "~": the message's fields stand in the parent."""
    code: str
    optional: bool
    repeated: bool
    mapping: bool


@functools.cache
def _fields(message: str) -> dict[int, _Field]:
    found: dict[int, _Field] = {}
    number = 0
    for word in FIELDS[message].split():
        given, _, rest = word.rpartition("=")
        number = int(given) if given else number + 1
        name, _, code = rest.partition(":")
        kind = code.lstrip("?*%")
        marks = code[: len(code) - len(kind)]
        found[number] = _Field(name, kind or "s", "?" in marks, "*" in marks, "%" in marks)
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the protobuf message ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7


def _parts(data: memoryview) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values of a message, in order. Raises ValueError."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"the protobuf message has an unknown wire type {wire}")
        if at + size > len(data):
            raise ValueError("the protobuf message is cut short")
        yield number, data[at : at + size]
        at += size


def _text(raw: Any) -> str:
    return str(_bytes(raw), "utf-8")


def _bytes(raw: Any) -> bytes:
    if not isinstance(raw, memoryview):
        raise ValueError("the protobuf message has a number where a text should be")
    return bytes(raw)


def _integer(raw: Any) -> int:
    if not isinstance(raw, int):
        raise ValueError("the protobuf message has a text where a number should be")
    return raw - (1 << 64) if raw >= 1 << 63 else raw


def _time(raw: Any, *, micro: bool) -> str | None:
    parts = {number: _integer(value) for number, value in _parts(raw)}
    if not parts:
        return None
    moment = datetime.datetime.fromtimestamp(parts.get(1, 0), datetime.UTC)
    if micro:
        return rfc3339_micro(moment.replace(microsecond=parts.get(2, 0) // 1000 % 1_000_000))
    return rfc3339(moment)


def _int_or_string(raw: Any) -> int | str:
    parts = dict(_parts(raw))
    return _text(parts[3]) if parts.get(1) and 3 in parts else _integer(parts.get(2, 0))


def _json(raw: Any) -> Any:
    import msgspec

    inner = dict(_parts(raw)).get(1)
    return msgspec.json.decode(_bytes(inner)) if inner is not None and len(inner) else None


def _value(code: str, raw: Any, depth: int) -> Any:
    match code:
        case "s":
            return _text(raw)
        case "i":
            return _integer(raw)
        case "b":
            return bool(_integer(raw))
        case "d":
            return struct.unpack("<d", _bytes(raw))[0]
        case "y":
            return base64.b64encode(_bytes(raw)).decode()
        case "T" | "M":
            return _time(raw, micro=code == "M")
        case "Q":
            return _text(dict(_parts(raw)).get(1, memoryview(b"0")))
        case "I":
            return _int_or_string(raw)
        case "R" | "F":
            return _json(raw)
        case "E":
            return [_text(item) for _, item in _parts(raw)]
        case _:
            return _message(code, raw, depth + 1)


def _message(message: str, data: Any, depth: int) -> Object:
    if depth > _MAX_DEPTH:
        raise ValueError(f"exceeded max depth of {_MAX_DEPTH}")
    if not isinstance(data, memoryview):
        raise ValueError("the protobuf message has a number where a message should be")
    known = _fields(message)
    obj: Object = {}
    for number, raw in _parts(data):
        field = known.get(number)
        if field is None:
            continue  # of a newer version than ours
        if field.mapping:
            pair = dict(_parts(raw))
            value = _value(field.code, pair[2], depth) if 2 in pair else ""
            obj.setdefault(field.name, {})[_text(pair.get(1, memoryview(b"")))] = value
        elif field.repeated:
            obj.setdefault(field.name, []).append(_value(field.code, raw, depth))
        else:
            value = _value(field.code, raw, depth)
            if field.name == "~":
                obj.update(value)
            elif value is not None and (field.optional or value not in ("", 0, False, {})):
                obj[field.name] = value
    return obj


def decode(body: bytes) -> Object:
    """The object in a body, apiVersion and kind included.

    Raises ValueError for what is no protobuf, KeyError for a kind whose field numbers are not known here.
    """
    if not body.startswith(MAGIC):
        raise ValueError("provided data does not appear to be a protobuf message, expected prefix 6b 38 73 00")
    envelope = dict(_parts(memoryview(body)[len(MAGIC) :]))
    kind_of = {number: _text(value) for number, value in _parts(envelope.get(1, memoryview(b"")))}
    api_version, kind = kind_of.get(1, ""), kind_of.get(2, "")
    # DeleteOptions belong to every group.
    name = "meta.DeleteOptions" if kind == "DeleteOptions" else f"{_GROUPS.get(api_version, api_version)}.{kind}"
    obj = _message(name, envelope.get(2, memoryview(b"")), 0)
    return {"apiVersion": api_version, "kind": kind, **obj}
