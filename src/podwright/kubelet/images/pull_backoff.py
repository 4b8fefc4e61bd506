"""How long a failed pull waits before the next attempt. Pure: the time is an argument.

Used by the image manager. Keyed by Pod UID and the image as written: two containers with the same text share an entry,
and a new Pod begins anew. A success does not clear an entry; 600 s without a failure do. A mark that the Pod carries
ends the waiting once it changes: that is how a user asks for the next attempt now.
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
    mark: str


class PullBackOff:
    """All entries; `now` is in seconds, of any clock that does not jump."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def remaining(self, uid: str, image: str, now: float, mark: str = "") -> float:
        """Seconds until the next attempt; 0: now."""
        entry = self._entries.get((uid, image))
        if entry is None or not _counts(entry, now, mark):
            return 0.0
        return max(0.0, entry.failed_at + entry.delay - now)

    def last_error(self, uid: str, image: str) -> str:
        """`reason: message` of the failure that is waited for, "" when none is known."""
        entry = self._entries.get((uid, image))
        return entry.error if entry else ""

    def failed(self, uid: str, image: str, now: float, error: str, mark: str = "") -> float:
        """Note a failed attempt and return the delay until the next, in seconds."""
        before = self._entries.get((uid, image))
        delay = min(before.delay * 2, MAXIMUM) if before is not None and _counts(before, now, mark) else INITIAL
        self._entries[uid, image] = _Entry(now, delay, error, mark)
        self.expire(now)
        return delay

    def expire(self, now: float) -> None:
        """Drop entries that no longer mean anything: of Pods that are gone, too."""
        for key in [key for key, entry in self._entries.items() if now - entry.failed_at > FORGET_AFTER]:
            del self._entries[key]


def _counts(entry: _Entry, now: float, mark: str) -> bool:
    return entry.mark == mark and now - entry.failed_at <= FORGET_AFTER
