"""Watches single ConfigMaps and Secrets, each once however many volumes show it.

The manager says which; it is called back when one has changed. One object a watch, since a node may only read what
its own Pods name.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from podwright.api.errors import Expired, StatusError
from podwright.api.objects import resource_version_of
from podwright.client.interface import Client
from podwright.kubelet.volumes.collect import Reference

_log = logging.getLogger(__name__)
_RETRY = 1.0
_RETRY_LIMIT = 30.0

Changed = Callable[[Reference], Awaitable[None]]


class Follower:
    """Calls `changed` after each change of a followed object. `run` owns the watches."""

    def __init__(self, client: Client, changed: Changed) -> None:
        self._client = client
        self._changed = changed
        self._followed: dict[Reference, str] = {}
        self._tasks: dict[Reference, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    def follow(self, references: Mapping[Reference, str]) -> None:
        """Begin with those that are new, each from the resourceVersion at which it was read ("": it was not there)."""
        for reference, version in references.items():
            if reference not in self._followed:
                self._followed[reference] = version
                self._start(reference)

    def unfollow(self, reference: Reference) -> None:
        """Stop watching it."""
        self._followed.pop(reference, None)
        if task := self._tasks.pop(reference, None):
            task.cancel()

    @property
    def followed(self) -> frozenset[Reference]:
        """What is watched."""
        return frozenset(self._followed)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for reference in self._followed:
                    self._start(reference)
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._tasks.clear()

    def _start(self, reference: Reference) -> None:
        if self._group is not None:
            watching = self._watch(reference, self._followed[reference])
            self._tasks[reference] = self._group.create_task(watching, name=f"follow {reference.name}")

    async def _watch(self, reference: Reference, version: str) -> None:
        seen, start, pause = version, version, _RETRY
        while True:
            try:
                if not start:
                    start, now = await self._list(reference)
                    if now != seen:
                        seen = now
                        await self._changed(reference)
                watch = self._client.watch(
                    reference.resource,
                    reference.namespace,
                    resource_version=start,
                    field_selector=_selector(reference),
                )
                async with watch as events:
                    async for event in events:
                        start, pause = resource_version_of(event.object), _RETRY
                        if event.type != "BOOKMARK":
                            seen = "" if event.type == "DELETED" else start
                            await self._changed(reference)
            except Expired:
                start = ""
            except (StatusError, OSError) as error:
                _log.warning("%s %s/%s cannot be watched, trying again: %s", *_names(reference), error)
                await asyncio.sleep(pause)
                start, pause = "", min(pause * 2, _RETRY_LIMIT)

    async def _list(self, reference: Reference) -> tuple[str, str]:
        """Where to watch from, and the object's own version ("" when it is not there)."""
        page = await self._client.list(reference.resource, reference.namespace, field_selector=_selector(reference))
        return page.resource_version, resource_version_of(page.items[0]) if page.items else ""


def _selector(reference: Reference) -> str:
    return f"metadata.name={reference.name}"


def _names(reference: Reference) -> tuple[str, str, str]:
    return reference.resource.kind, reference.namespace, reference.name
