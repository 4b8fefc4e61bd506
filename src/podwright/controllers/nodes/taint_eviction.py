"""Deletes Pods from nodes whose NoExecute taints they do not tolerate, or no longer.

How long a Pod has been under a taint is counted from the time that stands in the taint, so that a restart does not
give it more. Run by `controllers.manager`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Key, Object, key_of, metadata, name_of, rfc3339, uid_of
from podwright.api.pods import condition_is_true, is_terminal
from podwright.api.resources import NODES, PODS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.client.work_queue import WorkQueue
from podwright.controllers.nodes.eviction import began, driving, seconds_tolerated


class TaintEviction:
    """The taint eviction controller."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._nodes = informers.of(NODES)
        self._pods = informers.of(PODS)
        self._seen: dict[Key, datetime.datetime] = {}
        """Since when a Pod has been seen under taints that do not say when they came"""
        self._queue: WorkQueue[Key] = WorkQueue()

    async def run(self) -> None:
        """Evict until cancelled."""
        await self._nodes.wait_synced()
        await self._pods.wait_synced()
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)
        await self._queue.run(self._sync, workers=4)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        before, after = driving(old or {}), driving(new or {})
        if before == after:
            return
        name = name_of(new or old or {})
        for pod in self._pods.items():
            if (pod.get("spec") or {}).get("nodeName") == name:
                self._queue.add(key_of(pod))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._seen.pop(key_of(old or {}), None)
            return
        if old is not None and old.get("spec") == new.get("spec"):
            return
        node = self._nodes.get((new.get("spec") or {}).get("nodeName") or "")
        if node is not None and driving(node):
            self._queue.add(key_of(new))

    async def _sync(self, key: Key) -> None:
        pod = self._pods.by_key(key)
        if pod is None or is_terminal(pod) or metadata(pod).get("deletionTimestamp"):
            self._seen.pop(key, None)
            return
        node = self._nodes.get((pod.get("spec") or {}).get("nodeName") or "") or {}
        taints = driving(node)
        seconds = seconds_tolerated(pod, taints) if taints else None
        if seconds is None:
            if self._seen.pop(key, None) is not None:
                told = f"Cancelling deletion of Pod {key}"
                self._recorder.event(pod, "Normal", "TaintManagerEviction", told)
            return
        now = self._clock()
        seen = self._seen.setdefault(key, now)
        left = seconds - (now - began(taints, seen)).total_seconds()
        if seconds and left > 0:
            self._queue.add_after(key, left)
            return
        await self._evict(key, pod)

    async def _evict(self, key: Key, pod: Object) -> None:
        self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key}")
        try:
            if not condition_is_true(pod, "DisruptionTarget"):
                condition = {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": "Taint manager: deleting due to NoExecute taint",
                    "lastTransitionTime": rfc3339(self._clock()),
                }
                body = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [condition]}}
                await self._client.patch(
                    PODS, key.name, body, key.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
                )
            await self._client.delete(PODS, key.name, key.namespace, DeleteOptions(uid=uid_of(pod)))
        except (NotFound, Conflict):
            # It is gone, or another Pod has its name: that one comes here by itself.
            return
