"""What a controller has written itself counts for it at once, even while its informer has not seen it yet.

    created or changed -> as the API answered  -> seen by the informer: the informer's
    deleted            -> not there            -> its end seen by the informer
                       nothing seen for five minutes -> the informer is believed

Without it a controller that has just made a Pod looks again, sees none, and makes another. Reads go through here:
the informer's object, or the one that a write has answered with, whichever is newer. Resource versions of one
resource are compared as numbers, as clients may since Kubernetes 1.35. Used by all controllers that make objects.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from podwright.api.objects import Key, Object, key_of, metadata, resource_version_of, uid_of
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, owner_uids

LONGEST_SECONDS = 300.0
"""After this time the informer is believed: an object that came and went between two lists is never seen there."""


class _Written(NamedTuple):
    at: float
    obj: Object
    gone: bool = False


class OwnWrites:
    """A view of an informer (with the index OWNER) that knows what was written through it."""

    def __init__(self, informer: Informer, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: seconds of a clock that never goes back."""
        self._informer = informer
        self._monotonic = monotonic
        self._ahead: dict[Key, _Written] = {}
        self._latest = 0
        """The newest version that the informer has told of: nothing older is ahead of it."""
        informer.add_handler(self._seen)

    def wrote(self, obj: Object) -> None:
        """Note what a create, update or patch has answered."""
        ahead = self._ahead.get(key_of(obj))
        if _version(obj) > max(self._latest, _version(ahead.obj) if ahead else 0):
            self._ahead[key_of(obj)] = _Written(self._monotonic(), obj)

    def deleted(self, obj: Object, left: Object | None = None) -> None:
        """Note the delete of this very object, and what it has left of it: None when there was nothing to delete."""
        if left is not None and metadata(left).get("deletionTimestamp"):
            self.wrote(left)
            return
        key = key_of(obj)
        ahead = self._ahead.get(key)
        known = self._informer.by_key(key) if ahead is None else ahead.obj
        if known is not None and uid_of(known) == uid_of(obj):
            self._ahead[key] = _Written(self._monotonic(), obj, gone=True)

    def by_key(self, key: Key) -> Object | None:
        """One object as last seen or written."""
        return self._newest(key, self._informer.by_key(key))

    def owned_by(self, uid: str) -> list[Object]:
        """The objects that name this owner, as last seen or written."""
        found = {key_of(obj): obj for obj in self._informer.by_index(OWNER, uid)}
        for key, written in list(self._ahead.items()):
            newest = self._newest(key, self._informer.by_key(key))
            if newest is not None and uid in owner_uids(newest):
                found[key] = newest
            elif key in found and uid_of(found[key]) == uid_of(written.obj):
                del found[key]
        return list(found.values())

    def unseen_for(self, uid: str) -> float | None:
        """Seconds after which the informer is believed about what this owner has; None when it has seen everything."""
        times = [written.at for written in self._ahead.values() if uid in owner_uids(written.obj)]
        return max(0.0, min(times) + LONGEST_SECONDS - self._monotonic()) if times else None

    def _newest(self, key: Key, cached: Object | None) -> Object | None:
        written = self._ahead.get(key)
        if written is None:
            return cached
        if self._monotonic() - written.at > LONGEST_SECONDS:
            del self._ahead[key]
            return cached
        if not written.gone:
            return written.obj
        return None if cached is None or uid_of(cached) == uid_of(written.obj) else cached

    def _seen(self, old: Object | None, new: Object | None) -> None:
        obj = new or old or {}
        self._latest = max(self._latest, _version(obj))
        key = key_of(obj)
        written = self._ahead.get(key)
        if written is None:
            return
        same = uid_of(obj) == uid_of(written.obj)
        if new is None or written.gone:
            # An older object of that name may have gone: ours is yet to come then. What is gone is so until its end.
            over = same if new is None else not same
        else:
            over = _version(new) >= _version(written.obj)
        if over:
            del self._ahead[key]


def _version(obj: Object) -> int:
    return int(resource_version_of(obj) or 0)
