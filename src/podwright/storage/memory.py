"""A store that keeps nothing: the sqlite store's twin for tests and throw-away API servers.

It obeys the same contract (`storage.interface`), except that what it acknowledges does not outlive the process.
"""

from __future__ import annotations

from podwright.storage.core import CoreStore, Prepare
from podwright.storage.interface import StoreEvent


class MemoryStore(CoreStore):
    """Writes are committed the moment they are judged."""

    async def _submit(self, key: str, prepare: Prepare) -> StoreEvent:
        self._require_open()
        event = prepare(self._entries.get(key), self._revision + 1)
        self._publish([event])
        return event
