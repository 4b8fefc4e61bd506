from __future__ import annotations

from typing import Any

from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.resources import CLUSTER_ROLES
from podwright.client.informers import Informers
from podwright.controllers.cluster_role_aggregation import ClusterRoleAggregation


def role(name: str, *verbs: str, **fields: Any) -> dict[str, Any]:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]} for verb in verbs]
    return {"metadata": {"name": name, "labels": fields.pop("labels", {})}, "rules": rules, **fields}


async def test_an_aggregated_role_follows_what_it_selects() -> None:
    client = FakeClient()
    informers = Informers(client)
    selects = {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}
    await client.create(CLUSTER_ROLES, role("part", "get", labels={"to": "all"}))
    await client.create(CLUSTER_ROLES, role("all", "delete", aggregationRule=selects))

    async def verbs() -> list[str]:
        return [rule["verbs"][0] for rule in (await client.get(CLUSTER_ROLES, "all"))["rules"]]

    async def become(*wanted: str) -> None:
        async def so() -> bool:
            return await verbs() == list(wanted)

        await eventually(so)

    async with running(informers.run(), ClusterRoleAggregation(client, informers).run()):
        await become("get")
        await client.create(CLUSTER_ROLES, role("more", "list", labels={"to": "all"}))
        await become("list", "get")  # by name: `more` comes before `part`
        await client.delete(CLUSTER_ROLES, "part")
        await become("list")
        await client.update(CLUSTER_ROLES, {**await client.get(CLUSTER_ROLES, "more"), "rules": []})
        await become()
