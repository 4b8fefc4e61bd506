"""Which owners are to be looked at again when a Pod has changed, and which Pods are an owner's to claim.

Shared by the controllers that keep Pods by a selector, which see here what they have written themselves, too.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from __future__ import annotations

from collections.abc import Callable

from podwright.api.objects import Key, Object, key_of, metadata, namespace_of, uid_of
from podwright.api.resources import PODS, Resource
from podwright.api.selectors import LabelSelector
from podwright.client.informers import UNCONTROLLED, Informers
from podwright.client.own_writes import OwnWrites
from podwright.client.work_queue import WorkQueue
from podwright.controllers.owned import controller_of, is_going

SelectorOf = Callable[[Object], LabelSelector]


class OwnedPods:
    """The Pods of all owners of one kind."""

    def __init__(
        self,
        informers: Informers,
        kind: Resource,
        selector_of: SelectorOf,
        queue: WorkQueue[Key],
    ) -> None:
        self.owners = informers.of(kind)
        self._informer = informers.of(PODS)
        self.pods = OwnWrites(self._informer)
        """What the controller writes is to be noted here."""
        self._kind = kind
        self._selector_of = selector_of
        self._queue = queue

    async def follow(self) -> None:
        """Once both resources are known: from now on queue the owners of what changes."""
        await self.owners.wait_synced()
        await self._informer.wait_synced()
        self.owners.add_handler(self._owner_changed)
        self._informer.add_handler(self._pod_changed)

    def candidates(self, owner: Object, selector: LabelSelector) -> list[Object]:
        """Pods that the owner has, and Pods that nobody has and its selector finds.

        It is looked at again when what it has written and nobody has seen is believed no longer.
        """
        wait = self.pods.unseen_for(uid_of(owner))
        if wait is not None:
            self._queue.add_after(key_of(owner), wait)
        free = self._informer.by_index(UNCONTROLLED, namespace_of(owner))
        found = {uid_of(pod): pod for pod in free if selector.matches(metadata(pod).get("labels"))}
        found |= {uid_of(pod): pod for pod in self.pods.owned_by(uid_of(owner))}
        return list(found.values())

    def owner_of(self, pod: Object) -> Key | None:
        """The key of the owner of this kind that controls a Pod, unless the cache knows that it is another by now."""
        reference = controller_of(pod)
        if reference is None or (reference.get("kind"), reference.get("apiVersion")) != (
            self._kind.kind,
            self._kind.api_version,
        ):
            return None
        key = Key(namespace_of(pod), reference.get("name") or "")
        owner = self.owners.by_key(key)
        return None if owner is None or uid_of(owner) != reference.get("uid") else key

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or is_going(new):
            self._gone(old, new)
            return
        owner = self.owner_of(new)
        if old is not None and _shown(old) == _shown(new):
            return
        if old is not None and (before := self.owner_of(old)) is not None and before != owner:
            self._queue.add(before)
        if owner is not None:
            self._queue.add(owner)
        elif controller_of(new) is None and (old is None or _place(old) != _place(new)):
            self._offer(new)

    def _gone(self, old: Object | None, new: Object | None) -> None:
        pod = old or new or {}
        owner = self.owner_of(pod)
        if owner is not None and (old is None or new is None or _shown(old) != _shown(new)):
            self._queue.add(owner)

    def _offer(self, pod: Object) -> None:
        """Let every owner know whose selector finds a Pod that nobody has."""
        labels = metadata(pod).get("labels")
        if not labels:
            return
        for owner in self.owners.items():
            if namespace_of(owner) == namespace_of(pod) and self._selector_of(owner).matches(labels):
                self._queue.add(key_of(owner))


def _place(pod: Object) -> object:
    """What decides who may claim a Pod."""
    meta = metadata(pod)
    return meta.get("labels"), meta.get("ownerReferences")


def _shown(pod: Object) -> object:
    """Everything of a Pod that controllers count by."""
    status, meta = pod.get("status") or {}, metadata(pod)
    conditions = status.get("conditions") or ()
    ready = next(((c.get("status"), c.get("lastTransitionTime")) for c in conditions if c.get("type") == "Ready"), None)
    node = (pod.get("spec") or {}).get("nodeName")
    return meta.get("uid"), meta.get("deletionTimestamp"), status.get("phase"), ready, node, _place(pod)
