"""Work to do, by key: each key at most once in the queue and never with two workers at the same time.

    idle --add--> queued --get--> processing --done--> idle
                  add: nothing    add: again queued once done

A key that fails comes back after a back-off of its own. Used by the controllers and the scheduler.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from podwright.api.errors import StatusError
from podwright.client.backoff import Backoff

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys in the order in which they were added; all methods belong to the event loop's thread."""

    def __init__(self, backoff: Backoff = Backoff(base=0.005, cap=60.0)) -> None:  # noqa: B008  # immutable
        self._backoff = backoff
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._queued: set[K] = set()
        self._processing: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._told: dict[K, str] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._queued) + len(self._again)

    def add(self, key: K) -> None:
        """Queue the key now; an earlier wish to queue it later is forgotten."""
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        if key in self._processing:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Queue the key in so many seconds, unless it is to be queued earlier anyway."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._ring, key)

    def _ring(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def add_rate_limited(self, key: K) -> None:
        """Queue the key after its back-off, which grows each time until `forget`."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self.add_after(key, self._backoff.delay(failures))

    def forget(self, key: K) -> None:
        """The key went well: its next back-off starts from the beginning."""
        self._failures.pop(key, None)
        self._told.pop(key, None)

    def failures(self, key: K) -> int:
        """How often in a row the key was rate limited."""
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """The next key, once there is one. `done` must follow."""
        key = await self._ready.get()
        self._queued.discard(key)
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        """The key is no longer being worked on."""
        self._processing.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Let no timer ring any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def run(self, process: Callable[[K], Awaitable[None]], *, workers: int = 1) -> None:
        """Give keys to `process` until cancelled; one that ends in an API or network error comes back later.

        Anything else that `process` raises is a fault of the program and ends the run.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(process))
        finally:
            self.close()

    async def _work(self, process: Callable[[K], Awaitable[None]]) -> None:
        while True:
            key = await self.get()
            try:
                await process(key)
            except (StatusError, OSError) as error:
                self.add_rate_limited(key)
                # The first failure is usually a write that came second; it is no news, nor is the same one again.
                news = self.failures(key) >= 3 and self._told.get(key) != str(error)
                if news:
                    self._told[key] = str(error)
                log.log(logging.WARNING if news else logging.DEBUG, "%s will be tried again: %s", key, error)
            else:
                self.forget(key)
            finally:
                self.done(key)
