"""Pods as the benchmarks make them, and a watch that tells when they are where they are wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.node import Node
from podwright.api.errors import NotFound
from podwright.api.objects import Object, name_of
from podwright.api.pods import condition_is_true
from podwright.api.resources import PODS
from podwright.client.interface import DeleteOptions, WatchEvent

NAMESPACE = "default"
IMAGE = "podwright/busybox:1"
ENDS_ON_SIGTERM = ("sh", "-c", 'trap "exit 0" TERM; sleep 3600 & wait')
PATIENCE_SECONDS = 120.0
"""After which a Pod that does not get there is a failure."""


def manifest(name: str, **container: Any) -> Object:
    """A Pod of one container that runs until it gets SIGTERM."""
    main = {"name": "main", "image": IMAGE, "command": list(ENDS_ON_SIGTERM), **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "spec": {"containers": [main], "terminationGracePeriodSeconds": 10},
    }


def is_running(event: WatchEvent) -> bool:
    """The phase is Running."""
    return bool((event.object.get("status") or {}).get("phase") == "Running")


def is_ready(event: WatchEvent) -> bool:
    """The Ready condition is True."""
    return condition_is_true(event.object, "Ready")


def is_deleted(event: WatchEvent) -> bool:
    """The object is gone."""
    return event.type == "DELETED"


class PodWatch:
    """One watch of the namespace's Pods, shared by whoever waits."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Callable[[WatchEvent], bool], asyncio.Future[float]]] = []

    async def run(self, events: AsyncIterator[WatchEvent]) -> None:
        """Take events until they end, which a benchmark is not meant to see."""
        async for event in events:
            now, name = time.perf_counter(), name_of(event.object)
            for entry in [entry for entry in self._waiting if entry[0] == name and entry[1](event)]:
                self._waiting.remove(entry)
                entry[2].set_result(now)
        raise RuntimeError("the watch of Pods ended")

    async def when(self, name: str, test: Callable[[WatchEvent], bool]) -> float:
        """When (time.perf_counter) an event of that Pod passed the test. Raises TimeoutError."""
        return await asyncio.wait_for(self.expect(name, test), PATIENCE_SECONDS)

    def expect(self, name: str, test: Callable[[WatchEvent], bool]) -> asyncio.Future[float]:
        """The same, from now on."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((name, test, future))
        return future


@asynccontextmanager
async def pod_watch(node: Node) -> AsyncIterator[PodWatch]:
    """A watch of the namespace's Pods from now on."""
    version = (await node.client.list(PODS, NAMESPACE)).resource_version
    watch = PodWatch()
    async with node.client.watch(PODS, NAMESPACE, resource_version=version) as events:
        task = asyncio.create_task(watch.run(events), name="watch of Pods")
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def start(node: Node, watch: PodWatch, pod: Object, test: Callable[[WatchEvent], bool] = is_running) -> float:
    """Create a Pod; milliseconds until the watch shows it so."""
    seen = watch.expect(name_of(pod), test)
    began = time.perf_counter()
    await node.client.create(PODS, pod, NAMESPACE)
    return (await asyncio.wait_for(seen, PATIENCE_SECONDS) - began) * 1000


async def end(node: Node, watch: PodWatch, name: str, *, grace: int | None = None) -> float:
    """Delete a Pod; milliseconds until the watch shows that it is gone."""
    gone = watch.expect(name, is_deleted)
    began = time.perf_counter()
    await node.client.delete(PODS, name, NAMESPACE, DeleteOptions(grace_period_seconds=grace))
    return (await asyncio.wait_for(gone, PATIENCE_SECONDS) - began) * 1000


async def default_service_account(node: Node) -> None:
    """Wait until Pods can be made in the namespace: its service account comes a moment after the namespace."""
    from podwright.api.resources import SERVICE_ACCOUNTS

    async with asyncio.timeout(10):
        while True:
            try:
                await node.client.get(SERVICE_ACCOUNTS, "default", NAMESPACE)
            except NotFound:
                await asyncio.sleep(0.01)
            else:
                return
