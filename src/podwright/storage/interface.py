"""The store's interface: keys, revisions, optimistic concurrency, watches.

A key is a path, `/<group or "core">/<plural>/[<namespace>/]<name>`. A value is a whole JSON object as bytes with
its metadata.resourceVersion already in it; a revision is the log's row id and is what the API shows as
resourceVersion. The newest state of every key is held in memory, so reads are plain function calls; a write is
acknowledged only once it is durable.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class StoreError(Exception):
    """A write that was not made: nothing has changed.

    KeyExists · KeyMissing · RevisionConflict · Compacted · WatcherTooSlow · StoreFailed
    """


class KeyExists(StoreError):
    """Create of a key that is there."""


class KeyMissing(StoreError):
    """Update or delete of a key that is not there."""


class RevisionConflict(StoreError):
    """The key is at another revision than the writer had read."""


class Compacted(StoreError):
    """The revision asked for is older than what is kept (the API's 410)."""


class WatcherTooSlow(StoreError):
    """The watcher did not take its events in time and was dropped."""


class StoreFailed(StoreError):
    """The disk did not take the write (full, read-only, broken); the message says which."""


class Entry(NamedTuple):
    """A key's value at the revision that wrote it."""

    key: str
    value: bytes
    revision: int
    create_revision: int


class StoreEvent(NamedTuple):
    """One committed revision: `entry` is None for a deletion, `previous` is None for a creation.

    For a deletion, `final` holds the object's last state with the deletion's revision in it.
    """

    revision: int
    key: str
    entry: Entry | None
    previous: Entry | None
    final: bytes | None = None


class Page(NamedTuple):
    """Entries in key order. `revision` is the store's revision at which the page is exact."""

    entries: Sequence[Entry]
    revision: int
    more: bool
    remaining: int


Listener = Callable[[Sequence[StoreEvent]], None]
"""Told of committed events; returns at once and raises nothing."""

Encode = Callable[[int], bytes]
"""Gives the value to store, for the revision under which it will be stored."""


class Store(Protocol):
    """One store; every method is to be called from the event loop's thread."""

    @property
    def revision(self) -> int:
        """The newest committed revision; at least 1."""
        ...

    @property
    def compacted(self) -> int:
        """Watches and exact reads must ask for a revision at or above this one."""
        ...

    def get(self, key: str) -> Entry | None:
        """The newest committed value."""
        ...

    def list(self, prefix: str, *, after: str = "", limit: int = 0) -> Page:
        """Newest committed entries whose key starts with `prefix` and sorts after `after`, `limit` at most (0: all)."""
        ...

    def list_at(self, prefix: str, revision: int, *, after: str = "", limit: int = 0) -> Page:
        """As `list`, at an earlier revision. Raises Compacted; ValueError for a revision that is yet to come."""
        ...

    async def create(self, key: str, encode: Encode) -> Entry:
        """Raises KeyExists, StoreFailed. Returns once the revision is durable and visible to reads."""
        ...

    async def update(self, key: str, expected: int, encode: Encode) -> Entry:
        """Replace the value last written at revision `expected`. Raises KeyMissing, RevisionConflict, StoreFailed."""
        ...

    async def delete(self, key: str, expected: int, encode: Encode) -> StoreEvent:
        """Remove the key last written at revision `expected`; `encode` gives the final state that watchers see.

        Raises KeyMissing, RevisionConflict, StoreFailed.
        """
        ...

    def watch(self, prefix: str, after: int) -> AbstractAsyncContextManager[AsyncIterator[Sequence[StoreEvent]]]:
        """Batches of every committed event under `prefix` with a revision above `after`, in order, none missing.

        An empty batch says that nothing has happened up to the store's current revision (for bookmarks); it comes
        at least once a minute. Raises Compacted on entering, WatcherTooSlow while iterating.
        """
        ...

    def listen(self, prefix: str, listener: Listener) -> None:
        """Call `listener` with every committed event under `prefix`, before the writer is told that it was made."""
        ...

    async def wait_for(self, revision: int) -> None:
        """Return once the store is at `revision` or beyond."""
        ...

    async def compact(self, keep_after: int) -> None:
        """Forget history up to and including revision `keep_after`; the newest state of each key stays."""
        ...

    async def close(self) -> None:
        """Finish the writes that are under way and close the file."""
        ...
