"""Which containers are probed, and how they fare.

The kubelet adds a Pod, tells what the runtime has of it, and asks; a worker per probe runs while its container does.
A verdict belongs to one container id: a new container begins anew.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
"""

from __future__ import annotations

import asyncio
import datetime
import functools
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from podwright.api.objects import Object, uid_of
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.interfaces import ContainerKind, ContainerRef, EventWriter
from podwright.kubelet.prober.decision import ProbeType, Tally, Timing, first_wait, initial, timing
from podwright.kubelet.prober.runners import ProbeRunner
from podwright.kubelet.prober.worker import ProbeJob, Worker
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Probed:
    """One running container and its probes."""

    container_id: str
    tallies: dict[ProbeType, Tally] = field(default_factory=dict)
    tasks: dict[ProbeType, asyncio.Task[None]] = field(default_factory=dict)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, *kinds: ProbeType) -> None:
        for kind in kinds or tuple(self.tasks):
            if task := self.tasks.pop(kind, None):
                task.cancel()


@dataclass(slots=True)
class _Pod:
    pod: Object
    containers: dict[str, _Probed] = field(default_factory=dict)
    terminating: bool = False


class ProbeManager:
    """Implements interfaces.ProbeState; `close` ends all workers.

    `on_change` is called with a Pod's UID when a verdict has changed. `clock` gives the time in UTC.
    """

    def __init__(
        self,
        runner: ProbeRunner,
        events: EventWriter,
        *,
        node: Callable[[], NodeFacts],
        on_change: Callable[[str], None],
        clock: Callable[[], datetime.datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._runner = runner
        self._events = events
        self._node = node
        self._on_change = on_change
        self._clock = clock
        self._chance = chance
        self._born = clock()
        self._pods: dict[str, _Pod] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End all probing."""
        self._pods.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def add_pod(self, pod: Object) -> None:
        """Probe its containers from now on; safe to repeat with newer versions."""
        uid = uid_of(pod)
        if known := self._pods.get(uid):
            known.pod = pod
        elif any(_probes(container) for _, container in _containers(pod)):
            self._pods[uid] = _Pod(pod)

    def observe(self, status: PodRuntimeStatus) -> None:
        """What the runtime has of a Pod now: workers begin and end with their containers."""
        entry = self._pods.get(status.uid)
        if entry is None:
            return
        for kind, container in _containers(entry.pod):
            if not _probes(container):
                continue
            name = container["name"]
            newest, probed = status.newest(name), entry.containers.get(name)
            running = newest if newest and newest.state is ContainerState.RUNNING else None
            if probed and (running is None or running.id != probed.container_id):
                probed.stop()
                del entry.containers[name]
                probed = None
            if running and probed is None:
                entry.containers[name] = self._begin(entry, kind, container, running, status)

    def stop_liveness_and_startup(self, uid: str) -> None:
        """Termination begins: nothing is to be restarted any more, readiness goes on."""
        if entry := self._pods.get(uid):
            entry.terminating = True
            for probed in entry.containers.values():
                _let_go(probed)

    def remove_pod(self, uid: str) -> None:
        """Forget the Pod."""
        if entry := self._pods.pop(uid, None):
            for probed in entry.containers.values():
                probed.stop()

    def is_ready(self, uid: str, container: str, container_id: str) -> bool | None:
        """Result of the readiness probe; None: the container has none."""
        return self._good(uid, container, container_id, ProbeType.READINESS)

    def is_started(self, uid: str, container: str, container_id: str) -> bool | None:
        """Result of the startup probe; None: the container has none."""
        return self._good(uid, container, container_id, ProbeType.STARTUP)

    def must_restart(self, uid: str, container: str, container_id: str) -> str:
        """Why the container must be restarted: "", "liveness" or "startup"."""
        for kind in (ProbeType.STARTUP, ProbeType.LIVENESS):
            tally = self._tally(uid, container, container_id, kind)
            if tally is not None and tally.verdict is False:
                return kind.name.lower()
        return ""

    def _tally(self, uid: str, container: str, container_id: str, kind: ProbeType) -> Tally | None:
        entry = self._pods.get(uid)
        probed = entry.containers.get(container) if entry else None
        return probed.tallies.get(kind) if probed and probed.container_id == container_id else None

    def _good(self, uid: str, container: str, container_id: str, kind: ProbeType) -> bool | None:
        entry = self._pods.get(uid)
        if entry is None or not any(c["name"] == container and c.get(kind.value) for _, c in _containers(entry.pod)):
            return None
        tally = self._tally(uid, container, container_id, kind)
        return tally is not None and tally.verdict is True

    def _begin(
        self, entry: _Pod, kind: ContainerKind, container: Object, running: ContainerStatus, status: PodRuntimeStatus
    ) -> _Probed:
        probed = _Probed(running.id)
        on_host = (entry.pod.get("spec") or {}).get("hostNetwork")
        address = next(iter(self._node().host_ips if on_host else status.ips), "")
        was = _reported(entry.pod, running)
        good = {ProbeType.STARTUP: bool(was.get("started")), ProbeType.READINESS: bool(was.get("ready"))}
        if not container.get(ProbeType.STARTUP.value) or good[ProbeType.STARTUP]:
            probed.started.set()
        for probe_type, probe in _probes(container).items():
            probed.tallies[probe_type] = initial(probe_type, good.get(probe_type, False))
            if probe_type is ProbeType.STARTUP and probed.started.is_set():
                continue
            numbers = timing(probe)
            job = ProbeJob(
                kind=probe_type,
                probe=probe,
                numbers=numbers,
                ref=lambda: ContainerRef(entry.pod, container["name"], kind),
                container=container,
                container_id=running.id,
                address=address,
                first_wait=functools.partial(self._first_wait, running, numbers),
                after=None if probe_type is ProbeType.STARTUP else probed.started,
            )
            self._start(uid_of(entry.pod), probed, job)
        if entry.terminating:
            _let_go(probed)
        return probed

    def _start(self, uid: str, probed: _Probed, job: ProbeJob) -> None:
        def tell(tally: Tally) -> None:
            probed.tallies[job.kind] = tally
            if job.kind is ProbeType.STARTUP and tally.verdict:
                probed.started.set()
            self._on_change(uid)

        worker = Worker(job, probed.tallies[job.kind], self._runner, self._events, tell)
        task = asyncio.create_task(worker.run(), name=f"{job.kind.value} {job.container['name']}")
        probed.tasks[job.kind] = task
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a probe has ended: %s", task.get_name(), exc_info=error)

    def _first_wait(self, running: ContainerStatus, numbers: Timing) -> float:
        return first_wait(self._age(running.started_at), self._age(self._born), numbers, self._chance())

    def _age(self, moment: datetime.datetime | None) -> float:
        return (self._clock() - moment).total_seconds() if moment else 0.0


def _containers(pod: Object) -> Iterator[tuple[ContainerKind, Object]]:
    """Those that may have probes."""
    spec = pod.get("spec") or {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            yield ContainerKind.INIT, container
    for container in spec.get("containers") or ():
        yield ContainerKind.APP, container


def _probes(container: Object) -> dict[ProbeType, Object]:
    return {kind: probe for kind in ProbeType if (probe := container.get(kind.value))}


def _reported(pod: Object, running: ContainerStatus) -> Object:
    """What the API already says of this very container."""
    status = pod.get("status") or {}
    for kind in ("containerStatuses", "initContainerStatuses"):
        for reported in status.get(kind) or ():
            if str(reported.get("containerID") or "").endswith(f"://{running.id}"):
                return reported  # type: ignore[no-any-return]
    return {}


def _let_go(probed: _Probed) -> None:
    """No verdict of a probe may restart this container any more."""
    probed.stop(ProbeType.LIVENESS, ProbeType.STARTUP)
    for kind in (ProbeType.LIVENESS, ProbeType.STARTUP):
        if kind in probed.tallies:
            probed.tallies[kind] = Tally(True)
    probed.started.set()
