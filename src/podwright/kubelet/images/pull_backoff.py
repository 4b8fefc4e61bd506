"""How long a failed pull waits before the next attempt. Pure: the time is an argument.

Used by the image manager. Keyed by Pod UID and the image as written: two containers with the same text share an entry,
and a new Pod begins anew. A success does not clear an entry; 600 s without a failure do.
Page: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INITIAL: Final = 10.0
MAXIMUM: Final = 300.0
FORGET_AFTER: Final = 2 * MAXIMUM


@dataclass(frozen=True, slots=True)
class _Entry:
    failed_at: float
    delay: float
    error: str


class PullBackOff:
    """All entries; `now` is in seconds, of any clock that does not jump."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def remaining(self, uid: str, image: str, now: float) -> float:
        """Seconds until the next attempt; 0: now."""
        entry = self._entries.get((uid, image))
        if entry is None or now - entry.failed_at > FORGET_AFTER:
            return 0.0
        return max(0.0, entry.failed_at + entry.delay - now)

    def last_error(self, uid: str, image: str) -> str:
        """`reason: message` of the failure that is waited for, "" when none is known."""
        entry = self._entries.get((uid, image))
        return entry.error if entry else ""

    def failed(self, uid: str, image: str, now: float, error: str) -> float:
        """Note a failed attempt and return the delay until the next, in seconds."""
        before = self._entries.get((uid, image))
        fresh = before is None or now - before.failed_at > FORGET_AFTER
        delay = INITIAL if before is None or fresh else min(before.delay * 2, MAXIMUM)
        self._entries[uid, image] = _Entry(now, delay, error)
        return delay

    def forget(self, uid: str) -> None:
        """The Pod is gone, or its user wants the next attempt now."""
        for key in [key for key in self._entries if key[0] == uid]:
            del self._entries[key]

    def expire(self, now: float) -> None:
        """Drop entries that no longer mean anything."""
        for key in [key for key, entry in self._entries.items() if now - entry.failed_at > FORGET_AFTER]:
            del self._entries[key]
