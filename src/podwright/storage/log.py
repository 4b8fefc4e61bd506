"""The log on disk: one append-only SQLite table, a row a revision.

    revision  the row's id, and the object's resourceVersion
    key, previous   UNIQUE together: two writers cannot both replace the same revision
    created   the revision that created the key
    deleted   1 for a deletion, whose value is the object's last state
    value     the object as JSON

Called by `storage.sqlite` (opening) and by its writer thread; nothing here knows the event loop.
Source: https://www.sqlite.org/wal.html and https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from podwright.storage.interface import Entry, StoreEvent, StoreFailed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
  revision INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  previous INTEGER NOT NULL,
  created INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (key, previous)
);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO mark VALUES ('compacted', 0);
"""

_SUPERSEDED = """
DELETE FROM log WHERE revision IN (
  SELECT revision FROM log AS old WHERE old.revision > ? AND old.revision <= ? AND (
    old.deleted OR EXISTS (
      SELECT 1 FROM log AS new WHERE new.key = old.key AND new.previous = old.revision AND new.revision <= ?
    )
  ) ORDER BY revision LIMIT ?
) RETURNING revision
"""

MOST_ROWS = 64
"""Rows that one statement writes."""

COMPACT_ROWS = 500
"""Rows that one step of a compaction removes, so that writes in between wait a few milliseconds at most."""


class Log:
    """The open file. One thread at a time; another process is kept out by SQLite's lock."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, readable by its owner only. Raises StoreFailed."""
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        except (OSError, sqlite3.Error) as error:
            raise StoreFailed(f"{path}: {error}") from error
        try:
            # The lock must be asked for before WAL is, so that no shared memory file is needed.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA cache_size=-1024")
            self._db.execute("PRAGMA journal_size_limit=8388608")
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        except sqlite3.Error as error:
            self._db.close()
            busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            raise StoreFailed(f"{path}: {'in use by another process' if busy else error}") from error

    @property
    def compacted(self) -> int:
        """The revision up to which history was forgotten. Raises StoreFailed."""
        try:
            (revision,) = self._db.execute("SELECT revision FROM mark WHERE name = 'compacted'").fetchone()
        except sqlite3.Error as error:
            raise StoreFailed(f"{self._path}: {error}") from error
        return int(revision)

    def events(self) -> Iterator[StoreEvent]:
        """Every row that is kept, oldest first, as an event whose `previous` is left out. Raises StoreFailed."""
        try:
            rows = self._db.execute("SELECT revision, key, created, deleted, value FROM log ORDER BY revision")
            for revision, key, created, deleted, value in rows:
                if deleted:
                    yield StoreEvent(revision, key, None, None, value)
                else:
                    yield StoreEvent(revision, key, Entry(key, value, revision, created), None)
        except sqlite3.Error as error:
            raise StoreFailed(f"{self._path}: {error}") from error

    def append(self, group: Sequence[tuple[StoreEvent, int]]) -> None:
        """Make events durable, all or none; with each goes the revision of its key's last row (0: there is none).

        Raises StoreFailed: nothing was written.
        """
        try:
            # One statement is a transaction of its own. Each further one would ask for the interpreter's lock again,
            # which the event loop holds while it serves.
            if len(group) <= MOST_ROWS:
                self._insert(group)
            else:
                self._db.execute("BEGIN IMMEDIATE")
                for start in range(0, len(group), MOST_ROWS):
                    self._insert(group[start : start + MOST_ROWS])
                self._db.execute("COMMIT")
        # ValueError and OverflowError are what Python cannot hand to SQLite at all (a lone surrogate in a key).
        except (sqlite3.Error, ValueError, OverflowError) as error:
            self._roll_back()
            raise StoreFailed(f"{self._path}: {error}") from error

    def _insert(self, group: Sequence[tuple[StoreEvent, int]]) -> None:
        rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(group))
        self._db.execute(
            f"INSERT INTO log VALUES {rows}",
            [value for event, last in group for value in _row(event, last)],
        )

    def mark_compacted(self, revision: int) -> None:
        """History up to `revision` is forgotten, whether or not its rows are gone yet. Raises StoreFailed."""
        try:
            self._db.execute("UPDATE mark SET revision = ? WHERE name = 'compacted'", (revision,))
        except sqlite3.Error as error:
            raise StoreFailed(f"{self._path}: {error}") from error

    def remove_superseded(self, after: int, up_to: int) -> int | None:
        """Remove some rows that history up to `up_to` no longer needs, beginning after revision `after`.

        The last revision removed, from where to go on; None when there is nothing left to remove.
        Raises StoreFailed.
        """
        try:
            removed = self._db.execute(_SUPERSEDED, (after, up_to, up_to, COMPACT_ROWS)).fetchall()
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreFailed(f"{self._path}: {error}") from error
        return max(row[0] for row in removed) if removed else None

    def close(self) -> None:
        """Close the file; what was appended is in it."""
        self._db.close()

    def _roll_back(self) -> None:
        # SQLite ends the transaction itself after some errors (a full disk) and leaves it open after others.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _row(event: StoreEvent, last: int) -> tuple[int, str, int, int, int, bytes]:
    if event.entry is None:
        created = event.previous.create_revision if event.previous else 0
        return event.revision, event.key, last, created, 1, event.final or b""
    return event.revision, event.key, last, event.entry.create_revision, 0, event.entry.value
