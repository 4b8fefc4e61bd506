"""What users are told of a resize."""

from __future__ import annotations

import pytest

from podwright.kubelet.status.resize import Pending, Resize
from podwright.kubelet.status.resize_events import resize_event

POD = {
    "metadata": {"name": "p", "generation": 2},
    "spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}, {"name": "b"}]},
}
SAID = '{"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}},{"name":"b","resources":{}}],"generation":2'
NOTHING, GOING = Resize(), Resize(in_progress=True, generation=2)
WAITS = Resize(pending=Pending("Deferred", "cpu, used: 1"))
NEVER = Resize(pending=Pending("Infeasible", "cpu: 9"))
FAILED = Resize(in_progress=True, error="busy", generation=2)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(NOTHING, NOTHING, "", id="nothing asked for"),
        pytest.param(NOTHING, GOING, "Normal ResizeStarted Pod resize started: " + SAID + "}", id="it begins"),
        pytest.param(GOING, GOING, "", id="it goes on"),
        pytest.param(
            Resize(in_progress=True, generation=1),
            GOING,
            "Normal ResizeStarted Pod resize started: " + SAID + "}",
            id="another one begins in its middle",
        ),
        pytest.param(GOING, NOTHING, "Normal ResizeCompleted Pod resize completed: " + SAID + "}", id="it is done"),
        pytest.param(
            GOING, FAILED, "Warning ResizeError Pod resize error: " + SAID + ',"error":"busy"}', id="it goes wrong"
        ),
        pytest.param(FAILED, Resize(in_progress=True, error="busier", generation=2), "", id="it goes wrong again"),
        pytest.param(
            FAILED, NOTHING, "Normal ResizeCompleted Pod resize completed: " + SAID + "}", id="it went wrong once"
        ),
        pytest.param(
            NOTHING,
            WAITS,
            "Warning ResizeDeferred Pod resize Deferred: " + SAID + ',"error":"cpu, used: 1"}',
            id="it waits for room",
        ),
        pytest.param(WAITS, Resize(pending=Pending("Deferred", "cpu, used: 2")), "", id="others need more meanwhile"),
        pytest.param(
            WAITS,
            NEVER,
            "Warning ResizeInfeasible Pod resize Infeasible: " + SAID + ',"error":"cpu: 9"}',
            id="it can never be",
        ),
        pytest.param(NEVER, NEVER, "", id="it still can never be"),
        pytest.param(NEVER, NOTHING, "", id="the wish is taken back"),
        pytest.param(
            Resize(in_progress=True, pending=Pending("Deferred", "x")),
            Resize(pending=Pending("Deferred", "x")),
            "Normal ResizeCompleted Pod resize completed: " + SAID + "}",
            id="one is done while the next waits",
        ),
    ],
)
def test_what_is_told(before: Resize, after: Resize, told: str) -> None:
    event = resize_event(POD, before, after)
    assert (" ".join(event) if event else "") == told


def test_the_whole_pod_and_its_init_containers_are_told_of() -> None:
    spec = {"resources": {"limits": {"cpu": "1"}}, "initContainers": [{"name": "i"}], "containers": [{"name": "a"}]}
    event = resize_event({"metadata": {"name": "p"}, "spec": spec}, NOTHING, GOING)
    assert event is not None
    assert event.message == (
        'Pod resize started: {"resources":{"limits":{"cpu":"1"}},"initContainers":[{"name":"i","resources":{}}],'
        '"containers":[{"name":"a","resources":{}}]}'
    )
