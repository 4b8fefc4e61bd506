"""Tokens that are asked for: what they are bound to, whom they are for, how long they last."""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
import pytest
from tests.apiserver.conftest import Answer, Served

from podwright.api.resources import NODES, SECRETS, SERVICE_ACCOUNTS, Resource
from podwright.apiserver.tokens import Tokens

PATH = "/api/v1/namespaces/default/serviceaccounts/robot/token"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ISSUER = "https://kubernetes.default.svc.cluster.local"


@pytest.fixture(autouse=True)
async def robot(served: Served) -> None:
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot"}}, "default")


async def request(served: Served, **spec: Any) -> Answer:
    return await served.ask("POST", PATH, {"spec": spec})


async def token(served: Served, **spec: Any) -> str:
    return str((await request(served, **spec)).json["status"]["token"])


async def reviewed(served: Served, given: str, *audiences: str) -> Any:
    spec = {"token": given} | ({"audiences": list(audiences)} if audiences else {})
    return (await served.ask("POST", REVIEWS, {"spec": spec})).json["status"]


async def as_bearer(served: Served, given: str) -> int:
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))
    headers = {"Authorization": f"Bearer {given}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(served.server.url + "/version", headers=headers, ssl=tls) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    ("resource", "namespace"),
    [pytest.param(SECRETS, "default", id="a Secret"), pytest.param(NODES, "", id="a Node")],
)
async def test_a_token_ends_with_what_it_is_bound_to(served: Served, resource: Resource, namespace: str) -> None:
    obj = {"metadata": {"name": "held"}}
    made = await served.admin.create(resource, obj, namespace)
    bound = {"kind": resource.kind, "apiVersion": "v1", "name": "held", "uid": made["metadata"]["uid"]}
    given = await token(served, boundObjectRef=bound)
    assert await as_bearer(served, given) == 200
    wrong = await request(served, boundObjectRef={**bound, "uid": "other"})
    assert (wrong.code, wrong.json["reason"]) == (409, "Conflict")
    await served.admin.delete(resource, "held", namespace)
    assert await as_bearer(served, given) == 401
    await served.admin.create(resource, obj, namespace)
    assert await as_bearer(served, given) == 401, "another one of that name is another one"
    await served.admin.delete(resource, "held", namespace)
    assert (await request(served, boundObjectRef=bound)).code == 404


async def test_a_token_ends_with_its_account(served: Served) -> None:
    given = await token(served)
    assert await as_bearer(served, given) == 200
    await served.admin.delete(SERVICE_ACCOUNTS, "robot", "default")
    assert await as_bearer(served, given) == 401
    assert (await request(served)).code == 404


async def test_a_token_is_for_those_it_names(served: Served) -> None:
    given = await token(served, audiences=["vault", "mail"])
    assert await as_bearer(served, given) == 401, "it is not for this server"
    assert (await reviewed(served, given))["authenticated"] is False
    status = await reviewed(served, given, "mail", "news")
    assert (status["authenticated"], status["audiences"]) == (True, ["mail"])
    assert status["user"]["username"] == "system:serviceaccount:default:robot"
    assert status["user"]["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]
    ours = await reviewed(served, await token(served))
    assert (ours["authenticated"], ours["audiences"]) == (True, [ISSUER])
    nonsense = await reviewed(served, "a.b.c")
    assert nonsense["authenticated"] is False and nonsense["error"]


@pytest.mark.parametrize(
    ("spec", "code", "says"),
    [
        pytest.param({"expirationSeconds": 599}, 422, "may not specify a duration less than 10 minutes", id="short"),
        pytest.param({"expirationSeconds": 2**32 + 1}, 422, "may not specify a duration larger than", id="for ever"),
        pytest.param(
            {"boundObjectRef": {"kind": "ConfigMap", "name": "a"}}, 400, "cannot bind token for serviceaccount",
            id="bound to what holds nothing",
        ),
    ],
)  # fmt: skip
async def test_requests_that_are_refused(served: Served, spec: Any, code: int, says: str) -> None:
    answer = await request(served, **spec)
    assert answer.code == code
    assert says in answer.json["message"]


async def test_how_long_it_lasts(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = (await request(served, expirationSeconds=900)).json
    assert answer["spec"]["expirationSeconds"] == 900
    given = answer["status"]["token"]
    read = Tokens.read

    def later(self: Tokens, text: str, now: float) -> Any:
        return read(self, text, now + 901)

    monkeypatch.setattr(Tokens, "read", later)
    assert await as_bearer(served, given) == 401


async def test_a_review_needs_a_token_and_the_right(served: Served) -> None:
    assert (await served.ask("POST", REVIEWS, {"spec": {}})).code == 400
    refused = await served.ask("POST", REVIEWS, {"spec": {"token": "x"}}, Impersonate_User="jane")
    assert refused.code == 403
