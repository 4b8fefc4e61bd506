"""Writes whose client goes in the middle: the disk takes them anyway, and so does everything that hangs on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.apiserver.conftest import Served

from podwright.api.resources import SERVICES
from podwright.storage.interface import StoreFailed

IP = "10.96.0.77"


def service(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"clusterIP": IP, "ports": [{"port": 80}]}}


class Held:
    """A verb of the store that waits before it does what it does."""

    def __init__(self, verb: Any, failure: Exception | None = None) -> None:
        self._verb, self._failure = verb, failure
        self.entered, self.let = asyncio.Event(), asyncio.Event()

    async def __call__(self, *args: Any) -> Any:
        self.entered.set()
        await self.let.wait()
        if self._failure:
            raise self._failure
        return await self._verb(*args)


async def gone_in_the_middle(task: asyncio.Task[Any], held: Held) -> None:
    await held.entered.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(held.let.set)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_service_that_is_deleted_gives_its_address_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.admin.create(SERVICES, service("a"), "default")
    held = Held(served.store.delete)
    monkeypatch.setattr(served.store, "delete", held)
    await gone_in_the_middle(asyncio.create_task(served.admin.delete(SERVICES, "a", "default")), held)
    assert (await served.admin.create(SERVICES, service("b"), "default"))["spec"]["clusterIP"] == IP


async def test_a_service_that_is_not_stored_gives_its_address_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(served.store.create, StoreFailed("no room on the disk"))
    with monkeypatch.context() as patched:
        patched.setattr(served.store, "create", held)
        await gone_in_the_middle(asyncio.create_task(served.admin.create(SERVICES, service("a"), "default")), held)
    assert (await served.admin.create(SERVICES, service("b"), "default"))["spec"]["clusterIP"] == IP


async def test_a_service_that_gives_its_address_up_does_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await served.admin.create(SERVICES, service("a"), "default")
    change = {"spec": {"type": "ExternalName", "externalName": "a.b", "clusterIP": None, "clusterIPs": None}}
    held = Held(served.store.update)
    with monkeypatch.context() as patched:
        patched.setattr(served.store, "update", held)
        await gone_in_the_middle(asyncio.create_task(served.admin.patch(SERVICES, "a", change, "default")), held)
    assert made["spec"]["clusterIP"] == IP
    assert (await served.admin.create(SERVICES, service("b"), "default"))["spec"]["clusterIP"] == IP
