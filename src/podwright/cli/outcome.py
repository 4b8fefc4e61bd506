"""How far a Pod has come, as `podwright run` sees it. Pure.

A Pod with restartPolicy Always serves: it has arrived when it is Ready. Every other one works to an end.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from podwright.api.objects import Object, metadata
from podwright.api.pods import condition, condition_is_true, is_terminal, spec_of
from podwright.api.reasons import Phase
from podwright.cli.advice import HOPELESS, STUCK
from podwright.cli.containers import ContainerState, container_states


class Stage(enum.Enum):
    """Where a Pod is on its way."""

    WAITING = "waiting"
    STUCK = "stuck"
    """somebody has to do something about it"""
    HOPELESS = "hopeless"
    """it stays as it is for as long as nobody changes the Pod"""
    STARTED = "started"
    """works to its end; or serves, and is not yet Ready"""
    READY = "ready"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The stage; at the end the exit status for whoever started it; what it is stuck in, by container."""

    stage: Stage
    exit_code: int = 0
    stuck: tuple[tuple[str, str], ...] = ()


def serves(pod: Object) -> bool:
    """Whether it is meant to run on."""
    return (spec_of(pod).get("restartPolicy") or "Always") == "Always"


def outcome_of(pod: Object) -> Outcome:
    """Where this Pod is."""
    if is_terminal(pod):
        return Outcome(Stage.ENDED, _exit_code(pod))
    states = list(container_states(pod))
    stuck = tuple((state.name, state.reason) for state in states if state.state == "waiting" and state.reason in STUCK)
    if stuck:
        hopeless = any(reason in HOPELESS for _, reason in stuck)
        return Outcome(Stage.HOPELESS if hopeless else Stage.STUCK, stuck=stuck)
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return Outcome(Stage.STUCK, stuck=(("", str(scheduled.get("reason") or "Unschedulable")),))
    if serves(pod) and condition_is_true(pod, "Ready") and not metadata(pod).get("deletionTimestamp"):
        return Outcome(Stage.READY)
    if any(state.state in ("running", "terminated") for state in states):
        return Outcome(Stage.STARTED)
    return Outcome(Stage.WAITING)


def is_settled(pod: Object, stage: Stage) -> bool:
    """Whether no time limit applies any more: it serves and is Ready, works on its own, or has ended."""
    return stage in (Stage.READY, Stage.ENDED) or (stage is Stage.STARTED and not serves(pod))


def _exit_code(pod: Object) -> int:
    """Of the first container that failed, init containers first; 1 when it failed without any."""
    codes = [code for state in container_states(pod) if (code := _code(state))]
    if (pod.get("status") or {}).get("phase") == Phase.SUCCEEDED:
        return 0
    return codes[0] if codes else 1


def _code(state: ContainerState) -> int:
    return state.exit_code or 0 if state.kind in ("container", "init container") else 0
