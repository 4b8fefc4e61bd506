"""What both stores are made of: the newest state of every key in memory, history, watchers, and how a write is judged.

A store differs from another only in how a judged write becomes durable (`_submit`). Reads are plain function calls
on what is committed. Called by `storage.memory` and `storage.sqlite`.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

import abc
import asyncio
import heapq
import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from podwright.storage.history import History
from podwright.storage.interface import (
    Encode,
    Entry,
    KeyExists,
    KeyMissing,
    Listener,
    Page,
    RevisionConflict,
    StoreEvent,
    StoreFailed,
)
from podwright.storage.watch import Watcher, WatchHub

WATCH_QUEUE_EVENTS = 10_000
"""A watcher that has more events than these waiting for it is dropped."""

_SHORT = 32
_WHOLE = (3, 4)
"""Slashes of `/<group>/<plural>/` and `/<group>/<plural>/<namespace>/`."""

Prepare = Callable[[Entry | None, int], StoreEvent]
"""Judges a write against the newest entry of its key and gives the event it makes at a revision; or raises."""


def creation(key: str, encode: Encode) -> Prepare:
    """A write that needs the key to be free."""

    def prepare(newest: Entry | None, revision: int) -> StoreEvent:
        if newest is not None:
            raise KeyExists(key)
        return StoreEvent(revision, key, Entry(key, encode(revision), revision, revision), None)

    return prepare


def replacement(key: str, expected: int, encode: Encode) -> Prepare:
    """A write that needs the key at revision `expected`."""

    def prepare(newest: Entry | None, revision: int) -> StoreEvent:
        current = _at(key, newest, expected)
        return StoreEvent(revision, key, Entry(key, encode(revision), revision, current.create_revision), current)

    return prepare


def removal(key: str, expected: int, encode: Encode) -> Prepare:
    """A deletion that needs the key at revision `expected`."""

    def prepare(newest: Entry | None, revision: int) -> StoreEvent:
        return StoreEvent(revision, key, None, _at(key, newest, expected), encode(revision))

    return prepare


def _at(key: str, newest: Entry | None, expected: int) -> Entry:
    if newest is None:
        raise KeyMissing(key)
    if newest.revision != expected:
        raise RevisionConflict(f"{key} is at revision {newest.revision}, not at {expected}")
    return newest


class CoreStore(abc.ABC):
    """The part of a store that is the same whatever makes it durable."""

    def __init__(self, revision: int = 1, compacted: int = 0) -> None:
        self._revision = revision
        self._entries: dict[str, Entry] = {}
        self._keys: list[str] = []
        self._short: dict[str, Sequence[Entry]] = {}
        """Lists of few entries: every write asks for several that hardly ever change (classes, quotas, webhooks)."""
        self._history = History(compacted)
        self._hub = WatchHub()
        self._listeners: dict[str, list[Listener]] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._closed = False

    # reads

    @property
    def revision(self) -> int:
        """The newest committed revision."""
        return self._revision

    @property
    def compacted(self) -> int:
        """The oldest revision that watches and exact reads may ask for."""
        return self._history.compacted

    def get(self, key: str) -> Entry | None:
        """The newest committed value."""
        return self._entries.get(key)

    def list(self, prefix: str, *, after: str = "", limit: int = 0) -> Page:
        """See `interface.Store.list`."""
        if not after and not limit:
            known = self._short.get(prefix)
            if known is not None:
                return Page(known, self._revision, more=False, remaining=0)
        start, end = self._span(prefix, after)
        if not after and not limit and end - start <= _SHORT and prefix.endswith("/") and prefix.count("/") in _WHOLE:
            entries = self._short[prefix] = tuple(self._entries[key] for key in self._keys[start:end])
            return Page(entries, self._revision, more=False, remaining=0)
        stop = min(end, start + limit) if limit > 0 else end
        return Page(
            [self._entries[key] for key in self._keys[start:stop]],
            revision=self._revision,
            more=stop < end,
            remaining=end - stop,
        )

    def list_at(self, prefix: str, revision: int, *, after: str = "", limit: int = 0) -> Page:
        """See `interface.Store.list_at`."""
        if revision > self._revision:
            raise ValueError(f"revision {revision} is yet to come: the newest is {self._revision}")
        # What a key was at `revision` is what the first event after it replaced.
        then: dict[str, Entry | None] = {}
        for event in self._history.after(revision):
            if event.key.startswith(prefix) and event.key > after:
                then.setdefault(event.key, event.previous)
        if not then:
            page = self.list(prefix, after=after, limit=limit)
            return Page(page.entries, revision, page.more, page.remaining)
        start, end = self._span(prefix, after)
        found = [self._entries[key] for key in self._keys[start:end] if key not in then]
        found += [entry for entry in then.values() if entry is not None]
        found.sort(key=lambda entry: entry.key)
        shown = found[:limit] if limit > 0 else found
        return Page(shown, revision, more=len(shown) < len(found), remaining=len(found) - len(shown))

    def _span(self, prefix: str, after: str) -> tuple[int, int]:
        start = bisect_left(self._keys, prefix)
        if after >= prefix:
            start = max(start, bisect_right(self._keys, after))
        # U+10FFFF sorts after every character that a key may have.
        return start, max(start, bisect_left(self._keys, f"{prefix}\U0010ffff"))

    # writes

    async def create(self, key: str, encode: Encode) -> Entry:
        """See `interface.Store.create`."""
        return _written(await self._submit(key, creation(key, encode)))

    async def update(self, key: str, expected: int, encode: Encode) -> Entry:
        """See `interface.Store.update`."""
        return _written(await self._submit(key, replacement(key, expected, encode)))

    async def delete(self, key: str, expected: int, encode: Encode) -> StoreEvent:
        """See `interface.Store.delete`."""
        return await self._submit(key, removal(key, expected, encode))

    @abc.abstractmethod
    async def _submit(self, key: str, prepare: Prepare) -> StoreEvent:
        """Judge a write, make it durable and visible; the event that it was."""

    def _require_open(self) -> None:
        if self._closed:
            raise StoreFailed("the store is closed")

    def _restore(self, event: StoreEvent) -> None:
        """Take in an event that was read back from disk; nobody watches yet. `previous` is filled in here."""
        previous = self._entries.get(event.key)
        if event.entry is None:
            self._entries.pop(event.key, None)
        else:
            self._entries[event.key] = event.entry
        if event.revision > self._history.compacted:
            self._history.append(StoreEvent(event.revision, event.key, event.entry, previous, event.final))

    def _restored(self) -> None:
        self._keys = sorted(self._entries)

    def _publish(self, events: Sequence[StoreEvent]) -> None:
        """Make committed events visible: reads first, then whoever waits or watches."""
        for event in events:
            self._forget_lists(event.key)
            if event.entry is None:
                del self._entries[event.key]
                del self._keys[bisect_left(self._keys, event.key)]
            else:
                if event.previous is None:
                    insort(self._keys, event.key)
                self._entries[event.key] = event.entry
            self._history.append(event)
        self._revision = events[-1].revision
        for prefix, listeners in self._listeners.items():
            heard = [event for event in events if event.key.startswith(prefix)]
            for listener in listeners if heard else ():
                listener(heard)
        while self._waiting and self._waiting[0][0] <= self._revision:
            waiting = heapq.heappop(self._waiting)[2]
            if not waiting.done():
                waiting.set_result(None)
        self._hub.publish(events)

    def _forget_lists(self, key: str) -> None:
        """The short lists that a key is in are no longer right."""
        namespace = key[: key.rfind("/") + 1]
        whole = key[: key.find("/", key.find("/", 1) + 1) + 1]
        self._short.pop(namespace, None)
        self._short.pop(whole, None)

    # following

    def listen(self, prefix: str, listener: Listener) -> None:
        """See `interface.Store.listen`."""
        self._listeners.setdefault(prefix, []).append(listener)

    @asynccontextmanager
    async def watch(self, prefix: str, after: int) -> AsyncIterator[AsyncIterator[Sequence[StoreEvent]]]:
        """See `interface.Store.watch`."""
        self._require_open()
        replay = [event for event in self._history.after(after) if event.key.startswith(prefix)]
        watcher = Watcher(prefix, after, replay, WATCH_QUEUE_EVENTS)
        self._hub.add(watcher)
        try:
            yield watcher
        finally:
            self._hub.remove(watcher)

    async def wait_for(self, revision: int) -> None:
        """See `interface.Store.wait_for`."""
        if revision > self._revision:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (revision, next(self._order), waiting))
            await waiting

    async def compact(self, keep_after: int) -> None:
        """See `interface.Store.compact`."""
        self._require_open()
        self._history.forget(min(keep_after, self._revision))

    async def close(self) -> None:
        """End every watch and every wait; writes are refused from now on."""
        self._closed = True
        self._hub.end()
        for _, _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(StoreFailed("the store was closed"))
        self._waiting.clear()


def _written(event: StoreEvent) -> Entry:
    assert event.entry is not None  # only a deletion has none
    return event.entry
