"""The scheduler: every Pod without a node gets one as soon as there is one that can take it.

    pending --decide: a node fits--> assumed --bound--> done
       ^        |                       | binding failed      (its claims without a volume are told the node,
       |        +--none fits--> parked  +--> pending, after    and the Pod is bound once they are)
       |                                     a back-off
       +-- a node, the room on one, or a claim has changed

It wakes on changes only. Deciding never awaits, so that two Pods never get the same room; what is decided counts as
taken until the watch shows it. Started by `app.py`.
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, key_of, metadata, name_of, namespace_of, uid_of
from podwright.api.reasons import EventReason, Phase
from podwright.api.resources import (
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    STORAGE_CLASSES,
)
from podwright.api.volumes import SELECTED_NODE, annotation, claims_of, is_bound
from podwright.client.backoff import Backoff
from podwright.client.events import EventRecorder
from podwright.client.informer import Informer
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.scheduler.conditions import Conditions
from podwright.scheduler.demand import Demand, NodeState, demand_of, node_state
from podwright.scheduler.filter import Obstacle, availability, explanation, obstacle, refusal
from podwright.scheduler.preemption import TERMINATING, Place, may_preempt, preemption, priority_of, waits_for_victims
from podwright.scheduler.preemptor import Preemptor
from podwright.scheduler.score import best
from podwright.scheduler.volumes import Claims, Storage, claims_asked, obstacle_to_claims

log = logging.getLogger(__name__)

DEFAULT_SCHEDULER = "default-scheduler"
GATED = "Scheduling is blocked due to non-empty scheduling gates"
_BINDERS = 16
"""Bindings under way at once, so that their writes share one commit."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A node for a Pod, and what its claims wait for."""

    node: NodeState
    claims: Claims


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why there is no node for a Pod; `obstacles` is empty where no node was even looked at."""

    text: str
    obstacles: Sequence[Obstacle] = ()
    claims: Claims = field(default_factory=Claims)
    storage: Storage = field(default_factory=lambda: Storage({}, {}, {}))


class Scheduler:
    """Binds the Pods that name `scheduler_name`; `run` follows Pods and Nodes itself."""

    def __init__(
        self,
        client: Client,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
        scheduler_name: str = DEFAULT_SCHEDULER,
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._name = scheduler_name
        self._preemptor = Preemptor(client, recorder, clock)
        self._conditions = Conditions(client, clock)
        self._pods = Informer(client, PODS)
        self._nodes = Informer(client, NODES)
        self._claims = Informer(client, PERSISTENT_VOLUME_CLAIMS)
        self._volumes = Informer(client, PERSISTENT_VOLUMES)
        self._classes = Informer(client, STORAGE_CLASSES)
        self._queue: WorkQueue[Key] = WorkQueue(Backoff(base=0.05, cap=10.0))
        self._parked: set[Key] = set()
        self._placed: dict[str, dict[Key, Demand]] = {}
        self._assumed: dict[Key, tuple[str, str]] = {}
        """Decided and not yet seen: the Pod's uid and its node."""
        self._nominated: dict[Key, str] = {}
        """Pods that others make room for, and on which node."""
        self._awaiting: dict[Key, frozenset[Key]] = {}
        """Decided, and to be bound when these claims are."""

    async def run(self) -> None:
        """Schedule until cancelled."""
        self._pods.add_handler(self._pod_changed)
        self._nodes.add_handler(self._node_changed)
        self._claims.add_handler(self._claim_changed)
        self._volumes.add_handler(self._storage_changed)
        self._classes.add_handler(self._storage_changed)
        async with asyncio.TaskGroup() as group:
            informers = (self._nodes, self._pods, self._claims, self._volumes, self._classes)
            for informer in informers:
                group.create_task(informer.run())
            for informer in informers:
                await informer.wait_synced()
            await self._queue.run(self._schedule, workers=_BINDERS)

    # what has changed

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        freed = self._released(key, old, new)
        if new is not None and self._is_mine(new) and (node := (new.get("status") or {}).get("nominatedNodeName")):
            self._nominated[key] = node
        elif self._nominated.pop(key, None) is not None:
            # What was promised to it is to be had again, unless it has it now.
            freed = freed or new is None or not _node_of(new)
        if new is not None and _node_of(new) and not _finished(new):
            # Somebody else may have bound it to another node than the one decided on.
            self._placed.get(self._assumed.pop(key, ("", ""))[1], {}).pop(key, None)
            here, demand = self._placed.setdefault(_node_of(new), {}), demand_of(new)
            # A resize that is done may leave room.
            freed = freed or here.get(key, demand) != demand
            here[key] = demand
        if new is not None and self._is_mine(new):
            # A Pod that was turned down is looked at again only when it is no longer what was turned down.
            if old is None or key not in self._parked or _wishes(old) != _wishes(new):
                self._parked.discard(key)
                self._queue.add(key)
        else:
            self._parked.discard(key)
            self._queue.forget(key)
        if freed:
            self._unpark()

    def _released(self, key: Key, old: Object | None, new: Object | None) -> bool:
        """Give back the room of a Pod that is gone or has ended; whether there was any."""
        if new is None or _finished(new):
            self._awaiting.pop(key, None)
            node = self._assumed.pop(key, ("", ""))[1] or (_node_of(old) if old else "") or _node_of(new or {})
            return self._placed.get(node, {}).pop(key, None) is not None
        if old is not None and _node_of(old) and old.get("spec") != new.get("spec"):
            return self._placed.get(_node_of(old), {}).pop(key, None) is not None
        return False

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        # A heartbeat changes a node too, but nothing that a Pod waits for.
        if new is not None and (old is None or _offer(old) != _offer(new)):
            self._unpark()

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        changed = key_of(new or old or {})
        selected = [annotation(claim or {}, SELECTED_NODE) for claim in (old, new)]
        if new is None or (selected[0] and not selected[1]):
            # No volume can be had on the node that was chosen: the Pod is looked at as if it were new.
            for key in [key for key, claims in self._awaiting.items() if changed in claims]:
                self._forget(key, *self._assumed.get(key, ("", "")))
                self._queue.add_rate_limited(key)
        for key, claims in self._awaiting.items():
            if changed in claims:
                self._queue.add(key)
        self._look_again(lambda name, namespace: Key(namespace, name) == changed)

    def _storage_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or _storage(old) != _storage(new):
            self._look_again(lambda name, namespace: self._claims.get(name, namespace) is not None)

    def _look_again(self, concerns: Callable[[str, str], bool]) -> None:
        """Look anew at the Pods that were turned down and have a claim (its name, its namespace) that is concerned."""
        for key in tuple(self._parked):
            claims = claims_of(self._pods.by_key(key) or {})
            if any(concerns(name, key.namespace) for _, name, _ in claims):
                self._parked.discard(key)
                self._queue.add(key)

    def _unpark(self) -> None:
        waiting = sorted(self._parked, key=self._urgency)
        self._parked.clear()
        for key in waiting:
            self._queue.add(key)

    def _urgency(self, key: Key) -> tuple[int, str]:
        """The Pods of highest priority choose first, then the oldest."""
        pod = self._pods.by_key(key) or {}
        return -((pod.get("spec") or {}).get("priority") or 0), metadata(pod).get("creationTimestamp") or ""

    def _is_mine(self, pod: Object) -> bool:
        spec = pod.get("spec") or {}
        return (
            not spec.get("nodeName")
            and (spec.get("schedulerName") or DEFAULT_SCHEDULER) == self._name
            and not metadata(pod).get("deletionTimestamp")
            and not _finished(pod)
        )

    # what to do about it

    async def _schedule(self, key: Key) -> None:
        pod = self._pods.by_key(key)
        if pod is None or not self._is_mine(pod):
            return
        uid, node = self._assumed.get(key, ("", ""))
        if uid == uid_of(pod):
            if key in self._awaiting:
                await self._bind_when_ready(pod, key, node)
            return
        if (pod.get("spec") or {}).get("schedulingGates"):
            self._parked.add(key)
            await self._conditions.set(pod, "SchedulingGated", GATED)
            return
        demand = demand_of(pod)
        found = self._decide(pod, demand)
        if isinstance(found, _Refused):
            self._parked.add(key)
            await self._refuse(pod, key, demand, found)
        else:
            self._assumed[key] = (uid_of(pod), found.node.name)
            self._placed.setdefault(found.node.name, {})[key] = demand
            if found.claims.open:
                await self._tell_claims(pod, key, found.claims, found.node.name)
            else:
                await self._bind(pod, key, found.node.name)

    async def _refuse(self, pod: Object, key: Key, demand: Demand, refused: _Refused) -> None:
        """Say why the Pod has no node, and have others make room for it where that helps."""
        text, chosen, waits = refused.text, None, False
        if refused.obstacles and may_preempt(pod):
            places = self._places(pod, key)
            if waits := waits_for_victims(pod, places):
                text = f"{availability(refused.obstacles)} preemption: {TERMINATING}"
            elif any(priority_of(other) < priority_of(pod) for place in places for other in place.pods):
                budgets = (await self._client.list(POD_DISRUPTION_BUDGETS)).items
                places = self._places(pod, key)
                chosen = preemption(pod, places, lambda node: self._takes(pod, demand, refused, node), budgets)
        if chosen is not None:
            text = availability(refused.obstacles)
        self._recorder.event(pod, "Warning", EventReason.FAILED_SCHEDULING, text)
        if chosen is not None:
            self._nominated[key] = chosen.node
            await self._preemptor.make_room(pod, chosen)
        nominated = chosen.node if chosen is not None else None
        if nominated is None and not waits and key in self._nominated:
            # The room that was made for it went to others, or there is none: it must not keep them from what is left.
            nominated = ""
        await self._conditions.set(pod, "Unschedulable", text, nominated)

    def _takes(self, pod: Object, demand: Demand, refused: _Refused, node: NodeState) -> bool:
        return obstacle(pod, demand, node) is None and not obstacle_to_claims(refused.claims, node, refused.storage)

    def _places(self, pod: Object, key: Key) -> list[Place]:
        """Each node with its Pods; what is decided and not yet bound cannot be taken back."""
        there: dict[str, list[Object]] = {}
        for other in self._pods.items():
            if _node_of(other) and not _finished(other):
                there.setdefault(_node_of(other), []).append(other)
        return [
            Place(
                node,
                there.get(name_of(node), []),
                [*self._promised(pod, key, name_of(node)), *self._unseen(name_of(node), there)],
            )
            for node in self._nodes.items()
        ]

    def _unseen(self, node: str, there: dict[str, list[Object]]) -> list[Demand]:
        """What was decided for a node and does not show on it yet."""
        seen = {key_of(other) for other in there.get(node, ())}
        return [demand for key, demand in self._placed.get(node, {}).items() if key not in seen]

    def _promised(self, pod: Object, key: Key, node: str) -> list[Demand]:
        """What Pods that matter as much as `pod` are to get on a node that others make room on."""
        waiting = (self._pods.by_key(other) for other, name in self._nominated.items() if name == node and other != key)
        return [demand_of(other) for other in waiting if other and priority_of(other) >= priority_of(pod)]

    def _decide(self, pod: Object, demand: Demand) -> _Found | _Refused:
        """The node to bind to, or why there is none."""
        storage, claims = Storage({}, {}, {}), Claims()
        if any(claims_of(pod)):
            storage = self._storage()
            placed = (p for p in self._pods.items() if _node_of(p) and not _finished(p))
            asked = claims_asked(pod, storage, (p for p in placed if namespace_of(p) == namespace_of(pod)))
            if isinstance(asked, str):
                return _Refused(refusal(pod, asked, len(tuple(self._nodes.items()))))
            claims = asked
        fitting: list[NodeState] = []
        obstacles: list[Obstacle] = []
        for node in self._nodes.items():
            placed_here = self._placed.get(name_of(node), {}).values()
            state = node_state(node, [*placed_here, *self._promised(pod, key_of(pod), name_of(node))])
            against = obstacle(pod, demand, state)
            if against is None and (why := obstacle_to_claims(claims, state, storage)):
                against = Obstacle((why,), lasting=True)
            if against is None:
                fitting.append(state)
            else:
                obstacles.append(against)
        if fitting:
            return _Found(best(pod, demand, fitting), claims)
        return _Refused(explanation(pod, obstacles), obstacles, claims, storage)

    def _storage(self) -> Storage:
        return Storage(
            {key_of(claim): claim for claim in self._claims.items()},
            {name_of(volume): volume for volume in self._volumes.items()},
            {name_of(one): one for one in self._classes.items()},
        )

    async def _tell_claims(self, pod: Object, key: Key, claims: Claims, node: str) -> None:
        """Tell the claims that wait for it the node, so that their volumes are found or made."""
        self._awaiting[key] = frozenset(key_of(claim) for claim in claims.open)
        for claim in claims.open:
            if annotation(claim, SELECTED_NODE) is not None:
                continue
            body = {"metadata": {"uid": uid_of(claim), "annotations": {SELECTED_NODE: node}}}
            try:
                await self._client.patch(PERSISTENT_VOLUME_CLAIMS, name_of(claim), body, key.namespace)
            except BaseException:
                self._forget(key, uid_of(pod), node)
                raise

    async def _bind_when_ready(self, pod: Object, key: Key, node: str) -> None:
        """Bind a Pod once its claims have their volumes."""
        if all(is_bound(self._claims.by_key(claim) or {}) for claim in self._awaiting[key]):
            del self._awaiting[key]
            await self._bind(pod, key, node)

    async def _bind(self, pod: Object, key: Key, node: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid_of(pod)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            await self._client.create(PODS, binding, key.namespace, name=key.name, subresource="binding")
        except BaseException as error:
            self._forget(key, uid_of(pod), node)
            if isinstance(error, NotFound):
                log.info("pod %s was not bound: %s", key, error)
                return
            # Also when somebody else bound it: by the time it is tried again, the watch has told.
            raise
        self._recorder.event(
            pod, "Normal", EventReason.SCHEDULED, f"Successfully assigned {key.namespace}/{key.name} to {node}"
        )

    def _forget(self, key: Key, uid: str, node: str) -> None:
        """Nothing is decided for the Pod any more."""
        self._awaiting.pop(key, None)
        if self._assumed.get(key) == (uid, node):
            del self._assumed[key]
            self._placed.get(node, {}).pop(key, None)
            self._unpark()


def _node_of(pod: Object) -> str:
    return (pod.get("spec") or {}).get("nodeName") or ""


def _finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in {Phase.SUCCEEDED, Phase.FAILED}


def _wishes(pod: Object) -> object:
    """Everything of a Pod that a decision depends on."""
    return pod.get("spec"), metadata(pod).get("deletionTimestamp")


def _storage(obj: Object) -> object:
    """Everything of a volume or storage class that a decision depends on."""
    meta = {field: metadata(obj).get(field) for field in ("labels", "annotations", "deletionTimestamp")}
    return meta, {field: value for field, value in obj.items() if field != "metadata"}


def _offer(node: Object) -> object:
    """Everything of a node that a decision depends on."""
    status = node.get("status") or {}
    return metadata(node).get("labels"), node.get("spec"), status.get("allocatable"), status.get("capacity")
