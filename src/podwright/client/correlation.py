"""Which events are written, which only counted up, and which are too many. Decisions only: no I/O, no clock.

The rules are client-go's: the same event again raises its count; from the tenth different message on that one object
gives for one reason within ten minutes, they are folded into one event; and an object may cause 25 events at once and
then one every five minutes. Called by `client.events`.
Source: k8s.io/client-go tools/record/events_cache.go
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

COMBINED = "(combined from similar events): "
SIMILAR_EVENTS = 10
SIMILAR_SECONDS = 600.0
SPAM_BURST = 25
SPAM_REFILL_SECONDS = 300.0
REMEMBERED = 4096

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to an object."""

    object_key: tuple[str, ...]
    """apiVersion, kind, namespace, name, uid and field path of the object."""
    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to write: the event `name`, new or with a raised count."""

    name: str
    message: str
    count: int
    first_seen: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


@dataclass(slots=True)
class _Similar:
    seen: float
    messages: set[str] = field(default_factory=set)


class _Recent(Generic[V]):
    """A mapping that forgets what was not used for longest."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > REMEMBERED:
            self._values.popitem(last=False)


class Correlator:
    """Remembers the last few thousand objects and events of one source."""

    def __init__(self) -> None:
        self._buckets: _Recent[_Bucket] = _Recent()
        self._similar: _Recent[_Similar] = _Recent()
        self._written: _Recent[Verdict] = _Recent()

    def judge(self, what: Occurrence, now: float, new_name: Callable[[], str]) -> Verdict | None:
        """What to write of an occurrence at `now` (seconds, any origin); None when it is one too many."""
        # The field path is no part of the object that the spam filter looks at.
        if not self._affordable(what.object_key[:-1], now):
            return None
        kind = (what.object_key, what.type, what.reason)
        folded = self._is_folded(kind, what.message, now)
        message = COMBINED + what.message if folded else what.message
        key: Hashable = kind if folded else (*kind, what.message)
        known = self._written.get(key)
        verdict = (
            Verdict(new_name(), message, 1, now)
            if known is None
            else Verdict(known.name, message, known.count + 1, known.first_seen)
        )
        self._written.put(key, verdict)
        return verdict

    def _affordable(self, key: Hashable, now: float) -> bool:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = _Bucket(SPAM_BURST, now)
            self._buckets.put(key, bucket)
        bucket.tokens = min(SPAM_BURST, bucket.tokens + (now - bucket.filled) / SPAM_REFILL_SECONDS)
        bucket.filled = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _is_folded(self, kind: Hashable, message: str, now: float) -> bool:
        similar = self._similar.get(kind)
        if similar is None or now - similar.seen > SIMILAR_SECONDS:
            similar = _Similar(now)
            self._similar.put(kind, similar)
        similar.seen = now
        similar.messages.add(message)
        if len(similar.messages) < SIMILAR_EVENTS:
            return False
        similar.messages.pop()
        return True
