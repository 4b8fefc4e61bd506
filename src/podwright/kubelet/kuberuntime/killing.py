"""Ends containers: preStop hook, stop signal, SIGKILL, within the grace period.

Carries out kills: of one container in place, of all containers of a Pod side by side. The arithmetic is `grace`, the
order `termination_order`. Called by `sync_pod`, `container` (failed postStart) and `runtime`.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.api.objects import Object, uid_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import CriError, NotFound
from podwright.kubelet.interfaces import ContainerRef
from podwright.kubelet.kuberuntime import labels, stop_signal
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.grace import grace_for, remaining, stop_timeout
from podwright.kubelet.kuberuntime.pod_containers import find_member
from podwright.kubelet.kuberuntime.termination_order import waits_for
from podwright.kubelet.kuberuntime.together import all_of, beside
from podwright.kubelet.runtime_state import ContainerStatus, PodRuntimeStatus

log = logging.getLogger(__name__)

OVERDUE = 3.0
"""Seconds that the runtime may take beyond the grace to say that a container has ended."""
KILLED = 10.0
"""Seconds that it may take to notice that all processes of a container were killed."""
UNHEARD = 2.0
"""Seconds after which a container that was perhaps asked to end before gets its signal once more."""
BARELY_ASKED = 1.0
"""Seconds of a call within which, when it is broken off for a shorter grace, the signal may not have been sent yet."""


@dataclass(frozen=True, slots=True)
class Target:
    """One running container, with as much of its Pod as is known."""

    ref: ContainerRef
    spec: Object
    container_id: str


@dataclass(slots=True)
class _Turns:
    """Tells a container when those before it have ended."""

    order: dict[str, frozenset[str]]
    ended: dict[str, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self.ended = {name: asyncio.Event() for name in self.order}

    async def wait(self, name: str, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                for other in self.order[name]:
                    await self.ended[other].wait()
        except TimeoutError:
            # The Pod's grace is over: order gives way.
            return


class Killer:
    """Ends containers."""

    def __init__(self, with_: Collaborators) -> None:
        self._with = with_
        self._barely_asked: set[str] = set()

    async def kill(
        self, target: Target, pod_ips: Sequence[str], message: str = "", *, probe: str = "", override: int | None = None
    ) -> None:
        """End one container; `override` is the whole grace in seconds, else the Pod's own rules count.

        Raises CriError when the runtime does not say that it has ended.
        """
        await self._kill(target, pod_ips, message, grace_for(target.ref.pod, target.spec, probe, override), None)

    async def kill_all(
        self, pod: Object | None, status: PodRuntimeStatus, override: int | None, *, resumed: bool = False
    ) -> list[Exception]:
        """End every container of a Pod that may be alive, and return what went wrong.

        Without the Pod object, hooks and grace are read from what the runtime kept of each container. `resumed`: an
        earlier kubelet may have asked the runtime to stop them.
        """
        running = list(status.running())
        names = [container.name for container in running]
        turns = _Turns(dict(waits_for(pod, names)) if pod else dict.fromkeys(names, frozenset()))

        async def end(container: ContainerStatus) -> None:
            try:
                target = await self._target(pod, container)
                grace = grace_for(target.ref.pod, target.spec, override=override)
                await self._kill(target, status.ips, "", grace, turns, resumed=resumed)
            except NotFound:
                return
            finally:
                turns.ended[container.name].set()

        return await all_of(end(container) for container in running)

    async def _target(self, pod: Object | None, container: ContainerStatus) -> Target:
        """What must be known to end `container`. Raises CriError when only the runtime could tell and does not."""
        member = find_member(pod, container.name) if pod else None
        if pod is not None and member is not None:
            return Target(member.ref(pod), member.spec, container.id)
        kept = (await self._with.runtime.container_status(container.id)).status
        restored, kind = labels.restore(container.name, kept.labels, kept.annotations)
        spec: Object = restored["spec"][kind.value][0]
        return Target(ContainerRef(pod or restored, container.name, kind), spec, container.id)

    async def _kill(
        self,
        target: Target,
        pod_ips: Sequence[str],
        message: str,
        grace: int,
        turns: _Turns | None,
        *,
        resumed: bool = False,
    ) -> None:
        with_, ref = self._with, target.ref
        text = message or f"Stopping container {ref.name}"
        with_.recorder.event(ref.pod, "Normal", EventReason.KILLING, text, ref.field_path)
        if grace > 0 and (target.spec.get("lifecycle") or {}).get("preStop"):
            spent = await with_.hooks.pre_stop(ref, target.spec, target.container_id, pod_ips, grace)
            grace = remaining(grace, spent)
        if turns is not None:
            began = time.monotonic()
            await turns.wait(ref.name, grace)
            grace = remaining(grace, time.monotonic() - began)
        timeout = stop_timeout(grace)
        with contextlib.suppress(NotFound):
            own = stop_signal.named(target.spec)
            if own and await stop_signal.send(with_.runtime, target.container_id, own, timeout):
                # It has had its signal and its time; the runtime ends what is left.
                timeout = 0
            perhaps_unheard = resumed or target.container_id in self._barely_asked
            if perhaps_unheard and timeout > UNHEARD:
                async with beside(self._remind(target.container_id)):
                    await self._stop(uid_of(ref.pod), target.container_id, timeout)
            else:
                await self._stop(uid_of(ref.pod), target.container_id, timeout)

    async def _remind(self, container_id: str) -> None:
        """Ask a container once more to end, if it goes on.

        containerd sends the stop signal once. When we were killed while it did, or broke the call off because the grace
        was shortened, it may have counted it and not sent it.
        """
        await asyncio.sleep(UNHEARD)
        try:
            await stop_signal.repeat(self._with.runtime, self._with.image_client, container_id)
        except CriError as error:
            log.warning("container %s was not asked again to end: %s", container_id, error)

    async def _stop(self, uid: str, container_id: str, timeout: int) -> None:
        began = time.monotonic()
        try:
            await self._stop_with_help(uid, container_id, timeout)
        except asyncio.CancelledError:
            if time.monotonic() - began < BARELY_ASKED:
                self._barely_asked.add(container_id)
            raise
        self._barely_asked.discard(container_id)

    async def _stop_with_help(self, uid: str, container_id: str, timeout: int) -> None:
        """Have the runtime stop it; when that does not answer, help, the gentlest help first. Raises CriError."""
        with_ = self._with
        rescue = with_.rescue
        with_.cgroups.ending(container_id)
        stopping = with_.runtime.stop_container(container_id, timeout=timeout)
        if rescue is None:
            await stopping
            return
        async with beside(stopping) as call:
            if await _answered(call, timeout + OVERDUE):
                return
            await rescue.free()
            if await _answered(call, OVERDUE):
                return
            log.warning("container %s does not end: its processes are killed", container_id)
            with contextlib.suppress(OSError):
                await with_.cgroups.kill(uid, container_id)
            if await _answered(call, KILLED):
                return
            await rescue.kill(container_id)
            with contextlib.suppress(CriError):
                await call
            # What the call broke off with says nothing of the container, which has ended with its keeper.
            await with_.runtime.stop_container(container_id, timeout=0)


async def _answered(call: asyncio.Future[Any], within: float) -> bool:
    """Whether the runtime has answered in time. Raises what it answered."""
    done, _ = await asyncio.wait({call}, timeout=within)
    if done:
        await call
    return bool(done)
