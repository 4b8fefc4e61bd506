"""Keeps the Pods of all DaemonSets. Run by `manager`.

    changed -> queued -> claim Pods -> one on each node, then a step of the update -> write the status

Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import partial

from podwright.api.objects import Key, Object, key_of, metadata, name_of
from podwright.api.resources import DAEMON_SETS, NODES, PODS
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.client.backoff import Backoff
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.daemon_set.decision import Look, Plan, describe_end, manage, roll
from podwright.controllers.daemon_set.nodes import fit, shown
from podwright.controllers.daemon_set.pods import by_node, new_pod, node_of
from podwright.controllers.daemon_set.status import status
from podwright.controllers.owned import claimed, is_going
from podwright.controllers.owned_pods import OwnedPods
from podwright.controllers.pod_control import (
    Failure,
    PodControl,
    all_at_once,
    is_terminating_namespace,
    slowly,
)
from podwright.controllers.pod_health import next_available_in
from podwright.controllers.revisions import REVISION_LABEL, Revisions, surplus

COMPONENT = "daemonset-controller"
BURST = 250
_SELECTS_ALL = "This daemon set is selecting all pods. A non-empty selector is required."
_AFTER_END = Backoff(base=1.0, cap=900.0)
"""Between the end of a Pod on a node and the next one there."""


def _selector_of(owner: Object) -> LabelSelector:
    return label_selector_from((owner.get("spec") or {}).get("selector"))


class DaemonSets:
    """The controller of DaemonSets."""

    def __init__(
        self, client: Client, informers: Informers, recorder: EventRecorder, clock: Callable[[], datetime.datetime]
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._queue: WorkQueue[Key] = WorkQueue()
        self._owned = OwnedPods(informers, DAEMON_SETS, _selector_of, self._queue)
        self._control = PodControl(client, recorder, self._owned.pods)
        self._nodes = informers.of(NODES)
        self._revisions = Revisions(client, informers, DAEMON_SETS, REVISION_LABEL)
        self._ends: dict[Key, dict[str, tuple[int, float]]] = {}
        """Of each DaemonSet, by node: how often a Pod ended there in a row, and when the last one did."""

    async def run(self) -> None:
        """Keep them until cancelled."""
        await self._nodes.wait_synced()
        await self._revisions.known.wait_synced()
        await self._owned.follow()
        self._nodes.add_handler(self._node_changed)
        await self._queue.run(self._sync, workers=4)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or shown(old) != shown(new):
            for owner in self._owned.owners.items():
                self._queue.add(key_of(owner))

    async def _sync(self, key: Key) -> None:
        owner = self._owned.owners.by_key(key)
        if owner is None:
            self._ends.pop(key, None)
            return
        selector = _selector_of(owner)
        if not selector:
            self._recorder.event(owner, "Warning", "SelectingAll", _SELECTS_ALL)
            return
        revisions = await self._revisions.of(owner, selector)
        pods = await claimed(
            self._client,
            DAEMON_SETS,
            owner,
            PODS,
            self._owned.candidates(owner, selector),
            selected=lambda pod: selector.matches(metadata(pod).get("labels")),
        )
        newest = await self._revisions.newest(owner, revisions)
        stamp = (metadata(newest.revision).get("labels") or {}).get(REVISION_LABEL) or ""
        look = self._look(owner, stamp, pods)
        refusal = None
        if not is_going(owner):
            refusal = await self._act(key, look)
        made = status(look, newest.collisions)
        if made != owner.get("status"):
            await self._client.update(DAEMON_SETS, {**owner, "status": made}, subresource="status")
        if wait := next_available_in(pods, look.least, self._clock()):
            self._queue.add_after(key, wait)
        live = {name_of(newest.revision), *_revisions_of(revisions, pods)}
        limit = (owner.get("spec") or {}).get("revisionHistoryLimit")
        await self._revisions.forget(surplus(revisions, live, 10 if limit is None else limit))
        if refusal is not None:
            raise refusal

    def _look(self, owner: Object, stamp: str, pods: Sequence[Object]) -> Look:
        fits = {name_of(node): fit(owner, node) for node in sorted(self._nodes.items(), key=name_of)}
        return Look(owner, stamp, fits, by_node(pods), self._clock())

    async def _act(self, key: Key, look: Look) -> Failure | None:
        plan = manage(look)
        kept = [pod for pod in plan.ended if not self._may_go(key, pod)]
        plan.delete = [pod for pod in plan.delete if pod not in kept]
        for pod in plan.ended:
            if pod not in kept:
                event = describe_end(pod, node_of(pod), key.namespace)
                self._recorder.event(look.owner, *event)
        strategy = ((look.owner.get("spec") or {}).get("updateStrategy") or {}).get("type")
        if strategy == "RollingUpdate" and not plan.create and not plan.delete:
            plan = roll(look)
        return await self._carry_out(look, plan)

    async def _carry_out(self, look: Look, plan: Plan) -> Failure | None:
        create, delete = plan.create[:BURST], plan.delete[:BURST]
        if not create and not delete:
            return None
        owner = look.owner
        made = await slowly([partial(self._control.create, owner, new_pod(owner, look.stamp, n)) for n in create])
        gone = await all_at_once([partial(self._control.delete, owner, pod) for pod in delete])
        if made.error is not None and is_terminating_namespace(made.error):
            return gone.error
        return made.error or gone.error

    def _may_go(self, key: Key, pod: Object) -> bool:
        """Whether an ended Pod's successor may come by now; else the owner is looked at again when it may."""
        ends, node, now = self._ends.setdefault(key, {}), node_of(pod), self._clock().timestamp()
        times, last = ends.get(node, (0, 0.0))
        if times and now - last > 2 * _AFTER_END.cap:
            times = 0
        wait = last + _AFTER_END.delay(times) - now if times else 0.0
        if wait > 0:
            self._queue.add_after(key, wait)
            return False
        ends[node] = (times + 1, now)
        return True


def _revisions_of(revisions: Sequence[Object], pods: Sequence[Object]) -> set[str]:
    """The names of the revisions that Pods are still of."""
    stamps = {(metadata(pod).get("labels") or {}).get(REVISION_LABEL) for pod in pods}
    return {name_of(one) for one in revisions if (metadata(one).get("labels") or {}).get(REVISION_LABEL) in stamps}
