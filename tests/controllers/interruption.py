"""A controller that is killed at any of its writes: the write is made, the answer never comes, another one starts.

`interrupted` runs a change to its end once for each write that it takes, broken off right after that write. What then
must be true is true after every one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.controllers.cluster import Cluster, Make

from podwright.api.errors import StatusError
from podwright.api.objects import Object
from podwright.api.resources import EVENTS, Resource
from podwright.client.interface import Client


class Mortal:
    """A client whose user dies after so many writes. Reads and events go through."""

    def __init__(self, client: Client, life: int) -> None:
        self._client = client
        self._life = life
        self.writes = 0
        self.dead = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def _write(self, resource: Resource, write: Callable[[], Awaitable[Object]]) -> Object:
        if resource == EVENTS:
            return await write()
        if self.writes >= self._life:
            await asyncio.Event().wait()
        self.writes += 1
        last = self.writes == self._life
        try:
            answer = await write()
        except StatusError:
            # It was refused: that was no write.
            self.writes -= 1
            raise
        if last:
            self.dead.set()
            await asyncio.Event().wait()
        return answer

    async def create(self, resource: Resource, *args: Any, **more: Any) -> Object:
        return await self._write(resource, lambda: self._client.create(resource, *args, **more))

    async def update(self, resource: Resource, *args: Any, **more: Any) -> Object:
        return await self._write(resource, lambda: self._client.update(resource, *args, **more))

    async def patch(self, resource: Resource, *args: Any, **more: Any) -> Object:
        return await self._write(resource, lambda: self._client.patch(resource, *args, **more))

    async def delete(self, resource: Resource, *args: Any, **more: Any) -> Object:
        return await self._write(resource, lambda: self._client.delete(resource, *args, **more))


async def killed_after(writes: int, c: Cluster, makes: tuple[Make, ...], over: Callable[[], Awaitable[bool]]) -> bool:
    """Run controllers until they have made so many writes; False when `over` became true before."""
    mortal = Mortal(c.client, writes)

    async def watched() -> str:
        return "dead" if mortal.dead.is_set() else "over" if await over() else ""

    async with c.controlled(*makes, client=mortal):
        return bool(await c.until(watched) == "dead")
