"""The one thread that writes to the log: whatever is queued goes into one transaction (group commit).

    event loop: judge, give a revision, `put` --> queue --> thread: one transaction --> event loop: `settled`

The thread takes the whole queue at a time, so that writers share the cost of making the disk keep its promise.
A group that fails fails its own writes, and those later ones that were judged against them.
Called by `storage.sqlite` only.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from podwright.storage.interface import StoreEvent, StoreFailed
from podwright.storage.log import Log

MAX_GROUP = 1000
"""Writes in one transaction at most, so that the first of them does not wait for long."""


@dataclass(slots=True, eq=False)
class Write:
    """A judged write on its way to the disk."""

    event: StoreEvent
    last: int
    """The revision of the key's last row; 0 when it has none."""
    builds_on: Write | None
    """The write, not yet settled, that this one was judged against."""
    done: asyncio.Future[StoreEvent]
    """For the one who writes, who may give up waiting."""
    failure: StoreFailed | None = None
    """Set by the thread before the write is settled."""
    others: list[asyncio.Future[None]] = field(default_factory=list)
    """Those who wait to see how the write ends, because they were judged by it."""

    async def ended(self) -> None:
        """Return once the write is settled, whatever came of it."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.others.append(waiting)
        await waiting

    def settle(self) -> None:
        """Tell everybody who waits; called in the event loop."""
        if not self.done.done():
            if self.failure is None:
                self.done.set_result(self.event)
            else:
                self.done.set_exception(self.failure)
        for waiting in self.others:
            _resolve(waiting, None)


@dataclass(slots=True)
class _Compaction:
    up_to: int
    after: int = 0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


Settled = Callable[[Sequence[Write]], None]
Compacted = Callable[[int], None]


class Writer:
    """Owns the log and the thread.

    `settled` is called in the event loop, group by group in revision order; `compacted` once the log has nothing
    left that history up to its argument does not need.
    """

    def __init__(self, log: Log, settled: Settled, compacted: Compacted) -> None:
        self._log = log
        self._settled = settled
        self._compacted = compacted
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Condition()
        self._queue: deque[Write] = deque()
        self._compaction: _Compaction | None = None
        self._closing = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, write: Write) -> None:
        """Queue a write; its revision is higher than that of every write before."""
        with self._wake:
            self._queue.append(write)
            self._wake.notify()

    def start_compaction(self, up_to: int) -> asyncio.Future[None]:
        """Begin to remove from the log what history up to `up_to` does not need; done once it is gone.

        The result may be left alone. It is StoreFailed when the disk did not take it.
        """
        waiting: asyncio.Future[None] = self._loop.create_future()
        with self._wake:
            if self._compaction is None:
                self._compaction = _Compaction(up_to)
            elif up_to > self._compaction.up_to:
                # It starts over: rows that it has passed may be superseded now.
                self._compaction.up_to, self._compaction.after = up_to, 0
            self._compaction.waiting.append(waiting)
            self._wake.notify()
        return waiting

    async def close(self) -> None:
        """Write what is queued, then end the thread and close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.shield(self._ended)
        self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                with self._wake:
                    while not (self._queue or self._compaction or self._closing):
                        self._wake.wait()
                    group = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_GROUP))]
                    compaction = self._compaction
                    if not group and self._closing:
                        break
                if group:
                    self._commit(group)
                    self._loop.call_soon_threadsafe(self._settled, group)
                if compaction:
                    self._compact_some(compaction)
        finally:
            self._log.close()
        self._abandon(self._compaction)
        self._loop.call_soon_threadsafe(_resolve, self._ended, None)

    def _commit(self, group: Sequence[Write]) -> None:
        for write in group:
            below = write.builds_on
            if below is not None:
                write.failure = below.failure
                write.builds_on = None
        good = [write for write in group if write.failure is None]
        if not good:
            return
        try:
            self._log.append([(write.event, write.last) for write in good])
        except StoreFailed as failure:
            for write in good:
                write.failure = failure

    def _compact_some(self, compaction: _Compaction) -> None:
        with self._wake:
            up_to, after = compaction.up_to, compaction.after
        failure: StoreFailed | None = None
        try:
            if after == 0:
                self._log.mark_compacted(up_to)
            removed = self._log.remove_superseded(after, up_to)
        except StoreFailed as error:
            failure, removed = error, None
        with self._wake:
            if failure is None and compaction.up_to != up_to:
                return
            if removed is not None:
                compaction.after = removed
                return
            self._compaction = None
        if failure is None:
            self._loop.call_soon_threadsafe(self._compacted, up_to)
        for waiting in compaction.waiting:
            self._loop.call_soon_threadsafe(_resolve, waiting, failure)

    def _abandon(self, compaction: _Compaction | None) -> None:
        for waiting in compaction.waiting if compaction else ():
            self._loop.call_soon_threadsafe(_resolve, waiting, StoreFailed("the store was closed"))


def _resolve(waiting: asyncio.Future[None], failure: Exception | None) -> None:
    if waiting.done():
        return
    if failure is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(failure)
        # A compaction that the store began itself has nobody who asks for its outcome.
        waiting.exception()
