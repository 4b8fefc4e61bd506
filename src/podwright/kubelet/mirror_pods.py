"""Mirror Pods: how static Pods show in the API, where they can be seen but not changed.

`decide` (pure) tells what a static Pod and its mirror call for; `MirrorPods` does it, again and again until it is so.
Called by `kubelet` with what the manifest folder and the API have.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from podwright.api.errors import AlreadyExists, Conflict, NotFound
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, uid_of
from podwright.api.pods import MIRROR_ANNOTATION
from podwright.api.resources import PODS
from podwright.client.backoff import Backoff
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.kubelet.static_pods import HASH_ANNOTATION

_BACKOFF = Backoff(base=0.2, cap=10.0)


class Action(enum.Enum):
    """What is to be done in the API."""

    NONE = "none"
    CREATE = "create"
    DELETE = "delete"


def decide(static: Object | None, mirror: Object | None, *, ending: bool = False) -> Action:
    """What to do, given the static Pod of a name and the mirror of that name.

    `ending`: containers of a Pod of that name, whose manifest has gone or changed, are still being stopped. Until they
    have ended the mirror shows them.
    """
    if ending:
        return Action.NONE
    if mirror is None:
        return Action.CREATE if static is not None else Action.NONE
    if static is None or metadata(mirror).get("deletionTimestamp"):
        return Action.DELETE
    stale = metadata(mirror)["annotations"].get(MIRROR_ANNOTATION) != metadata(static)["annotations"][HASH_ANNOTATION]
    return Action.DELETE if stale else Action.NONE


def mirror_of(static: Object, node_name: str, node_uid: str) -> Object:
    """The object that shows `static` in the API."""
    mirror = {"apiVersion": "v1", "kind": "Pod", **copy_object(static)}
    mirror.pop("status", None)
    meta = mirror["metadata"]
    meta.pop("uid", None)
    meta["annotations"][MIRROR_ANNOTATION] = meta["annotations"][HASH_ANNOTATION]
    meta["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": node_uid, "controller": True}
    ]
    return mirror


class MirrorPods:
    """Keeps one mirror for each static Pod."""

    def __init__(
        self, client: Client, node_name: str, node_uid: Callable[[], str], is_ending: Callable[[Key], bool]
    ) -> None:
        """`node_uid`: the UID of the Node object, "" as long as it is not registered; `is_ending` as of `decide`."""
        self._client = client
        self._node_name = node_name
        self._node_uid = node_uid
        self._is_ending = is_ending
        self._static: dict[Key, Object] = {}
        self._mirrors: dict[Key, Object] = {}
        self._queue: WorkQueue[Key] = WorkQueue(_BACKOFF)

    async def run(self) -> None:
        """Create and delete mirrors until cancelled."""
        await self._queue.run(self._reconcile)

    def static_changed(self, pod: Object, *, gone: bool) -> None:
        """A manifest came, changed or went."""
        key = key_of(pod)
        if not gone:
            self._static[key] = pod
        elif key in self._static and uid_of(self._static[key]) == uid_of(pod):
            del self._static[key]
        self._queue.add(key)

    def ended(self, key: Key) -> None:
        """Nothing of an old static Pod of that name is left."""
        self._queue.add(key)

    def mirror_changed(self, mirror: Object, *, gone: bool) -> str | None:
        """A mirror came, changed or went in the API; returns the UID of the static Pod that it shows, if any."""
        key = key_of(mirror)
        if gone:
            self._mirrors.pop(key, None)
        else:
            self._mirrors[key] = mirror
        static = self._static.get(key)
        if decide(static, self._mirrors.get(key)) is not Action.NONE:
            self._queue.add(key)
            return None
        return uid_of(static) if static is not None else None

    def current(self, static: Object) -> Object | None:
        """The mirror of a static Pod, if it is there and current."""
        mirror = self._mirrors.get(key_of(static))
        return mirror if mirror is not None and decide(static, mirror) is Action.NONE else None

    async def _reconcile(self, key: Key) -> None:
        static, mirror = self._static.get(key), self._mirrors.get(key)
        match decide(static, mirror, ending=self._is_ending(key)):
            case Action.DELETE if mirror is not None:
                try:
                    await self._client.delete(
                        PODS, key.name, key.namespace, DeleteOptions(grace_period_seconds=0, uid=uid_of(mirror))
                    )
                except (NotFound, Conflict):
                    # Already gone or already another one: the informer will tell.
                    return
            case Action.CREATE if static is not None:
                if not self._node_uid():
                    self._queue.add_rate_limited(key)
                    return
                try:
                    made = mirror_of(static, self._node_name, self._node_uid())
                    await self._client.create(PODS, made, key.namespace)
                except AlreadyExists:
                    # Left by an earlier kubelet; the informer will show it, and then it is judged.
                    return
