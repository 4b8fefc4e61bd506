"""What a Deployment's status says of its roll."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from tests.controllers.objects import NOW, ago

from podwright.api.objects import Object
from podwright.controllers.deployment.sets import Sets
from podwright.controllers.deployment.status import (
    COMPLETE,
    CREATED,
    PAUSED,
    RESUMED,
    TIMED_OUT,
    UPDATED,
    after_pause,
    conditions_of,
    counted,
    find,
    is_complete,
    seconds_to_deadline,
    with_progress,
)


def condition(reason: str, value: str = "True", since: float = 60, kind: str = "Progressing") -> dict[str, Any]:
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "lastUpdateTime": ago(since),
        "lastTransitionTime": ago(since),
    }


def rs(name: str, replicas: int, told: int, ready: int | None = None, **status: Any) -> Object:
    ready = told if ready is None else ready
    counts = {"replicas": told, "readyReplicas": ready, "availableReplicas": ready, "terminatingReplicas": 0}
    return {"metadata": {"name": name}, "spec": {"replicas": replicas}, "status": {**counts, **status}}


def deployment(*conditions: dict[str, Any], replicas: int = 2, deadline: int | None = 100, **status: Any) -> Object:
    spec: dict[str, Any] = {
        "replicas": replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    }
    if deadline is not None:
        spec["progressDeadlineSeconds"] = deadline
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": spec,
        "status": {"conditions": list(conditions), **status},
    }


def told(given: Object, sets: Sets, now: datetime.datetime = NOW) -> dict[str, Any]:
    return with_progress(given, sets, counted(given, sets, conditions_of(given), now), now)


def test_counts_and_availability() -> None:
    sets = Sets(rs("n", 2, 2, 1), (rs("o", 1, 1),))
    made = counted(deployment(), sets, [], NOW)
    available = find(made.pop("conditions"), "Available")
    assert made == {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "unavailableReplicas": 1,
        "terminatingReplicas": 0,
    }
    assert available is not None and (available["status"], available["message"]) == (
        "True",
        "Deployment has minimum availability.",
    )
    fewer = counted(deployment(), Sets(rs("n", 2, 2, 1), ()), [], NOW)["conditions"]
    assert (fewer[0]["status"], fewer[0]["reason"]) == ("False", "MinimumReplicasUnavailable")


OLD_COUNTS = {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


@pytest.mark.parametrize(
    ("given", "sets", "value", "reason", "message"),
    [
        pytest.param(
            deployment(condition(UPDATED)), Sets(rs("n", 2, 2), ()), "True", COMPLETE,
            'ReplicaSet "n" has successfully progressed.', id="complete",
        ),
        pytest.param(
            deployment(condition(CREATED), **OLD_COUNTS), Sets(rs("n", 2, 2, 1), ()), "True", UPDATED,
            'ReplicaSet "n" is progressing.', id="a Pod more is progress",
        ),
        pytest.param(
            deployment(condition(UPDATED), **OLD_COUNTS), Sets(rs("n", 2, 1), (rs("o", 1, 1, 0),)), "True", UPDATED, "",
            id="nothing new, and time is left",
        ),
        pytest.param(
            deployment(condition(UPDATED, since=101), **OLD_COUNTS), Sets(rs("n", 2, 1), (rs("o", 1, 1, 0),)), "False",
            TIMED_OUT, 'ReplicaSet "n" has timed out progressing.', id="nothing new for too long",
        ),
        pytest.param(
            deployment(condition(TIMED_OUT, "False", 500), **OLD_COUNTS), Sets(rs("n", 2, 2, 1), ()), "True", UPDATED,
            'ReplicaSet "n" is progressing.', id="it goes on after all",
        ),
        pytest.param(
            deployment(condition(COMPLETE, since=9999), **OLD_COUNTS), Sets(rs("n", 2, 2, 0), ()), "True", COMPLETE, "",
            id="a Pod that fails later is no roll",
        ),
    ],
)  # fmt: skip
def test_progress(given: Object, sets: Sets, value: str, reason: str, message: str) -> None:
    found = find(told(given, sets)["conditions"], "Progressing")
    assert found is not None
    assert (found["status"], found["reason"], found.get("message", "")) == (value, reason, message)


def test_progress_refreshes_its_time_but_not_that_of_the_transition() -> None:
    given = deployment(condition(UPDATED), **OLD_COUNTS)
    found = find(told(given, Sets(rs("n", 2, 2, 1), ()))["conditions"], "Progressing")
    assert found is not None and (found["lastUpdateTime"], found["lastTransitionTime"]) == (ago(0), ago(60))


def test_without_a_deadline_no_progress_is_told() -> None:
    made = told(deployment(condition(UPDATED), deadline=None), Sets(rs("n", 2, 2), ()))
    assert find(made["conditions"], "Progressing") is None


def test_a_set_s_failure_is_the_deployment_s() -> None:
    failed = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    sets = Sets(rs("n", 2, 0, conditions=[{**failed, "lastTransitionTime": ago(5)}]), ())
    made = told(deployment(), sets)
    found = find(made["conditions"], "ReplicaFailure")
    assert found is not None and (found["reason"], found["message"]) == ("FailedCreate", "quota")
    well = told({**deployment(), "status": made}, Sets(rs("n", 2, 2), ()))
    assert find(well["conditions"], "ReplicaFailure") is None


@pytest.mark.parametrize(
    ("paused", "before", "reason"),
    [
        pytest.param(True, UPDATED, PAUSED, id="paused"),
        pytest.param(True, PAUSED, PAUSED, id="paused for long"),
        pytest.param(False, PAUSED, RESUMED, id="resumed"),
        pytest.param(True, TIMED_OUT, TIMED_OUT, id="a lack of progress is not hidden"),
        pytest.param(False, UPDATED, UPDATED, id="never paused"),
    ],
)
def test_pause(paused: bool, before: str, reason: str) -> None:
    spec = {"paused": paused, "progressDeadlineSeconds": 100}
    (found,) = after_pause(spec, [condition(before)], NOW)
    assert found["reason"] == reason


@pytest.mark.parametrize(
    ("conditions", "deadline", "seconds"),
    [
        pytest.param([condition(UPDATED, since=60)], 100, 40.0, id="time is left"),
        pytest.param([condition(UPDATED, since=100)], 100, 0.0, id="it is over"),
        pytest.param([condition(COMPLETE, since=500)], 100, None, id="complete"),
        pytest.param([condition(TIMED_OUT, since=5)], 100, 0.0, id="told already"),
        pytest.param([], 100, None, id="nothing was told yet"),
        pytest.param([condition(UPDATED)], 2**31 - 1, None, id="the largest deadline is none"),
    ],
)
def test_deadline(conditions: list[Any], deadline: int, seconds: float | None) -> None:
    assert seconds_to_deadline({"progressDeadlineSeconds": deadline}, conditions, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 2}, True),
        ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 2}, False),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 1}, False),
    ],
    ids=["all new and available", "an old one is left", "the status is of an earlier spec"],
)
def test_complete(status: Any, complete: bool) -> None:
    assert is_complete(deployment(), status) is complete
