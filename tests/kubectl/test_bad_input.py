"""Bad input over HTTPS: each a Status with its code and the field it is about, and the server goes on."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from tests.kubectl.tool import Kubectl, manifest
from tests.node.running_node import RunningNode

PODS = "/api/v1/namespaces/default/pods"
JSON = "application/json"
YAML = "application/yaml"


class Wire:
    """Requests as bytes, with the administrator's certificate."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def __call__(
        self, method: str, path: str, body: bytes | str = b"", media_type: str = JSON
    ) -> tuple[int, dict[str, Any]]:
        """The answer's code and its body, which is JSON."""
        async with self._session.request(
            method,
            self._base + path,
            data=io.BytesIO(body.encode() if isinstance(body, str) else body) if body else None,
            headers={"Content-Type": media_type, "Accept": JSON},
        ) as answer:
            return answer.status, json.loads(await answer.read())


@pytest.fixture
async def wire(node: RunningNode) -> AsyncIterator[Wire]:
    pki = node.data_dir / "pki"
    tls = ssl.create_default_context(cafile=pki / "ca.crt")
    tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        yield Wire(session, f"https://127.0.0.1:{node.port}")


def changed(**spec: Any) -> str:
    """A Pod with other values in its spec."""
    return manifest("bad", "true", **spec)


def causes(status: dict[str, Any]) -> set[tuple[str, str]]:
    """(field, reason) of each."""
    return {(cause["field"], cause["reason"]) for cause in status["details"]["causes"]}


@dataclass(frozen=True)
class Bad:
    """A request to refuse, and how."""

    body: bytes | str
    words: str = ""
    """part of the message"""
    code: int = 400
    reason: str = "BadRequest"
    query: str = ""
    path: str = PODS
    media_type: str = JSON


STRICT = "?fieldValidation=Strict"
BAD = {
    "JSON that ends too soon": Bad(b'{"kind":'),
    "a list where an object belongs": Bad(b"[1, 2]"),
    "bytes that are no UTF-8": Bad(b'"\xff"'),
    "YAML that cannot be read": Bad(b"a: [b\nc: }", media_type=YAML),
    "no body": Bad(b""),
    "JSON nested a hundred thousand deep": Bad(b'{"a":' * 100_000),
    "YAML nested a hundred thousand deep": Bad(b"[" * 100_000, media_type=YAML),
    "whole JSON nested 5000 deep": Bad(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "ten megabytes": Bad(b"x" * 10_000_000, code=413, reason="RequestEntityTooLarge"),
    "a media type nobody reads": Bad(b"hello", code=415, reason="UnsupportedMediaType", media_type="text/plain"),
    "a string where a list belongs": Bad(changed(containers="none"), "containers"),
    "a string where a number belongs": Bad(changed(terminationGracePeriodSeconds="5"), "terminationGracePeriodSeconds"),
    "an unknown field under Strict": Bad(changed(colour=1), 'unknown field "spec.colour"', query=STRICT),
    "a duplicate field under Strict": Bad(
        changed().replace('"spec":', '"spec":{},"spec":'), 'duplicate field "spec"', query=STRICT
    ),
    "another kind than the path's": Bad(changed().replace('"Pod"', '"ConfigMap"'), "ConfigMap"),
    "an unknown value of dryRun": Bad(changed(), "dryRun", 422, "Invalid", query="?dryRun=Some"),
    "a resource that is not there": Bad("{}", "", 404, "NotFound", path="/api/v1/nonsense"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_refused(wire: Wire, bad: Bad) -> None:
    answered, status = await wire("POST", bad.path + bad.query, bad.body, bad.media_type)
    said = (status["kind"], answered, status["code"], status["reason"])
    assert said == ("Status", bad.code, bad.code, bad.reason), status
    assert bad.words in status["message"] and "Traceback" not in status["message"]
    assert (await wire("GET", "/api/v1/namespaces/default"))[0] == 200


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        pytest.param(changed().replace('"bad"', '"Not_A_Name"'), "metadata.name", "FieldValueInvalid", id="name"),
        pytest.param(
            changed().replace('"name": "bad", ', ""), "metadata.name", "FieldValueRequired", id="no name at all"
        ),
        pytest.param(changed(containers=[]), "spec.containers", "FieldValueRequired", id="no containers"),
        pytest.param(
            changed(containers=[{"name": "c"}]), "spec.containers[0].image", "FieldValueRequired", id="no image"
        ),
        pytest.param(
            changed(restartPolicy="Sometimes"), "spec.restartPolicy", "FieldValueNotSupported", id="an unknown policy"
        ),
        pytest.param(
            changed(containers=[{"name": "c", "image": "i", "resources": {"limits": {"cpu": "-1"}}}]),
            "spec.containers[0].resources.limits[cpu]", "FieldValueInvalid", id="a negative quantity",
        ),
    ],
)  # fmt: skip
async def test_invalid_pods_name_the_field(wire: Wire, body: str, field: str, reason: str) -> None:
    answered, status = await wire("POST", PODS, body)
    assert (answered, status["reason"]) == (422, "Invalid"), status
    assert (field, reason) in causes(status)


async def test_an_unknown_kind_of_patch_names_the_known_ones(wire: Wire) -> None:
    code, status = await wire("PATCH", "/api/v1/namespaces/default", "{}", "application/odd-patch+json")
    assert (code, status["reason"]) == (415, "UnsupportedMediaType")
    assert "application/strategic-merge-patch+json" in status["message"]


async def test_a_stale_version_is_a_conflict(wire: Wire, kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=1")
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps/c"
    _, seen = await wire("GET", path)
    kubectl("patch", "configmap", "c", "-p", '{"data":{"a":"2"}}')
    code, status = await wire("PUT", path, json.dumps(seen | {"data": {"a": "3"}}))
    assert (code, status["reason"]) == (409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in status["message"]


async def test_query_values_that_are_no_numbers(wire: Wire) -> None:
    code, status = await wire("GET", PODS + "?resourceVersion=abc")
    assert (code, status["reason"]) == (422, "Invalid")
    code, status = await wire("GET", PODS + "?limit=x")
    assert (code, status["reason"]) == (400, "BadRequest")


async def test_strangers_are_not_let_in(node: RunningNode) -> None:
    tls = ssl.create_default_context(cafile=node.data_dir / "pki" / "ca.crt")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        base = f"https://127.0.0.1:{node.port}"
        async with session.get(base + PODS) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (401, "Unauthorized")
        async with session.get(base + PODS, headers={"Authorization": "Bearer made.up.token"}) as answer:
            assert answer.status == 401
        async with session.get(base + "/livez") as answer:
            assert answer.status == 200


def test_kubectl_names_unknown_fields_and_creates_nothing(kubectl: Kubectl) -> None:
    said = kubectl.refused("create", "-f", "-", stdin=changed(colour="red"))
    assert 'strict decoding error: unknown field "spec.colour"' in said
    assert "No resources found" in kubectl.run("get", "pods").stderr
    warned = kubectl.run("create", "--validate=warn", "-f", "-", stdin=changed(colour="red"))
    assert warned.returncode == 0 and 'Warning: unknown field "spec.colour"' in warned.stderr
