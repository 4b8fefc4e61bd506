"""One worker for each Pod UID: does what the Pod's state asks for, the latest update first, one thing at a time.

Called by `kubelet` (events of sources, wake-ups of pleg, evictions). A worker's task lives while there is something
to do and ends when the Pod is settled; what is due later (a retry, the resync) is a timer, not a waiting task.
An ending breaks off whatever is being done for the Pod, so a deletion never waits for an image pull or a hook.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from podwright.api.errors import StatusError
from podwright.api.objects import Object, key_of
from podwright.cri.errors import CriError
from podwright.kubelet.interfaces import VolumeError
from podwright.kubelet.pod_state import (
    Cleaned,
    Doomed,
    Ended,
    Event,
    PodState,
    Removed,
    Seen,
    Stage,
    Stopped,
    must_wait_for,
    react,
)
from podwright.kubelet.status.generate import Verdict

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_ERROR_DELAY = 1.0
"""Seconds after which a pass that failed is tried again first, doubling; often the runtime was away for a moment."""
ERROR_DELAY = 10.0
"""The longest of these pauses; while a Pod is made to run up to half of each is added at random."""
JITTER = 0.5


class StillRunning(Exception):
    """Containers are left that did not stop."""


_EXPECTED = (CriError, StatusError, OSError, VolumeError, StillRunning)
"""What happens to a node in its ordinary life; anything else is a fault of the program and logged as one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass over a Pod came to."""

    retry_after: float | None = None
    """seconds until the next pass makes sense; None: the resync, or a wake-up, is soon enough"""
    ended: bool = False
    """no container runs or will run"""
    verdict: Verdict | None = None
    """the Pod must end Failed"""
    seen_at: float | None = None
    """event loop time at which the runtime was last read: wake-ups from before it have been served"""
    again: bool = False
    """the runtime showed something at that time that calls for another pass at once"""


class Handlers(Protocol):
    """What there is to do for a Pod; see `pod_lifecycle`."""

    async def sync(self, pod: Object, *, routine: bool = False) -> Outcome:
        """One pass to make it run. `routine`: nothing is known to have happened since the last one, which went well."""
        ...

    async def terminate(self, uid: str, pod: Object | None, state: PodState) -> None:
        """Stop everything of it. An exception: not everything could be stopped, try again."""
        ...

    async def finish(self, uid: str, pod: Object | None, state: PodState) -> None:
        """Clean up after it: everything when `state.remove`. An exception: try again."""
        ...


@dataclass(slots=True, eq=False)
class _Worker:
    """One Pod."""

    uid: str
    state: PodState
    pod: Object | None = None
    task: asyncio.Task[None] | None = None
    operation: asyncio.Future[Any] | None = None
    interrupted: bool = False
    due: bool = False
    """another pass is wanted for a reason other than a wake-up"""
    settled: bool = False
    """the last pass left nothing to do, and nothing has been told since"""
    woken_at: float | None = None
    timer: asyncio.TimerHandle | None = None
    failures: int = 0


class PodWorkers:
    """All workers of this kubelet."""

    def __init__(
        self,
        handlers: Handlers,
        *,
        resync: float,
        chance: Callable[[], float] = random.random,
        on_forgotten: Callable[[Object], None] | None = None,
    ) -> None:
        """`resync`: seconds after which a settled Pod is looked at again; `chance`: 0..1 for the jitter.

        `on_forgotten` is told of each Pod of which nothing is left.
        """
        self._handlers = handlers
        self._resync = resync
        self._chance = chance
        self._on_forgotten = on_forgotten
        self._workers: dict[str, _Worker] = {}
        self._group: asyncio.TaskGroup | None = None
        self._progress = asyncio.Event()

    async def run(self) -> None:
        """Own the workers' tasks until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for worker in list(self._workers.values()):
                    self._begin(worker)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None
            for worker in self._workers.values():
                if worker.timer is not None:
                    worker.timer.cancel()

    def tell(self, uid: str, event: Event) -> None:
        """Something happened to a Pod."""
        worker = self._workers.get(uid)
        state, interrupt = react(worker.state if worker else None, event)
        if state is None:
            self._forget(uid)
            return
        if worker is None:
            worker = self._workers[uid] = _Worker(uid, state)
        if isinstance(event, Seen | Removed):
            worker.pod = event.pod
        worker.state = state
        self._progress.set()
        if interrupt and worker.operation is not None:
            worker.interrupted = True
            worker.operation.cancel()
        worker.settled = False
        if state.stage is not Stage.FINISHED:
            worker.due = True
            self._begin(worker)

    def wake(self, uid: str) -> bool:
        """Something changed in the runtime; False: no such Pod is known here."""
        worker = self._workers.get(uid)
        if worker is None:
            return False
        if worker.state.stage is Stage.SYNCING:
            worker.woken_at = asyncio.get_running_loop().time()
            self._begin(worker)
        return True

    def state_of(self, uid: str) -> PodState | None:
        """Where a Pod stands; None: it is not known."""
        worker = self._workers.get(uid)
        return worker.state if worker else None

    def pods(self) -> Iterator[tuple[str, Object, PodState]]:
        """Every Pod that has an object, with its state."""
        for worker in self._workers.values():
            if worker.pod is not None:
                yield worker.uid, worker.pod, worker.state

    def uids(self) -> frozenset[str]:
        """Every Pod known, orphans included."""
        return frozenset(self._workers)

    async def stopped(self, uids: Collection[str]) -> None:
        """Return once nothing of these Pods runs any more."""
        while any(s is not None and s.stage in (Stage.SYNCING, Stage.TERMINATING) for s in map(self.state_of, uids)):
            self._progress.clear()
            await self._progress.wait()

    async def cleaned_up(self, uids: Collection[str]) -> None:
        """Return once these Pods have ended and their volumes are gone."""
        while any(s is not None and s.stage is not Stage.FINISHED for s in map(self.state_of, uids)):
            self._progress.clear()
            await self._progress.wait()

    def _forget(self, uid: str) -> None:
        self._progress.set()
        worker = self._workers.pop(uid, None)
        if worker is not None and worker.timer is not None:
            worker.timer.cancel()
        if worker is not None and worker.pod is not None and self._on_forgotten is not None:
            self._on_forgotten(worker.pod)
        self._let_waiting_begin()

    def _let_waiting_begin(self) -> None:
        """A name has become free: static Pods that waited for it may start."""
        for worker in self._workers.values():
            if worker.due and worker.task is None:
                self._begin(worker)

    def _begin(self, worker: _Worker) -> None:
        if worker.task is None and self._group is not None:
            name = f"pod {key_of(worker.pod)}" if worker.pod else f"pod {worker.uid}"
            worker.task = self._group.create_task(self._work(worker), name=name)

    async def _work(self, worker: _Worker) -> None:
        """Pass after pass, until nothing is due."""
        delay: float | None = None
        try:
            while self._wants_pass(worker):
                if worker.timer is not None:
                    worker.timer.cancel()
                    worker.timer = None
                routine = worker.settled and worker.woken_at is None
                worker.due, worker.woken_at, worker.settled = False, None, False
                delay = await self._pass(worker, routine=routine)
        finally:
            worker.task = None
        if self._workers.get(worker.uid) is worker and delay is not None:
            worker.timer = asyncio.get_running_loop().call_later(delay, self._time_is_up, worker)

    def _wants_pass(self, worker: _Worker) -> bool:
        if self._workers.get(worker.uid) is not worker or worker.state.stage is Stage.FINISHED:
            return False
        if not worker.due and worker.woken_at is None:
            return False
        if worker.state.stage is not Stage.SYNCING or worker.pod is None:
            return True
        return must_wait_for(worker.pod, worker.uid, self.pods()) is None

    def _time_is_up(self, worker: _Worker) -> None:
        worker.timer = None
        worker.due = True
        self._begin(worker)

    async def _pass(self, worker: _Worker, *, routine: bool) -> float | None:
        """One pass; returns the seconds until the next one is due, None when nothing is left to wait for."""
        state, pod = worker.state, worker.pod
        try:
            match state.stage:
                case Stage.SYNCING if pod is not None:
                    outcome = await self._interruptible(worker, self._handlers.sync(pod, routine=routine))
                    worker.failures = 0
                    return self._after_sync(worker, outcome) if outcome is not None else None
                case Stage.TERMINATING:
                    call = self._handlers.terminate(worker.uid, pod, state)
                    if await self._interruptible(worker, _completed(call)):
                        worker.failures = 0
                        self.tell(worker.uid, Stopped())
                case Stage.TERMINATED:
                    await self._handlers.finish(worker.uid, pod, state)
                    worker.failures = 0
                    self.tell(worker.uid, Cleaned(removed=state.remove))
                    self._let_waiting_begin()
            return None
        except Exception as error:
            # A fault in one Pod's handling must not end all the others'.
            worker.failures += 1
            delay = self._error_delay(state.stage, worker.failures)
            what = key_of(pod) if pod else worker.uid
            expected = isinstance(error, _EXPECTED)
            log.warning(
                "%s pod %s failed, again in %.1f s: %s",
                state.stage.value,
                what,
                delay,
                error,
                exc_info=None if expected else error,
            )
            return delay

    def _after_sync(self, worker: _Worker, outcome: Outcome) -> float | None:
        if outcome.seen_at is not None and worker.woken_at is not None and worker.woken_at <= outcome.seen_at:
            worker.woken_at = None
        if outcome.verdict is not None:
            self.tell(worker.uid, Doomed(outcome.verdict))
        elif outcome.ended:
            self.tell(worker.uid, Ended())
        elif outcome.again:
            worker.due = True
        worker.settled = outcome.retry_after is None and not worker.due
        resync = self._resync * (1 + JITTER * self._chance())
        return resync if outcome.retry_after is None else min(outcome.retry_after, resync)

    def _error_delay(self, stage: Stage, failures: int) -> float:
        delay: float = min(ERROR_DELAY, FIRST_ERROR_DELAY * 2 ** min(failures - 1, 10))
        return delay * (1 + JITTER * self._chance()) if stage is Stage.SYNCING else delay

    async def _interruptible(self, worker: _Worker, call: Coroutine[Any, Any, T]) -> T | None:
        """The result of `call`, or None when an event has broken it off."""
        worker.interrupted = False
        operation = asyncio.ensure_future(call)
        worker.operation = operation
        try:
            return await operation
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if worker.interrupted and not (task and task.cancelling()):
                return None
            raise
        finally:
            worker.operation = None


async def _completed(call: Coroutine[Any, Any, None]) -> bool:
    await call
    return True
