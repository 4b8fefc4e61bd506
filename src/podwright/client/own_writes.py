"""What a controller has written itself counts for it at once, even while its informer has not seen it yet.

Without it a controller that has just made a Pod looks again, sees none, and makes another. Reads go through here:
the informer's object, or the one that a write has answered with, whichever is newer. Resource versions of one
resource are compared as numbers, as clients may since Kubernetes 1.35. Used by controllers that make objects.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from podwright.api.objects import Key, Object, key_of, resource_version_of, uid_of
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, owner_uids

LONGEST_SECONDS = 300.0
"""After this time the informer is believed: an object that came and went between two lists is never seen there."""


class _Written(NamedTuple):
    at: float
    obj: Object


class OwnWrites:
    """A view of an informer (with the index OWNER) that knows what was written through it."""

    def __init__(self, informer: Informer, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds of a clock that never goes back."""
        self._informer = informer
        self._monotonic = monotonic
        self._ahead: dict[Key, _Written] = {}
        informer.add_handler(self._seen)

    def wrote(self, obj: Object) -> None:
        """Note what a create, update or patch has answered, or a delete that left the object there."""
        key, cached = key_of(obj), self._informer.by_key(key_of(obj))
        if cached is None or _version(cached) < _version(obj):
            self._ahead[key] = _Written(self._monotonic(), obj)

    def by_key(self, key: Key) -> Object | None:
        """One object as last seen or written."""
        return self._newest(key, self._informer.by_key(key))

    def owned_by(self, uid: str) -> list[Object]:
        """The objects that name this owner, as last seen or written."""
        found = {key_of(obj): obj for obj in self._informer.by_index(OWNER, uid)}
        for key, written in list(self._ahead.items()):
            if uid in owner_uids(written.obj):
                newest = self._newest(key, self._informer.by_key(key))
                if newest is not None:
                    found[key] = newest
        return list(found.values())

    def _newest(self, key: Key, cached: Object | None) -> Object | None:
        written = self._ahead.get(key)
        if written is None:
            return cached
        if self._monotonic() - written.at > LONGEST_SECONDS:
            del self._ahead[key]
            return cached
        return written.obj

    def _seen(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        written = self._ahead.get(key)
        if written is None:
            return
        if new is None:
            # An older object of that name went; ours may be yet to come.
            if old is not None and uid_of(old) == uid_of(written.obj):
                del self._ahead[key]
        elif _version(new) >= _version(written.obj):
            del self._ahead[key]


def _version(obj: Object) -> int:
    return int(resource_version_of(obj) or 0)
