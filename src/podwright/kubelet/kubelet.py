"""The kubelet: wires its parts together and runs the sync loop.

Called by `app`. The loop takes updates of Pods from `config`, asks `pod_admission` about new ones, and tells
`pod_workers`; wake-ups come from `pleg` and the prober. What runs already is adopted: a container that was started
by an earlier kubelet is only looked at, never started again.
Page: https://kubernetes.io/docs/concepts/architecture/#kubelet
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from podwright.api.objects import Key, Object, key_of, metadata, name_of, uid_of
from podwright.api.pods import is_mirror, is_static, is_terminal
from podwright.api.reasons import EventReason
from podwright.api.resources import NODES, PODS
from podwright.client.informer import Informer
from podwright.client.interface import Client
from podwright.cri.errors import CriError
from podwright.kubelet import preemption
from podwright.kubelet.allocation import Allocations
from podwright.kubelet.config import API, FILE, Op, PodConfig, PodUpdate
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.eviction.manager import Collaborators as EvictionCollaborators
from podwright.kubelet.eviction.manager import EvictionManager, Meters
from podwright.kubelet.housekeeping import Housekeeping, LeftCgroups, LeftVolumes
from podwright.kubelet.interfaces import EventWriter, PodRuntime, ProbeState, Volumes
from podwright.kubelet.mirror_pods import MirrorPods
from podwright.kubelet.node.lease import LeaseKeeper
from podwright.kubelet.node.manager import NodeManager
from podwright.kubelet.pleg import Pleg, Summaries
from podwright.kubelet.pod_admission import admit
from podwright.kubelet.pod_lifecycle import Clock, Collaborators, PodLifecycle
from podwright.kubelet.pod_state import Doomed, Orphaned, Removed, Seen, Stage
from podwright.kubelet.pod_workers import PodWorkers
from podwright.kubelet.preemption import victims
from podwright.kubelet.runtime_state import PodSummary
from podwright.kubelet.shutdown import shut_down
from podwright.kubelet.static_pods import StaticPods
from podwright.kubelet.status.generate import Verdict
from podwright.kubelet.status.manager import StatusManager
from podwright.kubelet.status.resize_events import resize_event
from podwright.kubelet.sysctls import forbidden_sysctl

log = logging.getLogger(__name__)

_RUNS = (Stage.SYNCING, Stage.TERMINATING)
"""Stages in which a Pod may use something of the node."""
RUNTIME_RETRY = 0.05
"""Seconds between attempts to ask a runtime that is still starting what it has."""


class PodVolumes(Volumes, LeftVolumes, Protocol):
    """volumes/manager."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What `app` builds and the kubelet uses."""

    client: Client
    runtime: PodRuntime
    volumes: PodVolumes
    probes: ProbeState
    recorder: EventWriter
    node: NodeManager
    cgroups: LeftCgroups
    pod_logs: Path
    now: Clock
    meters: Meters
    free_disk: Callable[[], Awaitable[object]]
    """remove images that nobody uses"""


class Kubelet:
    """One node's kubelet. `run` serves until cancelled and leaves the Pods running."""

    def __init__(self, config: KubeletConfiguration, node_name: str, parts: Parts) -> None:
        self._config = config
        self._node_name = node_name
        self._parts = parts
        self._node = parts.node
        self._statuses = StatusManager(parts.client)
        self._allocations = Allocations()
        self._lifecycle = PodLifecycle(
            Collaborators(
                client=parts.client,
                runtime=parts.runtime,
                volumes=parts.volumes,
                probes=parts.probes,
                statuses=self._statuses,
                recorder=parts.recorder,
                host=self._node.host,
                network_error=self._node.network_error,
                now=parts.now,
                allocations=self._allocations,
                last_seen=self._last_seen,
            )
        )
        self._workers = PodWorkers(self._lifecycle, resync=config.syncFrequency, on_forgotten=self._is_gone)
        self._sources = PodConfig([API, FILE] if config.staticPodPath else [API], self._handle)
        self._pods = Informer(parts.client, PODS, field_selector=f"spec.nodeName={node_name}")
        self._pods.add_handler(self._sources.follow_api)
        self._nodes = Informer(parts.client, NODES, field_selector=f"metadata.name={node_name}")
        self._nodes.add_handler(self._node.follow)
        self._mirrors = MirrorPods(parts.client, node_name, lambda: self._node.uid, self._is_ending)
        self._pleg = Pleg(parts.runtime, self.wake, self._take_relist, self._lifecycle.knows)
        self._eviction = EvictionManager(
            config,
            EvictionCollaborators(
                meters=parts.meters,
                pods=self._active,
                evict=self.evict,
                cleaned_up=self._workers.cleaned_up,
                free_disk=parts.free_disk,
                under_pressure=self._node.under_pressure,
                recorder=parts.recorder,
                node=lambda: self._node.node,
                now=time.monotonic,
            ),
        )
        self._at_start: frozenset[str] = frozenset()
        self._refused: set[str] = set()
        self._makes_room: dict[str, Sequence[str]] = {}
        """by UID of a Pod that is not admitted yet: those that are being ended for it"""
        self._held_back: dict[str, PodUpdate] = {}
        self._room_wanted = asyncio.Event()

    # what others may ask of it

    def wake(self, uid: str) -> None:
        """Something changed about this Pod in the runtime or for its probes; look at it now."""
        self._lifecycle.happened(uid)
        self._workers.wake(uid)

    def pods(self) -> Iterable[Object]:
        """The Pods of this node, static ones included, with the newest status known; for the kubelet's server."""
        for uid, pod, _ in self._workers.pods():
            yield {**pod, "status": self._statuses.latest(uid) or pod.get("status") or {}}

    async def wait_pods_known(self) -> None:
        """Return once every source has said which Pods this node has."""
        await self._sources.wait_complete()

    def pod(self, uid: str) -> Object | None:
        """One Pod of this node."""
        return next((pod for pod in self.pods() if uid_of(pod) == uid), None)

    def evict(self, uid: str, verdict: Verdict, grace: int | None = None) -> None:
        """End a Pod with phase Failed and this reason; `grace` in seconds, None: its own."""
        self._workers.tell(uid, Doomed(verdict, grace))

    async def shut_down(self) -> None:
        """The machine goes down: take no more Pods and end those that are here, as shutdownGracePeriod says."""
        self._node.shut_down()
        await shut_down(self._workers, self._config)
        for uid, _, _ in list(self._workers.pods()):
            await self._statuses.flushed(uid)

    # running

    async def run(self) -> None:
        """Serve until cancelled. Raises what nobody can help with, a fault of the program."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._node.run(), name="node status")
            group.create_task(self._nodes.run(), name="informer of the node")
            group.create_task(self._statuses.run(), name="pod statuses")
            await self._node.wait_known()
            self._at_start = frozenset(await self._what_runs())
            try:
                await self._parts.cgroups.sweep(self._at_start)
            except OSError as error:
                log.warning("cgroups that were left behind could not be removed: %s", error)
            group.create_task(self._workers.run(), name="pod workers")
            group.create_task(self._follow_api(), name="pods of the API")
            if self._config.staticPodPath:
                folder = Path(self._config.staticPodPath)
                static = StaticPods(folder, self._node_name, self._sources, self._parts.now)
                group.create_task(static.run(), name="static pods")
            group.create_task(self._pleg.run(), name="pleg")
            keeping = Housekeeping(self._parts.volumes, self._parts.pod_logs, self._is_known)
            group.create_task(keeping.run(), name="housekeeping")
            group.create_task(self._eviction.run(), name="eviction")
            group.create_task(self._make_room(), name="preemption")

    async def _follow_api(self) -> None:
        """What needs the API: a node without one still runs its static Pods."""
        # Before its Node is there, a Pod's node selector could not be judged.
        await self._node.wait_registered()
        lease = LeaseKeeper(
            self._parts.client,
            self._node_name,
            lambda: self._node.uid,
            duration=self._config.nodeLeaseDurationSeconds,
            now=self._parts.now,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run(), name="informer of pods")
            group.create_task(self._mirrors.run(), name="mirror pods")
            group.create_task(lease.run(), name="node lease")
            await self._pods.wait_synced()
            self._sources.said_all(API)
            # Only now can it be known which of the runtime's Pods have no object any more.
            self._end_orphans(self._at_start)

    async def _what_runs(self) -> Summaries:
        """What the runtime has of an earlier kubelet."""
        while True:
            try:
                return await self._parts.runtime.list_pods()
            except CriError as error:
                log.debug("the runtime does not answer yet: %s", error)
            await asyncio.sleep(RUNTIME_RETRY)

    # the sync loop's turns

    def _handle(self, update: PodUpdate) -> None:
        pod = update.pod
        if update.source == API and is_mirror(pod):
            self._take_mirror(pod, gone=update.op is Op.REMOVE)
            return
        uid = uid_of(pod)
        if update.source == FILE:
            self._mirrors.static_changed(pod, gone=update.op is Op.REMOVE)
            mirror = self._mirrors.current(pod)
            if mirror is not None and update.op is not Op.REMOVE:
                self._statuses.observe(uid, mirror)
        elif update.op is not Op.REMOVE:
            self._statuses.observe(uid, pod)
        if update.op in (Op.REMOVE, Op.DELETE):
            self._held_back.pop(uid, None)
        if update.op is Op.REMOVE:
            self._refused.discard(uid)
            self._workers.tell(uid, Removed(pod))
            self._pleg.check_later()
            if self._workers.state_of(uid) is None:
                self._statuses.forget(uid)
        elif uid in self._makes_room and update.op is not Op.DELETE:
            self._held_back[uid] = replace(update, op=Op.ADD)
            return
        elif uid in self._refused and update.op is not Op.DELETE:
            # It has ended for this node, though the API may not show that yet.
            return
        elif update.op is Op.RECONCILE:
            # A readiness gate may have been set; anything else in a status is the kubelet's own doing.
            if pod["spec"].get("readinessGates"):
                self._workers.tell(uid, Seen(self._with_what_it_has(pod)))
        elif update.op is not Op.ADD or self._take_on(pod):
            self._workers.tell(uid, Seen(self._with_what_it_has(pod)))
        elif uid in self._makes_room:
            self._held_back[uid] = update
        self._retry_resizes()
        self._pleg.expect()

    def _with_what_it_has(self, pod: Object) -> Object:
        before = self._allocations.state(uid_of(pod))
        given = self._allocations.take(pod, self._others(uid_of(pod)), self._node.node)
        told = resize_event(pod, before, self._allocations.state(uid_of(pod)))
        if told is not None:
            self._parts.recorder.event(pod, told.type, told.reason, told.message)
        return given

    def _retry_resizes(self) -> None:
        """Something has changed: there may be room now for what Pods on this node have asked for."""
        for pod in self._allocations.deferred():
            given = self._with_what_it_has(pod)
            if self._allocations.state(uid_of(pod)).pending is None:
                self._workers.tell(uid_of(pod), Seen(given))

    def _active(self) -> Iterable[Object]:
        """The Pods that may use something, with their newest status."""
        for uid, pod, state in self._workers.pods():
            if state.stage is Stage.SYNCING and uid not in self._refused:
                yield {**pod, "status": self._statuses.latest(uid) or pod.get("status") or {}}

    def _others(self, uid: str) -> Sequence[Object]:
        """The Pods that have a share of this node, but for one: the scheduler counts none whose object is gone."""
        return [
            other
            for other_uid, other, state in self._workers.pods()
            if other_uid != uid and state.stage in _RUNS and state.wanted and other_uid not in self._refused
        ]

    def _take_on(self, pod: Object) -> bool:
        """Whether a new Pod is admitted; one that was admitted before, or is ending, always is."""
        uid = uid_of(pod)
        if uid not in self._at_start:
            self._lifecycle.untouched(uid)
        status = pod.get("status") or {}
        if status.get("startTime") or metadata(pod).get("deletionTimestamp") or is_terminal(pod):
            return True
        if uid in self._at_start:
            return True
        others = self._others(uid)
        verdict = forbidden_sysctl(pod, self._config.allowedUnsafeSysctls)
        if verdict is None:
            verdict = admit(pod, others, self._node.node)
            if verdict is None:
                return True
            if ends := victims(pod, others, self._node.node):
                self._preempt(pod, ends)
                return False
        log.info("pod %s is refused: %s", name_of(pod), verdict.message)
        self._lifecycle.refuse(pod, verdict)
        self._refused.add(uid)
        return False

    def _preempt(self, pod: Object, ends: Sequence[Object]) -> None:
        """A Pod that the node cannot do without is looked at again when these have ended."""
        for other in ends:
            log.info("pod %s is ended to make room for %s", name_of(other), name_of(pod))
            self._parts.recorder.event(other, "Warning", EventReason.PREEMPTING, preemption.MESSAGE)
            self._workers.tell(uid_of(other), Doomed(preemption.VERDICT))
        self._makes_room[uid_of(pod)] = [uid_of(other) for other in ends]
        self._room_wanted.set()

    async def _make_room(self) -> None:
        while True:
            await self._room_wanted.wait()
            self._room_wanted.clear()
            for uid, ends in list(self._makes_room.items()):
                await self._workers.stopped(ends)
                self._makes_room.pop(uid, None)
                if (waiting := self._held_back.pop(uid, None)) is not None:
                    self._handle(waiting)

    def _take_mirror(self, mirror: Object, *, gone: bool) -> None:
        uid = self._mirrors.mirror_changed(mirror, gone=gone)
        if uid and not gone:
            self._statuses.observe(uid, mirror)

    def _is_ending(self, key: Key) -> bool:
        """Whether a static Pod of that name, whose manifest is gone, still has containers to end."""
        return any(
            not state.wanted and is_static(pod) and key_of(pod) == key and state.stage is not Stage.FINISHED
            for _, pod, state in self._workers.pods()
        )

    def _is_gone(self, pod: Object) -> None:
        self._allocations.forget(uid_of(pod))
        self._retry_resizes()
        if is_static(pod):
            self._mirrors.ended(key_of(pod))

    def _last_seen(self, uid: str) -> PodSummary | None:
        return self._pleg.last_seen(uid)

    def _take_relist(self, summaries: Summaries) -> None:
        if self._sources.complete:
            self._end_orphans(summaries)

    def _end_orphans(self, uids: Iterable[str]) -> None:
        """What runs without an object is ended; a static Pod's manifest may not have been read yet."""
        if not self._sources.complete:
            return
        for uid in uids:
            if self._workers.state_of(uid) is None:
                log.info("pod %s runs but has no object: ended", uid)
                self._workers.tell(uid, Orphaned())

    def _is_known(self, uid: str) -> bool:
        return not self._sources.complete or self._workers.state_of(uid) is not None
