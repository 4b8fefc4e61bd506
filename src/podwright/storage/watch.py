"""Watchers: who is told of which committed change, and who is dropped for not listening.

Every watcher has its own bounded queue. Publishing never waits: a watcher whose queue is full is dropped with
WatcherTooSlow and must list again, as a kube-apiserver's watch cache does it. Called by `storage.core` only.

    waiting --push--> ready --taken--> waiting
       ready --push beyond the limit--> dropped (raises WatcherTooSlow once its reader comes)
       any --store closed--> ended (StopAsyncIteration once what is queued was taken)

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from podwright.storage.interface import StoreEvent, WatcherTooSlow

QUIET_SECONDS = 50.0
"""After this long without an event a watcher gets an empty batch."""


class Watcher:
    """The events of one prefix above one revision, as an asynchronous iterator of batches."""

    __slots__ = ("_after", "_dropped", "_ended", "_limit", "_queue", "_wake", "prefix")

    def __init__(self, prefix: str, after: int, replay: Sequence[StoreEvent], limit: int) -> None:
        self.prefix = prefix
        self._after = after
        # What it asked for on entering is not held against it.
        self._limit = limit + len(replay)
        self._queue: list[StoreEvent] = list(replay)
        self._wake: asyncio.Future[bool] | None = None
        self._dropped = False
        self._ended = False

    @property
    def dropped(self) -> bool:
        """Whether its reader was too slow; nothing need be pushed any more."""
        return self._dropped

    def push(self, events: Sequence[StoreEvent]) -> None:
        """Queue events for the reader, or drop it."""
        if self._queue and len(self._queue) + len(events) > self._limit:
            self._dropped = True
            self._queue = []
        else:
            self._queue.extend(events)
        self._awake()

    def end(self) -> None:
        """No event will come any more."""
        self._ended = True
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(True)

    def __aiter__(self) -> Watcher:
        return self

    async def __anext__(self) -> Sequence[StoreEvent]:
        while True:
            if self._dropped:
                raise WatcherTooSlow(f"the watch of {self.prefix} fell more than {self._limit} events behind")
            if self._queue:
                batch, self._queue = self._queue, []
                if batch[0].revision <= self._after:
                    # Only a watch that began at a revision yet to come meets events it has not asked for.
                    batch = [event for event in batch if event.revision > self._after]
                if batch:
                    return batch
                continue
            if self._ended:
                raise StopAsyncIteration
            if not await self._woken():
                return []

    async def _woken(self) -> bool:
        """Wait for a push or the end; False when neither came in time."""
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        # A timer of the loop: `asyncio.timeout` would be a third of what an event costs a watcher.
        timer = loop.call_later(QUIET_SECONDS, _nothing_came, self._wake)
        try:
            return await self._wake
        finally:
            timer.cancel()
            self._wake = None


def _nothing_came(wake: asyncio.Future[bool]) -> None:
    if not wake.done():
        wake.set_result(False)


class WatchHub:
    """All watchers of a store, by prefix, so that a change is matched once a prefix and not once a watcher."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, set[Watcher]] = {}

    def add(self, watcher: Watcher) -> None:
        """From now on the watcher gets what is published."""
        self._by_prefix.setdefault(watcher.prefix, set()).add(watcher)

    def remove(self, watcher: Watcher) -> None:
        """The watcher gets nothing any more; one that is not there is no error."""
        watchers = self._by_prefix.get(watcher.prefix)
        if watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del self._by_prefix[watcher.prefix]

    def publish(self, events: Sequence[StoreEvent]) -> None:
        """Give every watcher those of the events that are under its prefix."""
        dropped = []
        for prefix, watchers in self._by_prefix.items():
            matching = [event for event in events if event.key.startswith(prefix)]
            if not matching:
                continue
            for watcher in watchers:
                watcher.push(matching)
                if watcher.dropped:
                    dropped.append(watcher)
        for watcher in dropped:
            self.remove(watcher)

    def end(self) -> None:
        """Tell every watcher that no event will come any more."""
        for watchers in self._by_prefix.values():
            for watcher in watchers:
                watcher.end()
        self._by_prefix.clear()
