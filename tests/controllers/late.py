"""A cache that is late: what watches of Pods tell comes when the test lets it."""

from __future__ import annotations

import asyncio
from typing import Any

from podwright.api.resources import PODS, Resource
from podwright.client.interface import Client


class Late:
    """A client whose watches of Pods are held back while `gate` is not set."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.gate = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def watch(self, resource: Resource, *args: Any, **more: Any) -> Any:
        inner = self._client.watch(resource, *args, **more)
        return inner if resource != PODS else _Gated(inner, self.gate)


class _Gated:
    def __init__(self, inner: Any, gate: asyncio.Event) -> None:
        self._inner = inner
        self._gate = gate

    async def __aenter__(self) -> Any:
        events = await self._inner.__aenter__()

        async def gated() -> Any:
            async for event in events:
                await self._gate.wait()
                yield event

        return gated()

    async def __aexit__(self, *reason: Any) -> Any:
        return await self._inner.__aexit__(*reason)
