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
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.pod_admission import is_critical
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
    """The rounds in order; none without a shutdownGracePeriod."""
    if config.shutdownGracePeriod <= 0:
        return []
    critical_part = config.shutdownGracePeriodCriticalPods
    groups: tuple[list[Object], list[Object]] = ([], [])
    for pod in pods:
        groups[is_critical(pod)].append(pod)
    limits = (config.shutdownGracePeriod - critical_part, critical_part)
    return [
        Round({uid_of(p): _grace(p, limit) for p in group}, limit)
        for group, limit in zip(groups, limits, strict=True)
        if group
    ]


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
