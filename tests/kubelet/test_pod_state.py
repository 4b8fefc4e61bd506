"""Where a Pod's worker stands after each event."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.pod_state import (
    Cleaned,
    Doomed,
    Ended,
    Event,
    Orphaned,
    PodState,
    Reaction,
    Removed,
    Seen,
    Stage,
    Stopped,
    must_wait_for,
    react,
)
from podwright.kubelet.status.generate import Verdict

EVICTED, DEADLINE = Verdict("Evicted", "x"), Verdict("DeadlineExceeded", "y")


def pod(*, grace: int | None = None, phase: str = "Running") -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "p", "namespace": "d"}
    if grace is not None:
        meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace}
    return {"metadata": meta, "status": {"phase": phase}}


SYNCING = PodState(Stage.SYNCING)
TERMINATING = PodState(Stage.TERMINATING)
TERMINATED = PodState(Stage.TERMINATED)
FINISHED = PodState(Stage.FINISHED)

CASES: dict[str, tuple[PodState | None, Event, Reaction]] = {
    "a new Pod is synced": (None, Seen(pod()), Reaction(SYNCING)),
    "a Pod deleted before it was ever seen is terminated": (
        None,
        Seen(pod(grace=30)),
        Reaction(PodState(Stage.TERMINATING, grace=30, deleted=True)),
    ),
    "a Pod that had ended before this kubelet began is cleaned up, not synced": (
        None,
        Seen(pod(phase="Succeeded")),
        Reaction(TERMINATING),
    ),
    "what only the runtime has is terminated": (
        None,
        Orphaned(),
        Reaction(PodState(Stage.TERMINATING, wanted=False)),
    ),
    "news of the end of an unknown Pod changes nothing": (None, Removed(pod()), Reaction(None)),
    "an update goes on syncing": (SYNCING, Seen(pod()), Reaction(SYNCING)),
    "a relist that shows a known Pod changes nothing": (SYNCING, Orphaned(), Reaction(SYNCING)),
    "a deletion breaks off a pull": (
        SYNCING,
        Seen(pod(grace=30)),
        Reaction(PodState(Stage.TERMINATING, grace=30, deleted=True), interrupt=True),
    ),
    "a deletion with no grace leaves a second": (
        SYNCING,
        Seen(pod(grace=0)),
        Reaction(PodState(Stage.TERMINATING, grace=1, deleted=True), interrupt=True),
    ),
    "an object that is gone takes its containers along": (
        SYNCING,
        Removed(pod()),
        Reaction(PodState(Stage.TERMINATING, wanted=False), interrupt=True),
    ),
    "a forced deletion leaves a second": (
        SYNCING,
        Removed(pod(grace=0)),
        Reaction(PodState(Stage.TERMINATING, grace=1, wanted=False), interrupt=True),
    ),
    "an eviction terminates with its reason": (
        SYNCING,
        Doomed(EVICTED, 5),
        Reaction(PodState(Stage.TERMINATING, grace=5, verdict=EVICTED), interrupt=True),
    ),
    "containers that have all ended are terminated at leisure": (SYNCING, Ended(), Reaction(TERMINATING)),
    "a second deletion with less grace hurries": (
        PodState(Stage.TERMINATING, grace=30, deleted=True),
        Seen(pod(grace=5)),
        Reaction(PodState(Stage.TERMINATING, grace=5, deleted=True), interrupt=True),
    ),
    "a second deletion with more grace changes nothing": (
        PodState(Stage.TERMINATING, grace=5, deleted=True),
        Seen(pod(grace=30)),
        Reaction(PodState(Stage.TERMINATING, grace=5, deleted=True)),
    ),
    "a forced deletion during a graceful one hurries": (
        PodState(Stage.TERMINATING, grace=30, deleted=True),
        Removed(pod(grace=0)),
        Reaction(PodState(Stage.TERMINATING, grace=1, deleted=True, wanted=False), interrupt=True),
    ),
    "the first reason to end stands": (
        PodState(Stage.TERMINATING, verdict=EVICTED),
        Doomed(DEADLINE, None),
        Reaction(PodState(Stage.TERMINATING, verdict=EVICTED)),
    ),
    "a deletion of a Pod whose containers are being ended": (
        TERMINATING,
        Seen(pod(grace=30)),
        Reaction(PodState(Stage.TERMINATING, grace=30, deleted=True), interrupt=True),
    ),
    "an update of a Pod that is ending changes nothing": (TERMINATING, Seen(pod()), Reaction(TERMINATING)),
    "when nothing runs it is terminated": (TERMINATING, Stopped(), Reaction(TERMINATED)),
    "a Pod whose object stays is finished when clean": (TERMINATED, Cleaned(removed=False), Reaction(FINISHED)),
    "a deleted Pod is finished when its object was deleted": (
        PodState(Stage.TERMINATED, deleted=True),
        Cleaned(removed=True),
        Reaction(PodState(Stage.FINISHED, deleted=True)),
    ),
    "a deletion that came while cleaning up cleans again, wholly": (
        PodState(Stage.TERMINATED, deleted=True),
        Cleaned(removed=False),
        Reaction(PodState(Stage.TERMINATED, deleted=True)),
    ),
    "an orphan is forgotten when clean": (
        PodState(Stage.TERMINATED, wanted=False),
        Cleaned(removed=True),
        Reaction(None),
    ),
    "a manifest that came back while its Pod ended is noted": (
        PodState(Stage.TERMINATING, wanted=False),
        Seen(pod()),
        Reaction(PodState(Stage.TERMINATING, wanted=False, again=True)),
    ),
    "a manifest that came back starts anew when the old run is clean": (
        PodState(Stage.TERMINATED, wanted=False, again=True),
        Cleaned(removed=True),
        Reaction(SYNCING),
    ),
    "a finished Pod is forgotten when its object goes": (
        PodState(Stage.FINISHED, deleted=True),
        Removed(pod()),
        Reaction(None),
    ),
    "a finished Pod that is deleted later has its containers removed": (
        FINISHED,
        Seen(pod(grace=0)),
        Reaction(PodState(Stage.TERMINATED, deleted=True)),
    ),
    "a finished Pod whose object vanishes has its containers removed": (
        FINISHED,
        Removed(pod()),
        Reaction(PodState(Stage.TERMINATED, wanted=False)),
    ),
    "a finished Pod never starts again": (FINISHED, Seen(pod()), Reaction(FINISHED)),
}


@pytest.mark.parametrize(("state", "event", "reaction"), CASES.values(), ids=CASES.keys())
def test_reaction(state: PodState | None, event: Event, reaction: Reaction) -> None:
    assert react(state, event) == reaction


def static(name: str = "p") -> dict[str, Any]:
    annotations = {"kubernetes.io/config.source": "file"}
    return {"metadata": {"name": name, "namespace": "d", "annotations": annotations}}


WAITS = {
    "a static Pod waits for the old one of its name": (static(), static(), TERMINATING, "old"),
    "until that is clean": (static(), static(), FINISHED, None),
    "another name does not matter": (static(), static("q"), TERMINATING, None),
    "a Pod of the API waits for nobody": (pod(), static(), TERMINATING, None),
}


@pytest.mark.parametrize(("wanted", "other", "state", "waits_for"), WAITS.values(), ids=WAITS.keys())
def test_turns(wanted: dict[str, Any], other: dict[str, Any], state: PodState, waits_for: str | None) -> None:
    assert must_wait_for(wanted, "new", [("old", other, state)]) == waits_for


def test_a_pod_does_not_wait_for_itself() -> None:
    assert must_wait_for(static(), "new", [("new", static(), TERMINATING)]) is None
