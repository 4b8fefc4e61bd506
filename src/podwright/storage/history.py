"""The committed events that are still kept, in revision order.

It answers what happened after a revision (watch replay) and what was there at one (`list_at`), and forgets the
oldest when there are too many of them. Called by `storage.core` only.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from podwright.storage.interface import Compacted, StoreEvent

MAX_EVENTS = 10_000
MAX_BYTES = 16 * 1024 * 1024


def _weight(event: StoreEvent) -> int:
    return len(event.entry.value if event.entry else event.final or b"")


def _revision(event: StoreEvent) -> int:
    return event.revision


class History:
    """Events above `compacted`; at most MAX_EVENTS of them and MAX_BYTES of values (and a tenth more)."""

    def __init__(self, compacted: int) -> None:
        self.compacted = compacted
        self._events: list[StoreEvent] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: StoreEvent) -> None:
        """Keep an event that is newer than all others."""
        self._events.append(event)
        self._bytes += _weight(event)
        if len(self._events) > MAX_EVENTS + MAX_EVENTS // 10 or self._bytes > MAX_BYTES + MAX_BYTES // 10:
            self._shrink()

    def _shrink(self) -> None:
        """Forget in one go as many of the oldest as are too many, so that a list is cheap to forget from."""
        surplus, size = max(0, len(self._events) - MAX_EVENTS), self._bytes
        for position, event in enumerate(self._events[:-1]):
            if position >= surplus and size <= MAX_BYTES:
                break
            size -= _weight(event)
            surplus = max(surplus, position + 1)
        self.forget(self._events[surplus - 1].revision)

    def forget(self, revision: int) -> None:
        """Forget the events up to and including `revision`."""
        if revision <= self.compacted:
            return
        self.compacted = revision
        end = bisect_right(self._events, revision, key=_revision)
        self._bytes -= sum(map(_weight, self._events[:end]))
        del self._events[:end]

    def after(self, revision: int) -> Sequence[StoreEvent]:
        """The events above `revision`. Raises Compacted when some of them are no longer kept."""
        if revision < self.compacted:
            raise Compacted(f"revision {revision} is older than {self.compacted}, the oldest that is kept")
        return self._events[bisect_right(self._events, revision, key=_revision) :]
