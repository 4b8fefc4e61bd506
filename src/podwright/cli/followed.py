"""One Pod and one workload that `podwright run` follows: how far each was at the last look, and how long it may wait.

Times are seconds of a clock that never goes back, given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from podwright.api.objects import Object, key_of, metadata, name_of, uid_of
from podwright.cli.containers import container_states
from podwright.cli.outcome import Outcome, Stage, is_settled, outcome_of
from podwright.cli.workloads import Progress, Seen, least_seconds, may_end_at_once, progress_of

PATIENCE = 15.0
"""Seconds that a workload may be stuck: in them a pull that failed is tried again, and what came later is found."""
SETTLING = 1.0
"""Seconds for which a container without a readiness probe must run on: until it ends it counts as ready."""


@dataclass(slots=True)
class FollowedPod:
    """A Pod of the files, or one of a workload."""

    pod: Object
    outcome: Outcome
    unsettled_since: float | None = None
    logged: set[str] = field(default_factory=set)
    """ids of the containers whose logs are being copied, or were"""
    explained: set[tuple[tuple[str, str], ...]] = field(default_factory=set)

    @classmethod
    def of(cls, pod: Object, now: float) -> FollowedPod:
        """One that has just been seen."""
        made = cls(pod, outcome_of(pod))
        made.look(pod, now)
        return made

    @property
    def many_containers(self) -> bool:
        """Whether its logs need their containers' names."""
        return sum(1 for _ in container_states(self.pod)) > 1

    def look(self, pod: Object, now: float) -> None:
        """It has changed."""
        self.pod, self.outcome = pod, outcome_of(pod)
        if is_settled(pod, self.outcome.stage):
            self.unsettled_since = None
        elif self.unsettled_since is None:
            self.unsettled_since = now

    def deadline(self, timeout: float) -> float | None:
        """When it is given up, if it stays as it is; None: never."""
        return None if self.unsettled_since is None else self.unsettled_since + timeout


@dataclass(slots=True)
class FollowedWorkload:
    """A workload of the files. It is judged until it has arrived once; later changes are its own affair."""

    title: str
    """deployment/web"""
    seen: Seen
    progress: Progress
    since: float
    """when it last got on"""
    stuck_since: float | None = None
    ready_since: float | None = None
    arrived: bool = False
    gone: bool = False
    pods: dict[str, FollowedPod] = field(default_factory=dict)
    """by uid"""
    explained: set[object] = field(default_factory=set)

    @classmethod
    def of(cls, title: str, seen: Seen, now: float) -> FollowedWorkload:
        """One that has just been applied."""
        made = cls(title, seen, progress_of(seen), now)
        made.look(seen, now)
        return made

    def look(self, seen: Seen, now: float) -> None:
        """Something about it has changed, or may have; what becomes of it after its end is not asked."""
        if self.progress.stage is Stage.ENDED and self.arrived:
            return
        before, self.seen, self.progress = self.progress, seen, progress_of(seen)
        if before.told != self.progress.told or self.progress.stage is Stage.STARTED:
            self.since, self.stuck_since = now, None
        if self.progress.stage is Stage.STUCK and self.stuck_since is None:
            self.stuck_since = now
        if self.progress.stage is not Stage.READY:
            self.ready_since = None
        elif self.ready_since is None:
            self.ready_since = now
        if self.progress.stage is Stage.ENDED or ((settled := self.settles_at()) is not None and settled <= now):
            self.arrived = True
        followed = self.pods
        self.pods = {uid_of(pod): followed.get(uid_of(pod)) or FollowedPod.of(pod, now) for pod in seen.pods}
        for pod in seen.pods:
            self.pods[uid_of(pod)].look(pod, now)

    def settles_at(self) -> float | None:
        """When it has arrived, if it stays as it is; None: not at all, or it has."""
        if self.ready_since is None or self.arrived:
            return None
        return self.ready_since + (SETTLING if may_end_at_once(self.seen) else 0.0)

    def deadline(self, timeout: float) -> float | None:
        """When it is given up, if it stays as it is; None: never."""
        if self.arrived or self.gone or self.progress.stage is Stage.STARTED:
            return None
        last = self.since + timeout + least_seconds(self.seen.object)
        # What is waiting between two tries may not look stuck at this moment.
        return last if self.stuck_since is None else min(last, self.stuck_since + min(timeout, PATIENCE))

    def told(self) -> str:
        """How far it is, or how it ended; "" when there is nothing to tell yet."""
        progress = self.progress
        if progress.stage is Stage.ENDED:
            how = "failed" if progress.exit_code else "is complete"
            return "\n".join([f"{self.title} {how}: {progress.told}", *self.reasons()])
        if self.gone:
            return f"{self.title} was deleted"
        if progress.stage is Stage.READY and self.arrived:
            return f"{self.title} is rolled out: {progress.told}"
        return f"{self.title}: {progress.told}" if progress.told else ""

    def reasons(self) -> list[str]:
        """What keeps it, a line for each reason and at most one Pod for it."""
        by_reason: dict[str, str] = {}
        for pod, reason in self.progress.stuck:
            by_reason.setdefault(reason, pod)
        return [f"pod/{pod}: {reason}" if pod else reason for reason, pod in by_reason.items()]

    def troubled(self) -> Iterator[FollowedPod]:
        """A Pod for each set of reasons that Pods are stuck for."""
        told: set[object] = set()
        named = {name for name, _ in self.progress.stuck}
        for followed in self.pods.values():
            why = followed.outcome.stuck
            if name_of(followed.pod) in named and why not in told:
                told.add(why)
                yield followed

    def unready(self) -> FollowedPod | None:
        """A Pod that is neither Ready nor going, the newest; None when there is none."""
        waiting = [
            one
            for one in self.pods.values()
            if one.outcome.stage not in (Stage.READY, Stage.ENDED) and not metadata(one.pod).get("deletionTimestamp")
        ]
        return max(waiting, key=lambda one: (metadata(one.pod).get("creationTimestamp"), key_of(one.pod)), default=None)
