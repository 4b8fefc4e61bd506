"""One probe of one container, from its start to its end: waits, probes, counts, tells.

`manager.py` starts a worker per probe when a container appears and cancels it when the container goes.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object
from podwright.api.reasons import EventReason
from podwright.kubelet.interfaces import ContainerRef, EventWriter
from podwright.kubelet.prober.decision import ProbeType, Tally, Timing, count, is_finished, next_due
from podwright.kubelet.prober.runners import ProbeOutcome, ProbeRunner, Result

_log = logging.getLogger(__name__)
_ATTEMPTS = 3
"""How often a probe that could not run is tried at once."""
_MESSAGE_LIMIT = 1000
"""Characters; the API takes events of up to 1024."""


@dataclass(slots=True)
class ProbeJob:
    """What a worker probes, and whom it tells."""

    kind: ProbeType
    probe: Mapping[str, Any]
    numbers: Timing
    ref: Callable[[], ContainerRef]
    """the container as the newest version of its Pod has it"""
    container: Object
    container_id: str
    address: str
    first_wait: Callable[[], float]
    """seconds until the first probe, asked when everything else is ready for it"""
    after: asyncio.Event | None
    """what has to happen before (the container's startup); None: nothing"""


class Worker:
    """Runs one job. `tell` is called with each tally whose verdict differs from the one before."""

    def __init__(
        self, job: ProbeJob, tally: Tally, runner: ProbeRunner, events: EventWriter, tell: Callable[[Tally], None]
    ) -> None:
        self._job = job
        self._tally = tally
        self._runner = runner
        self._events = events
        self._tell = tell

    async def run(self) -> None:
        """Probe until a last verdict is there, or until cancelled. One broken probe never harms the others."""
        job = self._job
        loop = asyncio.get_running_loop()
        if job.after is not None:
            await job.after.wait()
        due = loop.time() + job.first_wait()
        while not is_finished(job.kind, self._tally):
            await asyncio.sleep(due - loop.time())
            self._take(await self._probe())
            due = next_due(due, loop.time(), job.numbers, together="exec" not in job.probe)

    async def _probe(self) -> ProbeOutcome:
        job = self._job
        outcome = ProbeOutcome(Result.ERROR)
        for _ in range(_ATTEMPTS):
            try:
                outcome = await self._runner.run(
                    job.probe, job.container, job.container_id, job.address, job.numbers.timeout
                )
            except Exception as error:  # noqa: BLE001 - told in the log and in an event
                _log.exception("%s probe of container %s", job.kind.title, job.container.get("name"))
                outcome = ProbeOutcome(Result.ERROR, f"{type(error).__name__}: {error}")
            if outcome.result is not Result.ERROR:
                break
        return outcome

    def _take(self, outcome: ProbeOutcome) -> None:
        title, message = self._job.kind.title, outcome.message[:_MESSAGE_LIMIT]
        if outcome.result is Result.ERROR:
            self._event(EventReason.UNHEALTHY, f"{title} probe errored and resulted in unknown state: {message}")
            return
        if outcome.result is Result.FAILURE:
            self._event(EventReason.UNHEALTHY, f"{title} probe failed: {message}")
        elif outcome.result is Result.WARNING:
            self._event(EventReason.PROBE_WARNING, f"{title} probe warning: {message}")
        before, passed = self._tally.verdict, outcome.result is not Result.FAILURE
        self._tally = count(self._tally, passed, self._job.numbers)
        if self._tally.verdict is not before:
            self._tell(self._tally)

    def _event(self, reason: EventReason, message: str) -> None:
        ref = self._job.ref()
        self._events.event(ref.pod, "Warning", reason, message, ref.field_path)
