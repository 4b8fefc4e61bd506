"""Signing requests: approved where they are a node's own, signed once approved, cleared away when old."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Sequence
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.requests import signing_request
from tests.fakes.waiting import eventually, running

from podwright.api.certificates import requested
from podwright.api.objects import Object
from podwright.api.resources import ACCESS_REVIEWS, CERTIFICATE_SIGNING_REQUESTS, Resource
from podwright.client.informers import Informers
from podwright.controllers.certificates.approval import ApprovalOfNodes, rights
from podwright.controllers.certificates.cleaning import Cleaning, goes_at
from podwright.controllers.certificates.signers import refusal
from podwright.controllers.certificates.signing import Signing, waits

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
AS_CLIENT, AS_SERVER = ["digital signature", "client auth"], ["digital signature", "server auth"]
MADE = "2026-01-01T00:00:00Z"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def request(
    name: str = "r", *conditions: str, signer: str = CLIENT, asked: str = "", usages: Sequence[str] = (), **more: Any
) -> Object:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "creationTimestamp": MADE},
        "spec": {
            "request": asked or signing_request("jane"),
            "signerName": signer,
            "usages": list(usages) or ["client auth"],
            "username": "jane",
            **more,
        },
        "status": {"conditions": [{"type": kind, "status": "True", "lastUpdateTime": MADE} for kind in conditions]},
    }


@pytest.mark.parametrize(
    ("signer", "asked", "usages", "wrong"),
    [
        pytest.param(CLIENT, signing_request("jane", "dev"), ["client auth"], "", id="a user"),
        pytest.param(CLIENT, signing_request("jane"), AS_SERVER, "usages must include", id="a user who would serve"),
        pytest.param(KUBELET, signing_request("system:node:n", "system:nodes"), AS_CLIENT, "", id="a kubelet"),
        pytest.param(
            KUBELET, signing_request("system:node:n"), AS_CLIENT, "subject organization is not system:nodes",
            id="a kubelet of no group",
        ),
        pytest.param(
            KUBELET, signing_request("system:node:n", "system:nodes", "dev"), AS_CLIENT,
            "subject organization is not system:nodes", id="a kubelet of two groups",
        ),
        pytest.param(
            KUBELET, signing_request("jane", "system:nodes"), AS_CLIENT,
            "subject common name does not begin with system:node:", id="a kubelet that is a user",
        ),
        pytest.param(
            KUBELET, signing_request("system:node:n", "system:nodes", dns=["n"]), AS_CLIENT,
            "subjectAltNames are not allowed", id="a kubelet with names",
        ),
        pytest.param(
            KUBELET, signing_request("system:node:n", "system:nodes"), ["client auth"], "usages did not match",
            id="a kubelet with half the usages",
        ),
        pytest.param(
            SERVING, signing_request("system:node:n", "system:nodes", dns=["n"], addresses=["10.0.0.1"]), AS_SERVER, "",
            id="a kubelet that serves",
        ),
        pytest.param(
            SERVING, signing_request("system:node:n", "system:nodes"), AS_SERVER,
            "DNS or IP subjectAltName is required", id="a kubelet that serves nowhere",
        ),
        pytest.param(
            SERVING, signing_request("system:node:n", "system:nodes", dns=["n"], mail=["a@b.c"]), AS_SERVER,
            "Email and URI subjectAltNames are not allowed", id="a kubelet that gets mail",
        ),
        pytest.param("example.com/x", signing_request("jane"), AS_CLIENT, "no signer of this cluster", id="another's"),
    ],
)  # fmt: skip
def test_what_is_signed(signer: str, asked: str, usages: list[str], wrong: str) -> None:
    said = refusal(signer, requested(asked), usages)
    assert wrong in said
    assert bool(said) is bool(wrong)


@pytest.mark.parametrize(
    ("obj", "does"),
    [
        pytest.param(request("r", "Approved"), True, id="approved"),
        pytest.param(request("r"), False, id="not looked at"),
        pytest.param(request("r", "Denied"), False, id="denied"),
        pytest.param(request("r", "Approved", "Failed"), False, id="refused"),
        pytest.param(request("r", "Approved", signer="example.com/x"), False, id="another's"),
        pytest.param({**request("r"), "status": {"certificate": "YQ=="}}, False, id="signed"),
    ],
)
def test_who_waits_for_a_signature(obj: Object, does: bool) -> None:
    assert waits(obj) is does


def sign(pem: bytes, usages: Sequence[str], seconds: int | None) -> bytes:
    assert pem.startswith(b"-----BEGIN CERTIFICATE REQUEST-----")
    return f"signed for {', '.join(usages)} and {seconds}".encode()


async def test_what_was_approved_is_signed_and_what_cannot_be_is_told() -> None:
    client = FakeClient()
    informers = Informers(client)
    signing = Signing(client, informers, sign)
    async with running(informers.run(), signing.run()):
        await client.create(CERTIFICATE_SIGNING_REQUESTS, request("good", "Approved", expirationSeconds=900))
        await client.create(CERTIFICATE_SIGNING_REQUESTS, request("bad", "Approved", usages=["server auth"]))
        await client.create(CERTIFICATE_SIGNING_REQUESTS, request("new"))

        async def status(name: str) -> Any:
            return (await client.get(CERTIFICATE_SIGNING_REQUESTS, name))["status"]

        async def signed() -> Any:
            return (await status("good")).get("certificate")

        assert base64.b64decode(await eventually(signed)) == b"signed for client auth and 900"

        async def refused() -> Any:
            return [c for c in (await status("bad"))["conditions"] if c["type"] == "Failed"]

        (failed,) = await eventually(refused)
        assert failed["reason"] == "SignerValidationFailure"
        assert "certificate" not in await status("new")


def test_a_node_needs_the_right_to_its_own_certificate_only() -> None:
    asked = requested(signing_request("system:node:n", "system:nodes"))
    assert [right for right, _ in rights(asked, "system:node:n")] == ["selfnodeclient", "nodeclient"]
    assert [right for right, _ in rights(asked, "somebody")] == ["nodeclient"]


class Judged(FakeClient):
    """It answers access reviews too: one right is given."""

    def __init__(self, right: str) -> None:
        super().__init__()
        self._right = right

    async def create(self, resource: Resource, obj: Object, namespace: str = "", **more: Any) -> Object:
        if resource != ACCESS_REVIEWS:
            return await super().create(resource, obj, namespace, **more)
        about = obj["spec"]["resourceAttributes"]
        return {"status": {"allowed": about["subresource"] == self._right}}


async def test_a_nodes_own_request_is_approved() -> None:
    client = Judged("selfnodeclient")
    informers = Informers(client)
    asked = signing_request("system:node:n", "system:nodes")
    async with running(informers.run(), ApprovalOfNodes(client, informers).run()):
        for name, user in (("own", "system:node:n"), ("others", "jane")):
            made = request(name, signer=KUBELET, asked=asked, usages=AS_CLIENT, username=user)
            await client.create(CERTIFICATE_SIGNING_REQUESTS, made)
        await client.create(CERTIFICATE_SIGNING_REQUESTS, request("user"))
        last = request("last", signer=KUBELET, asked=asked, usages=AS_CLIENT, username="system:node:n")
        await client.create(CERTIFICATE_SIGNING_REQUESTS, last)

        async def conditions(name: str) -> Any:
            return (await client.get(CERTIFICATE_SIGNING_REQUESTS, name))["status"]["conditions"]

        async def approved() -> Any:
            return await conditions("own") and await conditions("last")

        (verdict,) = await eventually(approved)
        assert (verdict["type"], verdict["reason"]) == ("Approved", "AutoApproved")
        assert await conditions("others") == await conditions("user") == []


@pytest.mark.parametrize(
    ("obj", "when"),
    [
        pytest.param(request("r"), "2026-01-02T00:00:00Z", id="nobody looked for a day"),
        pytest.param(request("r", "Approved"), "2026-01-01T01:00:00Z", id="an hour after the approval"),
        pytest.param(request("r", "Denied"), "2026-01-01T01:00:00Z", id="or the denial"),
    ],
)
def test_when_a_request_goes(obj: Object, when: str) -> None:
    assert goes_at(obj) == at(when)


async def test_old_requests_go() -> None:
    client = FakeClient()
    informers = Informers(client)

    def clock() -> datetime.datetime:
        return at("2026-01-01T02:00:00Z")

    await client.create(CERTIFICATE_SIGNING_REQUESTS, request("settled", "Denied"))
    await client.create(CERTIFICATE_SIGNING_REQUESTS, {**request("waiting"), "metadata": {"name": "waiting"}})

    async def names() -> list[str]:
        return [one["metadata"]["name"] for one in (await client.list(CERTIFICATE_SIGNING_REQUESTS)).items]

    async with running(informers.run(), Cleaning(client, informers, clock).run()):

        async def one_left() -> bool:
            return len(await names()) == 1

        await eventually(one_left)
        assert await names() == ["waiting"]
