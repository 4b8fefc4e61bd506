"""How far a Pod has come, as `podwright run` sees it."""

from __future__ import annotations

import pytest
from tests.cli.pods import pod, running, terminated, waiting

from podwright.api.objects import Object
from podwright.cli.outcome import Outcome, Stage, is_settled, outcome_of

READY = {"Ready": "True"}


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        pytest.param(pod(), Outcome(Stage.WAITING), id="nothing has begun"),
        pytest.param(
            pod({"a": running()}), Outcome(Stage.STARTED), id="a server that runs and is not Ready has started"
        ),
        pytest.param(
            pod({"a": running()}, conditions=READY), Outcome(Stage.READY), id="a server that is Ready is there"
        ),
        pytest.param(
            pod({"a": running()}, conditions=READY, policy="Never"),
            Outcome(Stage.STARTED),
            id="what works to an end is not there when it is Ready",
        ),
        pytest.param(
            pod({"a": terminated(0)}, phase="Succeeded", policy="Never"), Outcome(Stage.ENDED, 0), id="ended well"
        ),
        pytest.param(
            pod({"a": terminated(0), "b": terminated(9), "c": terminated(7)}, phase="Failed", policy="Never"),
            Outcome(Stage.ENDED, 9),
            id="the exit status is that of the first container that failed",
        ),
        pytest.param(
            pod({"a": {}}, init={"i": terminated(4)}, phase="Failed", policy="Never"),
            Outcome(Stage.ENDED, 4),
            id="an init container that failed ends the Pod with its exit status",
        ),
        pytest.param(
            pod(phase="Failed", policy="Never", reason="Evicted"), Outcome(Stage.ENDED, 1), id="failed before it began"
        ),
        pytest.param(
            pod({"a": waiting("ErrImageNeverPull")}),
            Outcome(Stage.STUCK, stuck=(("a", "ErrImageNeverPull"),)),
            id="an image that never comes is stuck",
        ),
        pytest.param(
            pod({"a": waiting("InvalidImageName")}),
            Outcome(Stage.HOPELESS, stuck=(("a", "InvalidImageName"),)),
            id="a name that can't be one stays as it is",
        ),
        pytest.param(
            pod({"a": waiting("ErrImagePull")}), Outcome(Stage.WAITING), id="one failed pull is no reason to worry"
        ),
        pytest.param(
            pod(node="", conditions={"PodScheduled": "False"}),
            Outcome(Stage.STUCK, stuck=(("", "Unschedulable"),)),
            id="no node takes it",
        ),
    ],
)
def test_outcome(seen: Object, outcome: Outcome) -> None:
    assert outcome_of(seen) == outcome


@pytest.mark.parametrize(
    ("policy", "stage", "settled"),
    [
        pytest.param("Never", Stage.STARTED, True, id="a job that runs may take its time"),
        pytest.param("Always", Stage.STARTED, False, id="a server must become Ready in time"),
        pytest.param("Always", Stage.READY, True, id="a server that is Ready has all the time"),
        pytest.param("Never", Stage.STUCK, False, id="a job that is stuck has not"),
    ],
)
def test_when_no_time_limit_applies(policy: str, stage: Stage, settled: bool) -> None:
    assert is_settled(pod(policy=policy), stage) is settled
