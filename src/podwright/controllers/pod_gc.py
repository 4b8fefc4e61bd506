"""Pods that nobody will ever clean up are removed: of nodes that are gone, never started ones, too many ended ones.

A node must be gone for 40 seconds before its Pods go, since it may only be registering anew. Run by `manager`.
Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Key, Object, key_of, metadata, name_of, rfc3339, uid_of
from podwright.api.reasons import Phase
from podwright.api.resources import NODES, PODS
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.client.work_queue import WorkQueue

QUARANTINE_SECONDS = 40.0
TERMINATED_POD_THRESHOLD = 12500
_ENDED = {Phase.SUCCEEDED, Phase.FAILED}


class PodGarbage:
    """Removes Pods; keeps at most `terminated_pod_threshold` ended ones (0: all)."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Callable[[], datetime.datetime],
        terminated_pod_threshold: int = TERMINATED_POD_THRESHOLD,
    ) -> None:
        self._client = client
        self._pods = informers.of(PODS)
        self._nodes = informers.of(NODES)
        self._clock = clock
        self._threshold = terminated_pod_threshold
        self._ended: set[Key] = set()
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Remove what is to be removed until cancelled."""
        await self._nodes.wait_synced()
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)
        await self._queue.run(self._remove, workers=4)

    def _node_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is None:
            for pod in self._pods.items():
                self._consider(pod)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        if new is not None and (new.get("status") or {}).get("phase") in _ENDED:
            self._ended.add(key)
            self._bound_ended()
        else:
            self._ended.discard(key)
        if new is not None:
            self._consider(new)

    def _consider(self, pod: Object) -> None:
        if self._is_orphan(pod):
            self._queue.add_after(key_of(pod), QUARANTINE_SECONDS)
        elif _never_started(pod):
            self._queue.add(key_of(pod))

    def _is_orphan(self, pod: Object) -> bool:
        node: str = (pod.get("spec") or {}).get("nodeName") or ""
        return bool(node) and self._nodes.get(node) is None

    def _bound_ended(self) -> None:
        surplus = len(self._ended) - self._threshold
        if self._threshold > 0 and surplus > 0:
            for key in sorted(self._ended, key=self._age)[:surplus]:
                self._ended.discard(key)
                self._queue.add(key)

    def _age(self, key: Key) -> tuple[bool, str]:
        """Evicted Pods go first, then the oldest."""
        pod = self._pods.by_key(key) or {}
        return (pod.get("status") or {}).get("reason") != "Evicted", metadata(pod).get("creationTimestamp") or ""

    async def _remove(self, key: Key) -> None:
        pod = self._pods.by_key(key)
        if pod is None:
            return
        ended = (pod.get("status") or {}).get("phase") in _ENDED
        try:
            if self._is_orphan(pod):
                if await self._node_is_there(pod):
                    return
                if not ended:
                    await self._fail(pod, [self._lost_node()])
            elif not ended:
                if not _never_started(pod):
                    return
                if metadata(pod).get("finalizers"):
                    # Who holds it with a finalizer (a Job) may wait for it to end.
                    await self._fail(pod)
            options = DeleteOptions(grace_period_seconds=0, uid=uid_of(pod))
            await self._client.delete(PODS, key.name, key.namespace, options)
        except (NotFound, Conflict):
            return

    async def _node_is_there(self, pod: Object) -> bool:
        try:
            await self._client.get(NODES, pod["spec"]["nodeName"])
        except NotFound:
            return False
        return True

    def _lost_node(self) -> dict[str, str]:
        return {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
            "lastTransitionTime": rfc3339(self._clock()),
        }

    async def _fail(self, pod: Object, conditions: Sequence[dict[str, str]] = ()) -> None:
        """Say in its status, for those who count on it, that the Pod will not go on."""
        status = {"phase": Phase.FAILED.value, **({"conditions": list(conditions)} if conditions else {})}
        body = {"metadata": {"uid": uid_of(pod)}, "status": status}
        key = key_of(pod)
        await self._client.patch(
            PODS, name_of(pod), body, key.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
        )


def _never_started(pod: Object) -> bool:
    """Being deleted without a node: no kubelet will confirm that it is gone."""
    return bool(metadata(pod).get("deletionTimestamp")) and not (pod.get("spec") or {}).get("nodeName")
