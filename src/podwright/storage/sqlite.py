"""The durable store: SQLite, one writer thread, group commit.

The event loop judges a write against the newest state *including what is still on its way to the disk*, gives it a
revision and queues it; the writer thread commits whatever is queued in one transaction; then the event loop makes the
group visible. So reads and watches never see what could still be lost, and no read waits for the disk.

A refusal that rests on a write still under way waits for that write first: had it failed, the refusal were wrong.

Called by `app.py`, which opens it; the API server uses it as `storage.interface.Store`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from podwright.storage.core import CoreStore, Prepare
from podwright.storage.history import MAX_EVENTS
from podwright.storage.interface import StoreError, StoreEvent
from podwright.storage.log import Log
from podwright.storage.writer import Write, Writer


class SqliteStore(CoreStore):
    """A store in one file (and its write-ahead log beside it). Made by `open`."""

    def __init__(self, log: Log) -> None:
        """Read everything back; takes long enough to belong in a thread. Raises StoreFailed."""
        compacted = log.compacted
        super().__init__(revision=max(1, compacted), compacted=compacted)
        self._log = log
        self._tombstones: dict[str, int] = {}
        rows = 0
        for event in log.events():
            rows += 1
            self._restore(event)
            self._note_tombstone(event)
            self._revision = max(self._revision, event.revision)
        self._restored()
        self._superseded = rows - len(self._entries)
        self._next = self._revision + 1
        self._pending: dict[str, Write] = {}
        self._writer: Writer | None = None

    @classmethod
    async def open(cls, path: Path) -> SqliteStore:
        """Open the store in the file `path`, or make it. Raises StoreFailed (also when another process has it)."""
        store = await asyncio.to_thread(cls._load, path)
        store._writer = Writer(store._log, store._settled, store._note_compacted)
        return store

    @classmethod
    def _load(cls, path: Path) -> SqliteStore:
        log = Log(path)
        try:
            return cls(log)
        except BaseException:
            log.close()
            raise

    async def _submit(self, key: str, prepare: Prepare) -> StoreEvent:
        while True:
            self._require_open()
            below = self._pending.get(key)
            newest = below.event.entry if below else self._entries.get(key)
            try:
                event = prepare(newest, self._next)
            except StoreError:
                if below is None:
                    raise
                await below.ended()
            else:
                return await self._queue(event, below)

    async def _queue(self, event: StoreEvent, below: Write | None) -> StoreEvent:
        self._next = event.revision + 1
        if below is not None:
            last = below.event.revision
        elif event.previous is not None:
            last = event.previous.revision
        else:
            last = self._tombstones.get(event.key, 0)
        done: asyncio.Future[StoreEvent] = asyncio.get_running_loop().create_future()
        write = Write(event, last, below, done)
        self._pending[event.key] = write
        assert self._writer is not None  # `open` made it
        self._writer.put(write)
        return await done

    def _settled(self, group: Sequence[Write]) -> None:
        """Runs in the event loop once a group is on disk, or failed."""
        committed = [write.event for write in group if write.failure is None]
        for event in committed:
            self._note_tombstone(event)
            self._superseded += event.previous is not None
        if committed:
            self._publish(committed)
            self._bound_file()
        for write in group:
            if self._pending.get(write.event.key) is write:
                del self._pending[write.event.key]
            write.settle()

    def _note_tombstone(self, event: StoreEvent) -> None:
        if event.entry is None:
            self._tombstones[event.key] = event.revision
        elif event.previous is None:
            self._tombstones.pop(event.key, None)

    def _bound_file(self) -> None:
        """Let the file not grow beyond twice the history that memory keeps."""
        if self._superseded > 2 * MAX_EVENTS and self._writer is not None:
            self._superseded = 0
            self._writer.start_compaction(max(self.compacted, self._revision - MAX_EVENTS))

    def _note_compacted(self, up_to: int) -> None:
        # Only now is it certain that the key's first row is gone, and that a new one may follow "no row" again.
        self._tombstones = {key: at for key, at in self._tombstones.items() if at > up_to}

    async def compact(self, keep_after: int) -> None:
        """See `interface.Store.compact`; returns once the rows are gone from the file. Raises StoreFailed."""
        await super().compact(keep_after)
        assert self._writer is not None  # `open` made it
        await self._writer.start_compaction(self.compacted)

    async def close(self) -> None:
        """Finish the writes that are under way and close the file."""
        await super().close()
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
