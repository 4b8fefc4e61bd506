"""What a controller has asked for and not yet seen: until then its cache is too old to decide by.

    create asked -> expected -> seen in the cache (or refused) -> satisfied
    delete asked -> expected by uid -> seen going or gone      -> satisfied
                                    -> nothing seen for five minutes -> forgotten

Without it a controller whose cache is a moment late would create a second set of Pods. Times are seconds of a clock
that never goes back, given by the caller. Used by the controllers that create Pods with generated names.
Source: pkg/controller/controller_utils.go (ControllerExpectations).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

EXPIRY_SECONDS = 300.0

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations(Generic[K]):
    """The expectations of one controller, by the key of the object it works for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._expected: dict[K, _Expected] = {}

    def expect(self, key: K, *, creations: int = 0, deletions: Iterable[str] = ()) -> None:
        """From now on so many creations, and the deletion of objects with these uids, are waited for."""
        self._expected[key] = _Expected(self._clock(), creations, set(deletions))

    def created(self, key: K, number: int = 1) -> None:
        """So many creations were seen, or will not come."""
        if (expected := self._expected.get(key)) is not None:
            expected.creations -= number

    def deleted(self, key: K, uid: str) -> None:
        """A deletion was seen, or will not come."""
        if (expected := self._expected.get(key)) is not None:
            expected.deletions.discard(uid)

    def waits(self, key: K) -> float:
        """0 when everything was seen; else the seconds after which it is no longer waited for."""
        expected = self._expected.get(key)
        if expected is None or (expected.creations <= 0 and not expected.deletions):
            return 0.0
        return max(0.0, expected.since + EXPIRY_SECONDS - self._clock())

    def forget(self, key: K) -> None:
        """The object is gone."""
        self._expected.pop(key, None)
