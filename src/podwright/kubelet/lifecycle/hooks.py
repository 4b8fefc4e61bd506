"""Delivers postStart and preStop: once each, at least once after a crash, with their output kept.

`kuberuntime` calls `post_start` right after it has started a container and `pre_stop` before it stops one. Events
say only that a hook failed, since details may hold secrets; those go to the container's status and the hook log.
Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, rfc3339_micro, uid_of
from podwright.api.reasons import EventReason
from podwright.kubelet.errors import PostStartError
from podwright.kubelet.interfaces import ContainerRef, EventWriter
from podwright.kubelet.lifecycle import hook_log
from podwright.kubelet.lifecycle.handlers import HandlerRunner, Outcome, handler_type, subject_text
from podwright.kubelet.lifecycle.hook_log import HookRun
from podwright.kubelet.lifecycle.hook_record import Delivery, HookRecords
from podwright.kubelet.lifecycle.limits import post_start_limit
from podwright.kubelet.volumes.in_thread import in_thread

_log = logging.getLogger(__name__)
POST_START = "postStart"
PRE_STOP = "preStop"

Key = tuple[str, str, str, str]
"""Pod UID, container name, container id, hook"""


@dataclass(slots=True, eq=False)
class _Wait:
    """A postStart that is being waited for, and how to end the wait."""

    scope: asyncio.Timeout
    cancelled: bool = False


class LifecycleHooks:
    """Implements interfaces.Hooks.

    `log_dir` gives the directory of a Pod's logs; `clock` the time in UTC.
    """

    def __init__(
        self,
        handlers: HandlerRunner,
        events: EventWriter,
        records: HookRecords,
        *,
        log_dir: Callable[[Object], Path],
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._handlers = handlers
        self._events = events
        self._records = records
        self._log_dir = log_dir
        self._clock = clock
        self._waiting: dict[str, set[_Wait]] = {}

    async def post_start(self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str]) -> None:
        """Run the hook, if the container has one that was not delivered to it yet.

        Raises PostStartError with the handler's full message, also when the hook had failed before; when the Pod's
        time limit or `cancel_post_start` ends the wait. If the task is cancelled the hook counts as not delivered.
        """
        handler = (container.get("lifecycle") or {}).get(POST_START)
        if not handler:
            return
        key = (uid_of(ref.pod), ref.name, container_id, POST_START)
        before = await in_thread(self._records.begin, *key)
        if before.delivery is Delivery.DONE:
            return
        if before.delivery is Delivery.FAILED:
            raise PostStartError(before.message)
        started, begun = self._clock(), _now()
        try:
            outcome = await self._wait_for_post_start(ref, container, handler, container_id, pod_ips)
        except asyncio.CancelledError:
            # The record keeps the intent, so that it is delivered again if the container still runs then.
            await self._keep(ref, _run(key, handler, Outcome("Cancelled"), started, _now() - begun))
            raise
        await self._finish(key, ref, outcome, _run(key, handler, outcome, started, _now() - begun))
        if outcome.failure:
            if outcome.result != "Cancelled":
                self._event(ref, EventReason.FAILED_POST_START_HOOK, "PostStartHook failed")
            raise PostStartError(outcome.failure)

    async def pre_stop(
        self, ref: ContainerRef, container: Object, container_id: str, pod_ips: Sequence[str], grace: float
    ) -> float:
        """Run the hook for at most `grace` seconds and return the seconds it took; a failure is an event only.

        0.0 when there is no hook, no grace, or when it was delivered to this container before.
        """
        handler = (container.get("lifecycle") or {}).get(PRE_STOP)
        if not handler or grace <= 0:
            return 0.0
        begun, started = _now(), self._clock()
        key = (uid_of(ref.pod), ref.name, container_id, PRE_STOP)
        if (await in_thread(self._records.begin, *key)).delivery.finished:
            return 0.0
        try:
            async with asyncio.timeout(grace):
                outcome = await self._handlers.run(handler, ref, container, container_id, pod_ips)
        except TimeoutError:
            # As in Kubernetes the end of the grace period is no failure: TERM follows.
            outcome = Outcome("TimedOut", message=f"not completed within the grace period of {grace:g} s")
        seconds = _now() - begun
        await self._finish(key, ref, outcome, _run(key, handler, outcome, started, seconds))
        if outcome.failure:
            self._event(ref, EventReason.FAILED_PRE_STOP_HOOK, "PreStopHook failed")
        return seconds

    def cancel_post_start(self, uid: str) -> None:
        """End the waits for postStart hooks of a Pod that is being deleted; `post_start` raises PostStartError."""
        for wait in self._waiting.get(uid, ()):
            wait.cancelled = True
            wait.scope.reschedule(_now())

    async def post_start_due(self, ref: ContainerRef, container: Object, container_id: str) -> bool:
        """Whether a container that already runs (found after a restart of ours) still needs `post_start` called.

        Also true when the hook had failed and the container was not killed yet: the call will raise then.
        """
        if not (container.get("lifecycle") or {}).get(POST_START):
            return False
        record = await in_thread(self._records.read, uid_of(ref.pod), ref.name, container_id, POST_START)
        return record.delivery is not Delivery.DONE

    async def _wait_for_post_start(
        self, ref: ContainerRef, container: Object, handler: Object, container_id: str, pod_ips: Sequence[str]
    ) -> Outcome:
        try:
            limit = post_start_limit(ref.pod)
        except ValueError as error:
            return Outcome("Failed", failure=str(error))
        uid = uid_of(ref.pod)
        wait = _Wait(asyncio.timeout(limit))
        self._waiting.setdefault(uid, set()).add(wait)
        try:
            async with wait.scope:
                return await self._handlers.run(handler, ref, container, container_id, pod_ips)
        except TimeoutError:
            what = f"PostStart hook for {subject_text(ref)}"
            if wait.cancelled:
                return Outcome("Cancelled", failure=f"{what} was not waited for: the Pod is being deleted")
            return Outcome("TimedOut", failure=f"{what} failed - error: not completed within {limit:g} s")
        finally:
            self._waiting[uid].discard(wait)
            if not self._waiting[uid]:
                del self._waiting[uid]

    async def _finish(self, key: Key, ref: ContainerRef, outcome: Outcome, run: HookRun) -> None:
        """The record and the log, in one thread; then what the user should hear of."""

        await self._keep(ref, run, lambda: self._records.finish(*key, outcome.failure))
        for reason, message in outcome.events:
            self._event(ref, reason, message)

    async def _keep(self, ref: ContainerRef, run: HookRun, record: Callable[[], None] | None = None) -> None:
        def write() -> None:
            if record is not None:
                record()
            hook_log.append(self._log_dir(ref.pod), run)

        try:
            await in_thread(write)
        except OSError as error:
            # The hook has run; that its output could not be kept must not change what follows from it.
            _log.warning("%s of container %s could not be recorded: %s", run.hook, run.containerID, error)

    def _event(self, ref: ContainerRef, reason: str, message: str) -> None:
        self._events.event(ref.pod, "Warning", reason, message, ref.field_path)


def _run(key: Key, handler: Object, outcome: Outcome, started: datetime.datetime, seconds: float) -> HookRun:
    """The line of the hook log."""
    _, name, container_id, hook = key
    return HookRun(
        time=rfc3339_micro(started),
        container=name,
        containerID=container_id,
        hook=hook,
        handler=handler_type(handler),
        result=outcome.result,
        seconds=round(seconds, 3),
        exitCode=outcome.exit_code,
        httpStatus=outcome.http_status,
        message=outcome.failure or outcome.message,
        output=hook_log.tail(outcome.output),
        outputBytes=len(outcome.output),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
