"""Decides where a Pod's worker stands: from syncing over terminating and terminated to finished.

Pure: events in, the new state out, with whether the work in progress must be broken off. Called by `pod_workers`
for every event of every Pod UID. The current stage is the current handler:

    (none) ──Seen──> SYNCING ──deleted, removed, doomed, ended──> TERMINATING ──Stopped──> TERMINATED ──Cleaned──┐
       └────Orphaned, or Seen when it is at its end already ─────────┘ grace only shrinks    └──not all removed──┤
                                                                                                                 v
    (forgotten) <──Removed── FINISHED (the object stays: a Job's Pod, a static Pod) <────────────────────────────┘
                             └──Seen with a deletion──> TERMINATED, to remove what was kept

Nothing leads back, with one exception: an object that was gone and is there again under the same UID (a manifest
moved away and back) starts anew once the old run is cleaned up.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from podwright.api.objects import Object, metadata
from podwright.api.pods import is_static, is_terminal
from podwright.kubelet.status.generate import Verdict


class Stage(enum.Enum):
    """What a worker does for its Pod."""

    SYNCING = "syncing"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class PodState:
    """Where a Pod stands."""

    stage: Stage
    grace: int | None = None
    """seconds that its containers get to end; None: as its spec, or the runtime's annotations, say"""
    wanted: bool = True
    """its object is there; False: only the runtime has something of it"""
    deleted: bool = False
    """its object in the API is to be deleted when all is cleaned up"""
    verdict: Verdict | None = None
    again: bool = False
    """its object came back while it was being terminated"""

    @property
    def remove(self) -> bool:
        """Whether cleaning up means to remove its containers and logs too."""
        return self.deleted or not self.wanted


@dataclass(frozen=True, slots=True)
class Seen:
    """A source has this Pod, like this."""

    pod: Object


@dataclass(frozen=True, slots=True)
class Removed:
    """The source has it no longer; `pod` is how it was last."""

    pod: Object


@dataclass(frozen=True, slots=True)
class Orphaned:
    """The runtime has something of a Pod that no source has."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """It shall end Failed: evicted, past its deadline, impossible."""

    verdict: Verdict
    grace: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """All its containers have ended and none will be started again."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing of it runs any more."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Its volumes are gone and, when `removed`, everything else too."""

    removed: bool


Event = Seen | Removed | Orphaned | Doomed | Ended | Stopped | Cleaned


class Reaction(NamedTuple):
    """What an event leads to."""

    state: PodState | None
    """None: forget the Pod"""
    interrupt: bool = False
    """break off what is being done for it"""


def react(state: PodState | None, event: Event) -> Reaction:
    """The next state of a Pod."""
    if state is None:
        return _first(event)
    match state.stage:
        case Stage.SYNCING:
            return _syncing(state, event)
        case Stage.TERMINATING:
            return _terminating(state, event)
        case Stage.TERMINATED:
            return _terminated(state, event)
        case Stage.FINISHED:
            return _finished(state, event)


def _first(event: Event) -> Reaction:
    match event:
        case Seen(pod):
            if _is_deleted(pod):
                return Reaction(PodState(Stage.TERMINATING, grace=_grace(None, pod), deleted=True))
            # It ended under an earlier kubelet, which may have been killed before it could clean up.
            return Reaction(PodState(Stage.TERMINATING if is_terminal(pod) else Stage.SYNCING))
        case Orphaned():
            return Reaction(PodState(Stage.TERMINATING, wanted=False))
        case _:
            return Reaction(None)


def _syncing(state: PodState, event: Event) -> Reaction:
    match event:
        case Seen(pod) if _is_deleted(pod):
            ending = replace(state, stage=Stage.TERMINATING, grace=_grace(state.grace, pod), deleted=True)
            return Reaction(ending, interrupt=True)
        case Removed(pod):
            ending = replace(state, stage=Stage.TERMINATING, grace=_grace(state.grace, pod), wanted=False)
            return Reaction(ending, interrupt=True)
        case Doomed(verdict, grace):
            return Reaction(replace(state, stage=Stage.TERMINATING, grace=grace, verdict=verdict), interrupt=True)
        case Ended():
            return Reaction(replace(state, stage=Stage.TERMINATING))
        case _:
            return Reaction(state)


def _terminating(state: PodState, event: Event) -> Reaction:
    match event:
        case Stopped():
            return Reaction(replace(state, stage=Stage.TERMINATED))
        case Doomed(verdict, grace):
            shorter = _shorter(state.grace, grace)
            # The first reason given is why it ends; a later one may only hurry it.
            hurried = replace(state, grace=shorter, verdict=state.verdict or verdict)
            return Reaction(hurried, interrupt=shorter != state.grace)
        case _:
            after = _objects_fate(state, event)
            return Reaction(after, interrupt=after.grace != state.grace)


def _terminated(state: PodState, event: Event) -> Reaction:
    match event:
        case Cleaned(removed):
            if state.remove and not removed:
                # The object was deleted while the worker was cleaning up for one that stays.
                return Reaction(state)
            if state.again:
                return Reaction(PodState(Stage.SYNCING))
            return Reaction(replace(state, stage=Stage.FINISHED) if state.wanted else None)
        case _:
            return Reaction(_objects_fate(state, event))


def _finished(state: PodState, event: Event) -> Reaction:
    match event:
        case Removed():
            if state.deleted:
                return Reaction(None)
            return Reaction(replace(state, stage=Stage.TERMINATED, wanted=False))
        case Seen(pod) if _is_deleted(pod) and not state.deleted:
            return Reaction(replace(state, stage=Stage.TERMINATED, deleted=True))
        case _:
            return Reaction(state)


def _objects_fate(state: PodState, event: Event) -> PodState:
    """What a source says of a Pod that is ending already."""
    match event:
        case Seen(pod) if _is_deleted(pod):
            return replace(state, deleted=True, wanted=True, grace=_grace(state.grace, pod))
        case Seen() if not state.wanted:
            return replace(state, again=True)
        case Removed(pod):
            hurried = _grace(state.grace, pod) if _is_deleted(pod) else state.grace
            return replace(state, wanted=False, again=False, grace=hurried)
        case _:
            return state


def _is_deleted(pod: Object) -> bool:
    return bool(metadata(pod).get("deletionTimestamp"))


def _grace(current: int | None, pod: Object) -> int | None:
    """The grace of a deletion: it may shrink but never grow, and hooks and TERM get a second at least."""
    given = metadata(pod).get("deletionGracePeriodSeconds")
    return _shorter(current, None if given is None else max(1, int(given)))


def _shorter(current: int | None, given: int | None) -> int | None:
    return min((g for g in (current, given) if g is not None), default=None)


def must_wait_for(pod: Object, uid: str, others: Iterable[tuple[str, Object, PodState]]) -> str | None:
    """The UID of the Pod that must be cleaned up before `pod` starts; None: it may start.

    A changed manifest is a new Pod under an old name: host ports, host paths and the mirror are one at a time.
    """
    if not is_static(pod):
        return None
    meta = metadata(pod)
    for other_uid, other, state in others:
        theirs = metadata(other)
        same_name = (theirs.get("namespace"), theirs.get("name")) == (meta.get("namespace"), meta.get("name"))
        ending = state.stage in (Stage.TERMINATING, Stage.TERMINATED)
        if other_uid != uid and same_name and is_static(other) and ending:
            return other_uid
    return None
