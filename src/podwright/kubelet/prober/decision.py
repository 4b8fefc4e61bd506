"""When a probe runs and what its results come to.

Pure. `worker.py` asks after each probe, `manager.py` when a container appears.

               startup probe      liveness probe        readiness probe
    begins     initialDelay       after startup         after startup
    at first   not started        alive                 not ready
    ends       at the first verdict   when it has failed    with the container

A verdict needs `successThreshold` or `failureThreshold` results of the same kind in a row.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

STEPS = 20
"""Moments in a period at which probes run."""
_ROUNDING = 1e-3


class ProbeType(enum.Enum):
    """The kinds of probe; the value is the container's field."""

    STARTUP = "startupProbe"
    READINESS = "readinessProbe"
    LIVENESS = "livenessProbe"

    @property
    def title(self) -> str:
        """As events name it: `Liveness`."""
        return self.name.capitalize()


@dataclass(frozen=True, slots=True)
class Timing:
    """The numbers of a probe, in seconds and results."""

    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    success_threshold: int = 1
    failure_threshold: int = 3


def timing(probe: Mapping[str, Any]) -> Timing:
    """The numbers of a probe as it stands in the Pod, with the defaults of the API."""
    return Timing(
        initial_delay=probe.get("initialDelaySeconds") or 0,
        period=probe.get("periodSeconds") or 10,
        timeout=probe.get("timeoutSeconds") or 1,
        success_threshold=probe.get("successThreshold") or 1,
        failure_threshold=probe.get("failureThreshold") or 3,
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """The verdict so far, and how many results of one kind came last."""

    verdict: bool | None
    """True: passes, False: fails, None: nothing is known yet"""
    last: bool | None = None
    run: int = 0


def initial(kind: ProbeType, was_good: bool = False) -> Tally:
    """Where a probe begins; `was_good` when the API says so of this very container (after a restart of ours)."""
    if kind is ProbeType.LIVENESS or was_good:
        return Tally(True)
    return Tally(None if kind is ProbeType.STARTUP else False)


def count(tally: Tally, passed: bool, numbers: Timing) -> Tally:
    """The tally after one more result."""
    run = tally.run + 1 if tally.last is passed else 1
    threshold = numbers.success_threshold if passed else numbers.failure_threshold
    counted = replace(tally, last=passed, run=run)
    return replace(counted, verdict=passed) if run >= threshold else counted


def is_finished(kind: ProbeType, tally: Tally) -> bool:
    """Whether this container needs no more probes of this kind: it has started, or it will be restarted."""
    if kind is ProbeType.STARTUP:
        return tally.verdict is not None
    return kind is ProbeType.LIVENESS and tally.verdict is False


def first_wait(age: float, our_age: float, numbers: Timing, chance: float) -> float:
    """Seconds until the first probe of a container that has run for `age` seconds.

    When this process itself is younger than a period, as after a restart with many Pods, the probes are spread over one
    period by `chance` (0 to 1).
    """
    spread = chance * numbers.period if our_age < numbers.period and age > our_age else 0.0
    return max(numbers.initial_delay - age, spread, 0.0)


def next_due(due: float, now: float, numbers: Timing, *, together: bool) -> float:
    """When the next probe is due after the one that was due at `due`; what was missed until `now` is left out.

    `together`: from the second probe on all are at multiples of a twentieth of their period, so that those of many
    containers come at the same moments: that the node wakes up costs as much as several requests do. Commands, which
    cost far more, are rather kept apart.
    """
    # A timer may fire a little early, which must not bring the next probe at once.
    missed = max(now - due, 0.0) // numbers.period
    if not together:
        return due + (missed + 1) * numbers.period
    step = numbers.period / STEPS
    # A moment that is such a multiple already must not move on because of how it is rounded.
    return math.ceil((due + (missed + 1) * numbers.period) / step - _ROUNDING) * step
