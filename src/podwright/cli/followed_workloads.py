"""The workloads of the files that `podwright run` applied, with their ReplicaSets and Pods, as the API tells them.

What all of it means is decided by `workloads`; called by `following`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from podwright.api.objects import Key, Object, key_of, metadata, namespace_of, uid_of
from podwright.api.resources import DEPLOYMENTS, REPLICA_SETS, Resource
from podwright.cli.followed import FollowedPod, FollowedWorkload
from podwright.cli.workloads import FOLLOWED, Seen
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, owner_uids

if TYPE_CHECKING:
    from podwright.client.http import HttpClient


class Workloads:
    """Those of `wanted` that are waited for; `pods` and `events` are shared with who follows those."""

    def __init__(
        self,
        client: HttpClient,
        wanted: Collection[tuple[Resource, Key]],
        pods: Sequence[Informer],
        events: Sequence[Informer],
        changed: Callable[[], None],
    ) -> None:
        self.wanted = [key for resource, key in wanted if resource in FOLLOWED]
        self.followed: dict[str, FollowedWorkload] = {}
        """by uid, in the order in which they were applied"""
        self._pods = pods
        self._events = events
        self._changed = changed
        followed = {(resource, key.namespace) for resource, key in wanted if resource in FOLLOWED}
        followed |= {(REPLICA_SETS, namespace) for resource, namespace in followed if resource == DEPLOYMENTS}
        self._informers = {
            (resource, namespace): Informer(client, resource, namespace, indexers={OWNER: owner_uids})
            for resource, namespace in sorted(followed, key=lambda one: (one[0].plural, one[1]))
        }

    def informers(self) -> Iterable[Informer]:
        """Beside those of Pods and events; for the caller to run."""
        for informer in self._informers.values():
            informer.add_handler(self._seen)
        return self._informers.values()

    def applied(self, resource: Resource, obj: Object, now: float) -> None:
        """This one is to be followed, as it is now."""
        known = self._informers[resource, namespace_of(obj)].by_key(key_of(obj))
        newest = known if known is not None and uid_of(known) == uid_of(obj) else obj
        title = f"{resource.kind.lower()}/{key_of(obj).name}"
        self.followed[uid_of(obj)] = FollowedWorkload.of(title, self._gather(resource, newest), now)
        self._changed()

    def look(self, now: float) -> None:
        """Judge all of them anew."""
        for one in self.followed.values():
            one.look(self._gather(one.seen.resource, one.seen.object), now)

    def pods(self) -> Iterable[FollowedPod]:
        """The Pods of all that are there."""
        return [pod for one in self.followed.values() for pod in one.pods.values()]

    def has(self, uid: str) -> bool:
        """Whether an object is a Pod or a ReplicaSet of one of them."""
        return any(
            uid in one.pods or any(uid_of(each) == uid for each in one.seen.sets) for one in self.followed.values()
        )

    def _gather(self, resource: Resource, workload: Object) -> Seen:
        namespace, uid = namespace_of(workload), uid_of(workload)
        sets: list[Object] = []
        if resource == DEPLOYMENTS:
            sets = list(self._informers[REPLICA_SETS, namespace].by_index(OWNER, uid))
        owners = [uid, *map(uid_of, sets)]
        pods = [pod for informer in self._pods for owner in owners for pod in informer.by_index(OWNER, owner)]
        pods.sort(key=lambda pod: (metadata(pod).get("creationTimestamp") or "", key_of(pod)))
        events = [
            event
            for informer in self._events
            for event in informer.items()
            if (event.get("involvedObject") or {}).get("uid") in owners
        ]
        return Seen(resource, workload, pods, sets, events)

    def _seen(self, old: Object | None, new: Object | None) -> None:
        newest = new or old or {}
        followed = self.followed.get(uid_of(newest))
        if followed is not None:
            seen = followed.seen
            followed.seen = Seen(seen.resource, newest, seen.pods, seen.sets, seen.events)
            followed.gone = new is None
        self._changed()
