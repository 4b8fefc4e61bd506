"""Watches single ConfigMaps and Secrets, each once however many volumes show it.

The manager says which; it is called back when one has changed. One object a watch, since a node may only read what
its own Pods name.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from podwright.api.objects import Object, resource_version_of
from podwright.client.informer import Informer
from podwright.client.interface import Client
from podwright.kubelet.volumes.collect import Reference

Changed = Callable[[Reference], Awaitable[None]]


@dataclass(slots=True)
class _Followed:
    """One object: the last version that was told ("" for none), and the task that watches it."""

    version: str
    task: asyncio.Task[None] | None = None


class Follower:
    """Calls `changed` after a followed object has changed, one object after the other. `run` owns the watches."""

    def __init__(self, client: Client, changed: Changed) -> None:
        self._client = client
        self._changed = changed
        self._followed: dict[Reference, _Followed] = {}
        self._group: asyncio.TaskGroup | None = None
        self._news: dict[Reference, None] = {}
        self._woken = asyncio.Event()

    def follow(self, references: Mapping[Reference, str]) -> None:
        """Begin with those that are new; the text is the resourceVersion that was read ("": it was not there)."""
        for reference, version in references.items():
            # A Pod that has read a newer version does not change what the others know.
            if reference not in self._followed:
                self._followed[reference] = _Followed(version)
                self._start(reference)

    def unfollow(self, reference: Reference) -> None:
        """Stop watching it."""
        followed = self._followed.pop(reference, None)
        if followed and followed.task:
            followed.task.cancel()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for reference in self._followed:
                    self._start(reference)
                while True:
                    await self._woken.wait()
                    self._woken.clear()
                    while self._news:
                        reference = next(iter(self._news))
                        del self._news[reference]
                        await self._changed(reference)
            finally:
                self._group = None

    def _start(self, reference: Reference) -> None:
        if self._group is None:
            return
        informer = Informer(
            self._client,
            reference.resource,
            reference.namespace,
            field_selector=f"metadata.name={reference.name}",
        )
        informer.add_handler(functools.partial(self._noted, reference))
        task = self._group.create_task(informer.run(), name=f"follow {reference.namespace}/{reference.name}")
        self._followed[reference].task = task

    def _noted(self, reference: Reference, old: Object | None, new: Object | None) -> None:
        followed = self._followed.get(reference)
        version = resource_version_of(new) if new else ""
        # What was read before the watch began is no news.
        if followed is not None and version != followed.version:
            followed.version = version
            self._news[reference] = None
            self._woken.set()
