"""Pods of one namespace, made and watched through the API: conditions are waited for on a watch."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from podwright.api.errors import NotFound
from podwright.api.objects import Object
from podwright.api.pods import condition_is_true
from podwright.api.resources import EVENTS, NAMESPACES, PODS
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions

IMAGE = "podwright/busybox:1"
SLEEP = "trap 'exit 0' TERM; sleep 1000 & wait"
"""A script that goes on until it is told to end, and ends at once"""

_numbers = itertools.count(1)


def container(script: str = SLEEP, name: str = "main", **more: Any) -> Object:
    """A container of the example image that runs a shell script."""
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], **more}


def pod(name: str, *containers: Object, **spec: Any) -> Object:
    """A Pod; without containers, one that sleeps until it is told to end."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [*containers] or [container()], **spec},
    }


def job(name: str, script: str, **spec: Any) -> Object:
    """A Pod that runs a shell script once."""
    return pod(name, container(script), restartPolicy="Never", **spec)


def status_of(one: Object, name: str = "main") -> Any:
    """The status of a container, of whichever kind; None without one."""
    every = itertools.chain.from_iterable(
        one["status"].get(kind) or () for kind in ("initContainerStatuses", "containerStatuses")
    )
    return next((status for status in every if status["name"] == name), None)


def waiting_reason(one: Object, name: str = "main") -> str:
    """Why a container waits; "" when it does not."""
    state = (status_of(one, name) or {}).get("state") or {}
    return str((state.get("waiting") or {}).get("reason", ""))


@dataclass(frozen=True)
class Pods:
    """The Pods of one namespace."""

    client: HttpClient
    namespace: str

    @classmethod
    async def in_new_namespace(cls, client: HttpClient) -> Pods:
        """In a namespace that nobody else uses."""
        name = f"pods-{next(_numbers)}"
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return cls(client, name)

    async def create(self, one: Object) -> Object:
        """Create it; the answer is as the server keeps it."""
        return await self.client.create(PODS, one, self.namespace)

    async def get(self, name: str) -> Object:
        """As it stands now."""
        return await self.client.get(PODS, name, self.namespace)

    async def delete(self, name: str, grace: int | None = None) -> None:
        """Ask for its end."""
        await self.client.delete(PODS, name, self.namespace, DeleteOptions(grace_period_seconds=grace))

    async def changes(self, name: str = "") -> AsyncIterator[Object]:
        """Of one Pod or all: as they stand, then every change."""
        selector = f"metadata.name={name}" if name else ""
        listed = await self.client.list(PODS, self.namespace, field_selector=selector)
        for one in listed.items:
            yield one
        async with self.client.watch(
            PODS, self.namespace, resource_version=listed.resource_version, field_selector=selector
        ) as events:
            async for event in events:
                if event.type in ("ADDED", "MODIFIED"):
                    yield event.object

    async def until(self, name: str, condition: Callable[[Object], Any], within: float = 60) -> Object:
        """The first state of the Pod that is as wanted; a failure shows the last one seen."""
        last: Object = {}
        try:
            async with asyncio.timeout(within), aclosing(self.changes(name)) as changes:
                async for last in changes:
                    if condition(last):
                        return last
        except TimeoutError:
            pass
        raise AssertionError(f"{name} did not come to what was wanted; its status: {last.get('status')}")

    async def ready(self, name: str) -> Object:
        """When it is Ready."""
        return await self.until(name, lambda one: condition_is_true(one, "Ready"))

    async def ended(self, name: str) -> Object:
        """When its phase is Succeeded or Failed."""
        return await self.until(name, lambda one: one["status"].get("phase") in ("Succeeded", "Failed"))

    async def message(self, one: Object) -> str:
        """Create a Pod that ends, and wait for what its container left as termination message."""
        name = (await self.create(one))["metadata"]["name"]
        terminated = status_of(await self.ended(name))["state"]["terminated"]
        return str(terminated.get("message", ""))

    async def gone(self, name: str, within: float = 60) -> None:
        """When there is no such Pod any more."""
        try:
            async with asyncio.timeout(within):
                await self._gone(name)
        except TimeoutError:
            raise AssertionError(f"{name} is still there: {await self.get(name)}") from None

    async def _gone(self, name: str) -> None:
        try:
            version = (await self.get(name))["metadata"]["resourceVersion"]
        except NotFound:
            return
        async with self.client.watch(
            PODS, self.namespace, resource_version=version, field_selector=f"metadata.name={name}"
        ) as events:
            async for event in events:
                if event.type == "DELETED":
                    return

    async def until_told(self, name: str, *reasons: str, within: float = 30) -> None:
        """When there are events with these reasons about the Pod: they are written a moment after its status."""
        try:
            async with asyncio.timeout(within):
                while not set(reasons) <= (seen := await self.events(name)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"of {', '.join(reasons)} only {seen} were told about {name}") from None

    async def events(self, name: str) -> set[str]:
        """Reasons of the events about this Pod."""
        found = await self.client.list(EVENTS, self.namespace, field_selector=f"involvedObject.name={name}")
        return {event["reason"] for event in found.items}
