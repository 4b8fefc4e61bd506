from __future__ import annotations

import pytest

from podwright.apiserver.protobuf.decode import MAGIC, decode


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value % (1 << 64))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(version: str, kind: str, message: bytes) -> bytes:
    return MAGIC + field(1, field(1, version) + field(2, kind)) + field(2, message)


META = field(1, "a") + field(2, "") + field(3, "ns") + field(8, b"") + field(11, field(1, "k") + field(2, "v"))


def test_a_secret_with_its_maps_and_bytes() -> None:
    message = field(1, META) + field(2, field(1, "x") + field(2, b"\x00\xff")) + field(3, "Opaque")
    assert decode(body("v1", "Secret", message)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "ns", "labels": {"k": "v"}},
        "data": {"x": "AP8="},
        "type": "Opaque",
    }


def test_fields_of_embedded_structs_stand_in_their_parent() -> None:
    probe = field(1, field(2, field(1, "/") + field(2, field(1, 1) + field(3, "web")))) + field(7, 0)
    container = field(1, "c") + field(10, probe)
    message = field(2, field(2, container) + field(4, 0) + field(11, 0))
    spec = decode(body("v1", "Pod", message))["spec"]
    assert spec["containers"][0]["livenessProbe"] == {
        "httpGet": {"path": "/", "port": "web"},
        "terminationGracePeriodSeconds": 0,
    }
    assert spec["terminationGracePeriodSeconds"] == 0, "a pointer to zero says something"
    assert "hostNetwork" not in spec, "a plain false says nothing"


def test_numbers_below_zero() -> None:
    message = field(2, field(4, -5))
    assert decode(body("v1", "Pod", message))["spec"] == {"terminationGracePeriodSeconds": -5}


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", MAGIC + b"\x0a", MAGIC + b"\x0a\xff\xff", MAGIC + b"\x0b\x01", MAGIC + b"\x0a" + b"\xff" * 20],
    ids=["nothing", "JSON", "no length", "too short", "an odd wire type", "an endless number"],
)
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="protobuf"):
        decode(data)


def test_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        decode(body("v1", "Foo", b""))


def test_an_ingress() -> None:
    backend = field(4, field(1, "web") + field(2, field(1, "http")))
    path = field(1, "/") + field(2, backend) + field(3, "Prefix")
    rule = field(1, "a.example") + field(2, field(1, field(1, path)))
    message = field(2, field(3, rule) + field(4, "nginx"))
    spec = decode(body("networking.k8s.io/v1", "Ingress", message))["spec"]
    one = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": "http"}}}}
    assert spec == {"rules": [{"host": "a.example", "http": {"paths": [one]}}], "ingressClassName": "nginx"}
