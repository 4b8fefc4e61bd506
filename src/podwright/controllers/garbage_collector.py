"""Objects whose owners are gone are deleted; owners that wait for their dependents wait for them here.

    an owner is gone                          -> its dependents that have no other owner are deleted
    an owner has finalizer foregroundDeletion -> its dependents are deleted first, then the finalizer goes
    an owner has finalizer orphan             -> its dependents forget it, then the finalizer goes

Nothing is deleted on the word of a cache: that an owner is gone is asked of the API. Run by `manager`.
Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, key_of, metadata, resource_version_of, uid_of
from podwright.api.resources import Resource
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, Informers
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.client.work_queue import WorkQueue

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Item(NamedTuple):
    """One object of one resource."""

    resource: Resource
    key: Key


class GarbageCollector:
    """Follows the given resources; owners of any other kind are never taken to be gone."""

    def __init__(self, client: Client, informers: Informers, resources: Sequence[Resource]) -> None:
        self._client = client
        self._informers: dict[Resource, Informer] = {r: informers.of(r) for r in resources}
        self._by_kind = {(r.api_version, r.kind): r for r in resources}
        self._queue: WorkQueue[Item] = WorkQueue()
        self._uids: dict[str, Item] = {}

    async def run(self) -> None:
        """Collect until cancelled."""
        for informer in self._informers.values():
            await informer.wait_synced()
        for resource, informer in self._informers.items():
            informer.add_handler(partial(self._changed, resource))
        await self._queue.run(self._attend, workers=8)

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        obj = new or old or {}
        item, uid = Item(resource, key_of(obj)), uid_of(obj)
        if new is None:
            self._uids.pop(uid, None)
        else:
            self._uids[uid] = item
            if _waits(new) or metadata(new).get("ownerReferences"):
                self._queue.add(item)
        if new is None or _waits(new):
            for dependent, _ in self._dependents(uid):
                self._queue.add(dependent)
        # It may have been the last dependent that an owner waits for.
        held_up = _blocked_by(old) - _blocked_by(new)
        for owner_uid in held_up:
            if (owner := self._uids.get(owner_uid)) is not None:
                self._queue.add(owner)

    def _dependents(self, uid: str) -> Iterator[tuple[Item, Object]]:
        for resource, informer in self._informers.items():
            for obj in list(informer.by_index(OWNER, uid)):
                yield Item(resource, key_of(obj)), obj

    async def _attend(self, item: Item) -> None:
        obj = self._informers[item.resource].by_key(item.key)
        if obj is None:
            return
        try:
            if _waits(obj):
                await self._release(item, obj)
            elif metadata(obj).get("ownerReferences") and not metadata(obj).get("deletionTimestamp"):
                await self._judge(item, obj)
        except NotFound:
            # Somebody else was quicker; that was the wish.
            return

    # owners that wait

    async def _release(self, item: Item, owner: Object) -> None:
        uid, finalizers = uid_of(owner), metadata(owner).get("finalizers") or []
        dependents = list(self._dependents(uid))
        if ORPHAN in finalizers:
            for dependent, obj in dependents:
                await self._forget_owners(dependent, obj, {uid})
            await self._patch(item, owner, {"finalizers": [f for f in finalizers if f != ORPHAN]})
        elif not any(uid in _blocked_by(obj) for _, obj in dependents):
            await self._patch(item, owner, {"finalizers": [f for f in finalizers if f != FOREGROUND]})
        elif self._waits_for_itself(owner):
            await self._unblock(item, owner)

    def _waits_for_itself(self, obj: Object) -> bool:
        """Whether the owners that wait for an object lead back to it."""
        wanted, seen, ahead = uid_of(obj), set[str](), list(_blocked_by(obj))
        while ahead:
            uid = ahead.pop()
            if uid == wanted:
                return True
            owner = self._cached(uid)
            if uid not in seen and owner is not None and FOREGROUND in _pending_finalizers(owner):
                ahead += _blocked_by(owner)
            seen.add(uid)
        return False

    # dependents

    async def _judge(self, item: Item, obj: Object) -> None:
        solid = 0
        waiting: set[str] = set()
        gone: set[str] = set()
        for reference in metadata(obj)["ownerReferences"]:
            uid = reference.get("uid") or ""
            owner = self._cached(uid)
            if owner is not None and FOREGROUND in _pending_finalizers(owner):
                waiting.add(uid)
            elif owner is None and await self._is_gone(reference, item):
                gone.add(uid)
            else:
                solid += 1
        if solid:
            # It stays, for the sake of those owners that stay.
            if gone or waiting:
                await self._forget_owners(item, obj, gone | waiting)
        elif waiting or gone:
            dependents = [dependent for _, dependent in self._dependents(uid_of(obj))]
            if waiting and any(map(_waits, dependents)):
                # Owners in a circle would wait for each other for ever.
                obj = await self._unblock(item, obj)
            options = DeleteOptions(
                uid=uid_of(obj),
                resource_version=resource_version_of(obj),
                propagation_policy=_policy_for(obj, waited_for=bool(waiting), has_dependents=bool(dependents)),
            )
            await self._client.delete(item.resource, item.key.name, item.key.namespace, options)

    async def _unblock(self, item: Item, obj: Object) -> Object:
        """Have the object hold up none of its owners; the object as it is then."""
        references = metadata(obj)["ownerReferences"]
        if not any(reference.get("blockOwnerDeletion") for reference in references):
            return obj
        unblocked = [{**reference, "blockOwnerDeletion": False} for reference in references]
        return await self._patch(item, obj, {"ownerReferences": unblocked})

    def _cached(self, uid: str) -> Object | None:
        owner = self._uids.get(uid)
        return self._informers[owner.resource].by_key(owner.key) if owner else None

    async def _is_gone(self, reference: Mapping[str, Any], dependent: Item) -> bool:
        resource = self._by_kind.get((reference.get("apiVersion") or "", reference.get("kind") or ""))
        if resource is None or (resource.namespaced and not dependent.key.namespace):
            # A kind that nobody here knows, or an owner in no namespace where it would have to have one.
            return False
        namespace = dependent.key.namespace if resource.namespaced else ""
        try:
            found = await self._client.get(resource, reference.get("name") or "", namespace)
        except NotFound:
            return True
        return uid_of(found) != reference.get("uid")

    async def _forget_owners(self, item: Item, obj: Object, uids: set[str]) -> None:
        kept = [r for r in metadata(obj).get("ownerReferences") or () if r.get("uid") not in uids]
        try:
            await self._patch(item, obj, {"ownerReferences": kept or None})
        except NotFound:
            return

    async def _patch(self, item: Item, obj: Object, change: dict[str, Any]) -> Object:
        # With its revision, so that what others have changed meanwhile is read before anything is decided.
        meta = {"uid": uid_of(obj), "resourceVersion": resource_version_of(obj), **change}
        return await self._client.patch(
            item.resource, item.key.name, {"metadata": meta}, item.key.namespace, patch_type=PatchType.MERGE
        )


def _policy_for(obj: Object, *, waited_for: bool, has_dependents: bool) -> str:
    """How a dependent is deleted: as its own finalizers ask for, and so that who waits for it waits for all of it."""
    finalizers = metadata(obj).get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers or (waited_for and has_dependents) else "Background"


def _pending_finalizers(obj: Object) -> Sequence[str]:
    meta = metadata(obj)
    return (meta.get("finalizers") or ()) if meta.get("deletionTimestamp") else ()


def _waits(obj: Object) -> bool:
    """Whether it is being deleted and waits for what becomes of its dependents."""
    finalizers = _pending_finalizers(obj)
    return FOREGROUND in finalizers or ORPHAN in finalizers


def _blocked_by(dependent: Object | None) -> set[str]:
    """The uids of owners that wait for this dependent when they are deleted in the foreground."""
    references = metadata(dependent or {}).get("ownerReferences") or ()
    return {reference.get("uid") or "" for reference in references if reference.get("blockOwnerDeletion")}
