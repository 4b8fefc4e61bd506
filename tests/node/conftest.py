"""Pods on the shared node."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.node.pods import Pods
from tests.node.running_node import RunningNode

from podwright.api.resources import NAMESPACES
from podwright.client.http import HttpClient


@pytest.fixture
async def client(node: RunningNode) -> AsyncIterator[HttpClient]:
    """The administrator's, on the shared node."""
    async with HttpClient.from_kubeconfig(node.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def pods(client: HttpClient) -> AsyncIterator[Pods]:
    """An empty namespace of the test's own; it goes without being waited for."""
    made = await Pods.in_new_namespace(client)
    yield made
    await client.delete(NAMESPACES, made.namespace)
