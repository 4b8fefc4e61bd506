"""Where this node's Pods come from: the API and a folder of manifests, as one ordered stream of updates.

`decide` (pure) tells what a change means; `PodConfig` keeps the newest of every Pod and passes updates on to
`kubelet`. The API side is an informer of the Pods bound to this node; the other is `static_pods`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from podwright.api.objects import Object, metadata, uid_of

API = "api"
FILE = "file"


class Op(enum.Enum):
    """What has become of a Pod."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    """it is to end gracefully"""
    REMOVE = "REMOVE"
    """its object is gone"""
    RECONCILE = "RECONCILE"
    """nothing but its status is different"""


@dataclass(frozen=True, slots=True)
class PodUpdate:
    """One change of one Pod."""

    op: Op
    pod: Object
    source: str


def decide(old: Object | None, new: Object) -> Op | None:
    """What it means that a source has `new` where it had `old`; None: nothing new."""
    if old is None:
        return Op.ADD
    before, after = metadata(old), metadata(new)
    ending = [(m.get("deletionTimestamp"), m.get("deletionGracePeriodSeconds")) for m in (before, after)]
    if ending[0] != ending[1] and after.get("deletionTimestamp"):
        return Op.DELETE
    if old.get("spec") != new.get("spec") or any(before.get(f) != after.get(f) for f in ("labels", "annotations")):
        return Op.UPDATE
    if old.get("status") != new.get("status") or before.get("resourceVersion") != after.get("resourceVersion"):
        return Op.RECONCILE
    return None


class PodConfig:
    """The Pods of all sources; tells `on_update` of each change, in order."""

    def __init__(self, sources: Collection[str], on_update: Callable[[PodUpdate], None]) -> None:
        self._awaited = set(sources)
        self._all_said = asyncio.Event()
        self._on_update = on_update
        self._pods: dict[str, dict[str, Object]] = {source: {} for source in sources}

    @property
    def complete(self) -> bool:
        """Whether every source has said what it has, so that what is not there is known to be gone."""
        return not self._awaited

    async def wait_complete(self) -> None:
        """Return once it is so."""
        await self._all_said.wait()

    def offer(self, source: str, pod: Object) -> None:
        """The source has this Pod, like this."""
        uid = uid_of(pod)
        op = decide(self._pods[source].get(uid), pod)
        self._pods[source][uid] = pod
        if op is not None:
            self._on_update(PodUpdate(op, pod, source))

    def withdraw(self, source: str, final: Object) -> None:
        """The source has the Pod no longer; `final` is how it was last."""
        if self._pods[source].pop(uid_of(final), None) is not None:
            self._on_update(PodUpdate(Op.REMOVE, final, source))

    def replace(self, source: str, pods: Iterable[Object]) -> None:
        """The source has exactly these Pods; what goes is told before what comes, so that names are free."""
        present = {uid_of(pod): pod for pod in pods}
        for uid in self._pods[source].keys() - present.keys():
            self.withdraw(source, self._pods[source][uid])
        for pod in present.values():
            self.offer(source, pod)
        self.said_all(source)

    def said_all(self, source: str) -> None:
        """The source has named everything it has."""
        self._awaited.discard(source)
        if not self._awaited:
            self._all_said.set()

    def follow_api(self, old: Object | None, new: Object | None) -> None:
        """A handler for the informer of this node's Pods."""
        if new is not None:
            self.offer(API, new)
        elif old is not None:
            self.withdraw(API, old)
