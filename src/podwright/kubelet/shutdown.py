"""Graceful node shutdown: ordinary Pods end first, then those that the node needs.

`plan` (pure) decides who ends when and with how much grace; `shut_down` does it. Called by `kubelet` when the machine
goes down and KubeletConfiguration gives a shutdownGracePeriod.
Page: https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podwright.api.objects import Object, uid_of
from podwright.api.pods import spec_of
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.configuration_values import PriorityGrace
from podwright.kubelet.pod_admission import CRITICAL_PRIORITY, is_critical
from podwright.kubelet.pod_state import Doomed
from podwright.kubelet.pod_workers import PodWorkers
from podwright.kubelet.status.generate import Verdict

log = logging.getLogger(__name__)

MESSAGE = "Pod was terminated in response to imminent node shutdown."
VERDICT = Verdict(
    "Terminated",
    MESSAGE,
    [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": MESSAGE}],
)


@dataclass(frozen=True, slots=True)
class Round:
    """Pods that end together."""

    graces: dict[str, int]
    """seconds by UID"""
    limit: float
    """seconds that the whole round may take"""


def plan(pods: Iterable[Object], config: KubeletConfiguration) -> Sequence[Round]:
    """The rounds in order; none where no grace is configured."""
    parts = parts_of(config)
    groups: list[list[Object]] = [[] for _ in parts]
    for pod in pods if parts else ():
        groups[_part_of(_priority(pod), parts)].append(pod)
    return [
        Round({uid_of(p): _grace(p, part.seconds) for p in group}, part.seconds)
        for group, part in zip(groups, parts, strict=True)
        if group
    ]


def parts_of(config: KubeletConfiguration) -> Sequence[PriorityGrace]:
    """Who gets how long, the lowest priority first; empty: the node goes down without waiting for its Pods."""
    if config.shutdownGracePeriodByPodPriority:
        return config.shutdownGracePeriodByPodPriority
    if config.shutdownGracePeriod <= 0:
        return ()
    critical = int(config.shutdownGracePeriodCriticalPods)
    return (PriorityGrace(0, int(config.shutdownGracePeriod) - critical), PriorityGrace(CRITICAL_PRIORITY, critical))


def _part_of(priority: int, parts: Sequence[PriorityGrace]) -> int:
    """The last part that begins at or below the priority; what is below all of them is in the first."""
    return max((i for i, part in enumerate(parts) if part.priority <= priority), default=0)


def _priority(pod: Object) -> int:
    own = int(spec_of(pod).get("priority") or 0)
    return max(own, CRITICAL_PRIORITY) if is_critical(pod) else own


def _grace(pod: Object, limit: float) -> int:
    own = pod["spec"].get("terminationGracePeriodSeconds")
    return max(1, min(int(limit), 30 if own is None else int(own)))


async def shut_down(workers: PodWorkers, config: KubeletConfiguration) -> None:
    """End the Pods, round after round, each no longer than its part of the time."""
    for turn in plan([pod for _, pod, _ in workers.pods()], config):
        for uid, grace in turn.graces.items():
            workers.tell(uid, Doomed(VERDICT, grace))
        try:
            async with asyncio.timeout(turn.limit):
                await workers.stopped(turn.graces)
        except TimeoutError:
            log.warning("node shutdown: not all of %d pods ended within %g s", len(turn.graces), turn.limit)
