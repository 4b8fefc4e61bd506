"""Which document a client gets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from podwright.api import resources
from podwright.apiserver.openapi.documents import PROTOBUF, OpenAPI
from podwright.apiserver.registry.strategy import Row, Strategy


@pytest.fixture
def openapi() -> OpenAPI:
    return OpenAPI(
        [
            Row(resources.PODS, Strategy(), "io.k8s.api.core.v1.Pod"),
            Row(resources.LEASES, Strategy(), "io.k8s.api.coordination.v1.Lease"),
        ]
    )


async def content(openapi: OpenAPI, path: str) -> Any:
    document = await openapi.answer(path, "application/json")
    assert document is not None
    assert document.content_type == "application/json"
    return json.loads(document.body())


async def test_the_index_leads_to_each_group_version(openapi: OpenAPI) -> None:
    index = (await content(openapi, "/openapi/v3"))["paths"]
    assert list(index) == ["api/v1", "apis/coordination.k8s.io/v1"]
    for place, entry in index.items():
        path, _, found = entry["serverRelativeURL"].partition("?hash=")
        assert path == f"/openapi/v3/{place}"
        document = await openapi.answer(path, "")
        assert document is not None
        assert document.etag == f'"{found}"'


async def test_version_three_of_the_core(openapi: OpenAPI) -> None:
    document = await content(openapi, "/openapi/v3/api/v1")
    schemas = document["components"]["schemas"]
    assert schemas["io.k8s.api.core.v1.Container"]["properties"]["lifecycle"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.api.core.v1.Lifecycle"}
    ]
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in document["paths"]
    assert "io.k8s.api.coordination.v1.Lease" not in schemas


async def test_version_two_holds_everything_served(openapi: OpenAPI) -> None:
    document = await content(openapi, "/openapi/v2")
    assert document["swagger"] == "2.0"
    assert {"io.k8s.api.core.v1.PodList", "io.k8s.api.coordination.v1.Lease"} <= document["definitions"].keys()
    assert "io.k8s.api.core.v1.Node" not in document["definitions"]


@pytest.mark.parametrize("form", ["@v1.0", ".v1.0"])
async def test_version_two_in_protocol_buffers(openapi: OpenAPI, form: str) -> None:
    accept = f"application/com.github.proto-openapi.spec.v2{form}+protobuf"
    document = await openapi.answer("/openapi/v2", accept)
    assert document is not None
    assert document.content_type == PROTOBUF
    assert document.body().startswith(b"\x0a\x032.0")


@pytest.mark.parametrize(
    "path", ["/openapi", "/openapi/v4", "/openapi/v3/api/v2", "/openapi/v3/apis/apps/v1", "/openapi/v3/a/b/c/d"]
)
async def test_what_is_not_there(openapi: OpenAPI, path: str) -> None:
    assert await openapi.answer(path, "") is None


async def test_many_who_ask_at_once_share_one_document(openapi: OpenAPI) -> None:
    found = await asyncio.gather(*(openapi.answer("/openapi/v2", "") for _ in range(5)))
    assert len({id(document) for document in found}) == 1
