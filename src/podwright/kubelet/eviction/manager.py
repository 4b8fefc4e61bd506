"""Looks every ten seconds whether the node is short of something, frees what nobody needs, and ends a Pod if it must.

Run by `kubelet`. One Pod at a time: when it has ended, the node is looked at again at once. What `thresholds` says of
pressure goes to the Node's conditions.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object, key_of, uid_of
from podwright.api.pods import is_terminal, spec_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import CriError
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.eviction.local_limits import DiskUse, breach, is_limited
from podwright.kubelet.eviction.messages import eviction_message, verdict
from podwright.kubelet.eviction.ranking import Candidate, in_order_of_eviction
from podwright.kubelet.eviction.thresholds import DISK, INODES, MEMORY, Judgement, Level, Past, Shortage, judge
from podwright.kubelet.interfaces import EventWriter
from podwright.kubelet.pod_admission import is_critical
from podwright.kubelet.status.generate import Verdict

log = logging.getLogger(__name__)

PERIOD = 10.0
"""Seconds between looks."""
AT_ONCE = 1
"""Seconds of grace of a Pod that is ended for a hard threshold or a limit of its own."""
GONE_WITHIN = 30.0
"""Seconds that are waited for a Pod's end before the node is looked at again."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a Pod uses of what it shares with others."""

    memory: int
    """bytes that cannot be taken back easily"""
    processes: int
    containers: Mapping[str, int]
    """memory, by name"""


class Meters(Protocol):
    """What is measured. Each raises OSError, CriError."""

    async def left(self) -> Mapping[str, Level]:
        """What the node has left, by signal."""
        ...

    async def memory_use(self, pod: Object) -> MemoryUse | None:
        """Of one Pod; None when it has no cgroup."""
        ...

    async def disk_use(self, pod: Object) -> DiskUse:
        """Of one Pod."""
        ...


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that eviction needs."""

    meters: Meters
    pods: Callable[[], Iterable[Object]]
    evict: Callable[[str, Verdict, int | None], None]
    """by UID, with the grace in seconds"""
    cleaned_up: Callable[[Sequence[str]], Awaitable[None]]
    """returns when these Pods have ended and their volumes are gone"""
    free_disk: Callable[[], Awaitable[object]]
    """remove images that nobody uses"""
    under_pressure: Callable[[frozenset[str]], None]
    """is told the conditions that hold"""
    recorder: EventWriter
    node: Callable[[], Object]
    now: Callable[[], float]
    """seconds of a clock that does not jump"""


class EvictionManager:
    """Ends Pods when the node is short of something."""

    def __init__(self, config: KubeletConfiguration, with_: Collaborators) -> None:
        self._config = config
        self._with = with_
        self._past = Past()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            ended = ""
            try:
                ended = await self.look()
            except (OSError, CriError) as error:
                log.warning("what the node has left was not measured: %s", error)
            if not ended:
                await asyncio.sleep(PERIOD)
                continue
            try:
                async with asyncio.timeout(GONE_WITHIN):
                    await self._with.cleaned_up([ended])
            except TimeoutError:
                log.warning("pod %s, which was evicted, still runs", ended)

    async def look(self) -> str:
        """Look once; the UID of the Pod that is being ended, "" when none is. Raises OSError, CriError."""
        judgement = await self._judge()
        if not judgement.act_on:
            return await self._end_for_its_own_limit()
        shortage = judgement.act_on[0]
        text = f"Attempting to reclaim {shortage.resource}"
        self._with.recorder.event(self._with.node(), "Warning", EventReason.EVICTION_THRESHOLD_MET, text)
        if shortage.resource in (DISK, INODES):
            await self._with.free_disk()
            judgement = await self._judge()
            if not judgement.act_on:
                return ""
            shortage = judgement.act_on[0]
        return await self._end_one(shortage)

    async def _judge(self) -> Judgement:
        left = await self._with.meters.left()
        judgement = judge(left, self._config, self._past, self._with.now())
        self._past = judgement.past
        self._with.under_pressure(judgement.conditions)
        return judgement

    async def _end_one(self, shortage: Shortage) -> str:
        candidates = [await self._candidate(shortage.resource, pod) for pod in self._active()]
        order = in_order_of_eviction(shortage.resource, [one for one in candidates if one is not None])
        if not order:
            log.warning("the node is short of %s, and no Pod may be ended for it", shortage.resource)
            return ""
        chosen = order[0]
        self._evict(chosen.pod, eviction_message(shortage, chosen), self._grace(shortage, chosen.pod))
        return uid_of(chosen.pod)

    async def _end_for_its_own_limit(self) -> str:
        for pod in self._active():
            if is_critical(pod) or not is_limited(pod):
                continue
            text = breach(pod, await self._with.meters.disk_use(pod))
            if text:
                self._evict(pod, text, AT_ONCE)
                return uid_of(pod)
        return ""

    def _active(self) -> list[Object]:
        return [pod for pod in self._with.pods() if not is_terminal(pod)]

    async def _candidate(self, resource: str, pod: Object) -> Candidate | None:
        if resource in (DISK, INODES):
            disk = await self._with.meters.disk_use(pod)
            return Candidate(pod, disk.total, disk.containers)
        use = await self._with.meters.memory_use(pod)
        if use is None:
            return None
        return Candidate(pod, use.memory if resource == MEMORY else use.processes, use.containers)

    def _grace(self, shortage: Shortage, pod: Object) -> int:
        if shortage.hard:
            return AT_ONCE
        own = spec_of(pod).get("terminationGracePeriodSeconds")
        most = self._config.evictionMaxPodGracePeriod
        return max(AT_ONCE, most if own is None else min(most, int(own)))

    def _evict(self, pod: Object, text: str, grace: int) -> None:
        log.warning("pod %s is evicted: %s", key_of(pod), text)
        self._with.recorder.event(pod, "Warning", EventReason.EVICTED, text)
        self._with.evict(uid_of(pod), verdict(text), grace)
