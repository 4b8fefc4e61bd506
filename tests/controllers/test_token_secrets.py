from __future__ import annotations

import base64
from typing import Any

from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import NotFound
from podwright.api.objects import Object
from podwright.api.resources import SECRETS, SERVICE_ACCOUNTS, Resource
from podwright.client.informers import Informers
from podwright.controllers.token_secrets import NAME, TYPE, UID, TokenSecrets


class Issuing(FakeClient):
    """It issues tokens, too."""

    async def create(self, resource: Resource, obj: Object, namespace: str = "", **more: Any) -> Object:
        if more.get("subresource") != "token":
            return await super().create(resource, obj, namespace, **more)
        bound = obj["spec"]["boundObjectRef"]
        assert bound["kind"] == "Secret"
        return {"status": {"token": f"{more['name']} by {bound['name']} {bound['uid']}"}}


def secret(name: str, account: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": {NAME: account}}, "type": TYPE, **fields}


async def found(client: FakeClient, name: str) -> Object | None:
    try:
        return await client.get(SECRETS, name, "ns")
    except NotFound:
        return None


async def test_a_token_secret_lives_as_long_as_its_account() -> None:
    client = Issuing()
    informers = Informers(client)
    account = await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot"}}, "ns")
    async with running(informers.run(), TokenSecrets(client, informers, "PEM").run()):
        made = await client.create(SECRETS, secret("mine", "robot"), "ns")
        await client.create(SECRETS, secret("sealed", "robot", immutable=True), "ns")
        await client.create(SECRETS, secret("lost", "nobody"), "ns")
        await client.create(SECRETS, {**secret("other", "robot"), "type": "Opaque"}, "ns")

        async def filled() -> Any:
            return ((await found(client, "mine")) or {}).get("data")

        data = {key: base64.b64decode(value).decode() for key, value in (await eventually(filled)).items()}
        token = f"robot by mine {made['metadata']['uid']}"
        assert data == {"token": token, "ca.crt": "PEM", "namespace": "ns"}
        mine = await found(client, "mine")
        assert mine and mine["metadata"]["annotations"][UID] == account["metadata"]["uid"]

        async def lost_is_gone() -> bool:
            return await found(client, "lost") is None

        await eventually(lost_is_gone)
        untouched = await found(client, "other"), await found(client, "sealed")
        assert all(one is not None and "data" not in one for one in untouched)

        await client.delete(SERVICE_ACCOUNTS, "robot", "ns")

        async def mine_is_gone() -> bool:
            return await found(client, "mine") is None

        await eventually(mine_is_gone)


async def test_a_secret_of_an_account_that_was_is_not_filled_anew() -> None:
    client = Issuing()
    informers = Informers(client)
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot"}}, "ns")
    old = secret("old", "robot")
    old["metadata"]["annotations"][UID] = "of another time"
    await client.create(SECRETS, old, "ns")
    async with running(informers.run(), TokenSecrets(client, informers, "PEM").run()):

        async def gone() -> bool:
            return await found(client, "old") is None

        await eventually(gone)
