"""What every cluster has, and has again when somebody took it away."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import NotFound, Unavailable
from podwright.api.resources import ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, SERVICES, Resource
from podwright.apiserver.bootstrap import keep_initial_objects
from podwright.apiserver.config import ApiServerConfig

WAY_IN = (SERVICES, ENDPOINTS, ENDPOINT_SLICES)


async def test_what_every_cluster_has_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient()
    config = ApiServerConfig(tmp_path, advertise_address="192.0.2.1", port=6443)

    async def there(resource: Resource, name: str, namespace: str = "") -> bool:
        try:
            await client.get(resource, name, namespace)
        except NotFound:
            return False
        return True

    async def whole() -> bool:
        return await there(NAMESPACES, "kube-node-lease") and all(
            [await there(resource, "kubernetes", "default") for resource in WAY_IN]
        )

    client.fail_next("create", SERVICES, Unavailable("not now"))
    async with running(keep_initial_objects(client, config, 6443, every=0.01)):
        await eventually(whole)
        assert "is tried again" in caplog.text
        for resource in WAY_IN:
            await client.delete(resource, "kubernetes", "default")
        await eventually(whole)
        service = await client.get(SERVICES, "kubernetes", "default")
        assert service["spec"]["clusterIP"] == config.kubernetes_service_ip
        await client.delete(NAMESPACES, "kube-node-lease")
        await eventually(whole)
        await client.patch(ENDPOINTS, "kubernetes", {"subsets": None}, "default")

        async def right() -> bool:
            return bool((await client.get(ENDPOINTS, "kubernetes", "default")).get("subsets"))

        await eventually(right)
