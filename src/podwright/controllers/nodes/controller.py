"""The node controller: says of silent nodes that nothing is known of them, taints nodes by their conditions, and marks
the Pods of a silent node as not ready, so that Services pass them over. Nodes are given NoExecute taints one after
another, as the state of their zone allows.

How long a node has been silent is measured here, since this process started: a machine that slept, or whose clock was
set, drives nobody away. Run by `controllers.manager`.
Page: https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, key_of, name_of, resource_version_of, rfc3339, uid_of
from podwright.api.pods import condition, is_terminal
from podwright.api.resources import LEASES, NODES, PODS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client, PatchType
from podwright.client.together import together
from podwright.client.work_queue import WorkQueue
from podwright.controllers.nodes.health import grace_of, is_ready, ready_condition, unknown_conditions
from podwright.controllers.nodes.pace import NEVER, Pace
from podwright.controllers.nodes.taints import drives_away, wanted_taints
from podwright.controllers.nodes.zones import disruption, zone_of

_LEASE_NAMESPACE = "kube-node-lease"


class NodeHealth:
    """Looks after all nodes."""

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
        self._leases = informers.of(LEASES)
        self._pods = informers.of(PODS)
        self._heard: dict[str, float] = {}
        """When each node last spoke, by a clock that never goes back"""
        self._marked: dict[str, str] = {}
        """Nodes whose Pods were marked, by the time since which the node is not ready"""
        self._pace = Pace()
        self._all_disrupted = False
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Look after them until cancelled."""
        for informer in (self._nodes, self._leases, self._pods):
            await informer.wait_synced()
        self._monotonic = asyncio.get_running_loop().time
        self._nodes.add_handler(self._node_changed)
        self._leases.add_handler(self._lease_changed)
        await self._queue.run(self._sync)

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or key_of(new).namespace != _LEASE_NAMESPACE:
            return
        if (old or {}).get("spec") != new.get("spec"):
            # Whether that was in time is looked at when the time is over.
            self._heard[name_of(new)] = self._monotonic()

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        name = name_of(new or old or {})
        if new is None:
            self._heard.pop(name, None)
            self._marked.pop(name, None)
            self._pace.well(name)
            if old is not None:
                self._tell(old, "RemovingNode", f"Removing Node {name} from Controller")
        elif _spoke(old, new):
            self._heard[name] = self._monotonic()
        if old is None and new is not None:
            self._tell(new, "RegisteredNode", f"Registered Node {name} in Controller")
        # One that is gone counts too: its zone may be another's without it.
        self._queue.add(name)

    async def _sync(self, name: str) -> None:
        node = self._nodes.get(name)
        if node is None:
            self._look(list(self._nodes.items()))
            return
        left = grace_of(node) - (self._monotonic() - self._heard.get(name, self._monotonic()))
        if left > 0:
            if self._speaks(node):
                self._queue.add_after(name, left)
        else:
            node = await self._say_unknown(node)
        self._look([node if name_of(other) == name else other for other in self._nodes.items()])
        taints = wanted_taints(node, self._clock(), drive_away=self._drive_away(node))
        if taints is not None:
            meta = {"uid": uid_of(node), "resourceVersion": resource_version_of(node)}
            await self._client.patch(NODES, name, {"metadata": meta, "spec": {"taints": taints or None}})
        await self._mark_pods(node)

    def _tell(self, node: Object, reason: str, what: str) -> None:
        self._recorder.event(node, "Normal", reason, f"Node {name_of(node)} event: {what}")

    def _look(self, nodes: Sequence[Object]) -> None:
        """How the zones are now; nodes that are not ready have to hear of it."""
        found, now = disruption(nodes), self._monotonic()
        if not self._pace.look(found, now):
            return
        if self._all_disrupted and not found.everywhere:
            # Those that were not heard while nobody was get their whole time again.
            self._heard.update((name_of(node), now) for node in nodes)
        self._all_disrupted = found.everywhere
        for node in nodes:
            if not is_ready(node):
                self._queue.add(name_of(node))

    def _drive_away(self, node: Object) -> bool:
        """Whether the Pods of a node may be made to leave now; when that has to wait, the node comes again."""
        name, status = name_of(node), ready_condition(node).get("status")
        if status in (None, "True"):
            self._pace.well(name)
            return False
        if self._all_disrupted:
            return False
        left = 0.0 if drives_away(node) else self._pace.wait(name, zone_of(node), self._monotonic())
        if 0.0 < left < NEVER:
            self._queue.add_after(name, left)
        return not left

    def _speaks(self, node: Object) -> bool:
        """Whether its silence would be news."""
        return ready_condition(node).get("status") != "Unknown"

    async def _say_unknown(self, node: Object) -> Object:
        changed = unknown_conditions(node, self._clock())
        if not changed:
            return node
        body = {"metadata": {"uid": uid_of(node)}, "status": {"conditions": changed}}
        return await self._client.patch(
            NODES, name_of(node), body, patch_type=PatchType.STRATEGIC, subresource="status"
        )

    async def _mark_pods(self, node: Object) -> None:
        ready, name = ready_condition(node), name_of(node)
        # A kubelet that speaks says itself how its Pods are, and would take it back at once.
        if ready.get("status") != "Unknown":
            self._marked.pop(name, None)
            return
        since = ready.get("lastTransitionTime") or ""
        if self._marked.get(name) == since:
            return
        self._recorder.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        pods = [
            pod
            for pod in self._pods.items()
            if (pod.get("spec") or {}).get("nodeName") == name
            and not is_terminal(pod)
            and (condition(pod, "Ready") or {}).get("status") == "True"
        ]
        await together(pods, self._mark)
        self._marked[name] = since

    async def _mark(self, pod: Object) -> None:
        changed = {"type": "Ready", "status": "False", "lastTransitionTime": rfc3339(self._clock())}
        body = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [changed]}}
        key: Key = key_of(pod)
        try:
            await self._client.patch(
                PODS, key.name, body, key.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
            )
        except NotFound:
            return
        self._recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")


def _spoke(old: Object | None, new: Object) -> bool:
    """Whether a change is one that a kubelet makes, and not what is said here of a silent one."""
    if old is None:
        return True
    before, after = ready_condition(old), ready_condition(new)
    if after.get("status") == "Unknown":
        return False
    return any(before.get(part) != after.get(part) for part in ("lastHeartbeatTime", "status"))
