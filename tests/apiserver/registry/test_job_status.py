"""What may become of a Job's status."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.apiserver.registry.job import JobStrategy
from podwright.apiserver.registry.job_status import is_finished

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
RUNS: dict[str, Any] = {"startTime": START, "active": 2, "ready": 1, "failed": 1, "succeeded": 1}


def told(*kinds: str) -> list[dict[str, Any]]:
    return [{"type": kind, "status": "True"} for kind in kinds]


OVER: dict[str, Any] = {
    "startTime": START,
    "completionTime": END,
    "succeeded": 1,
    "conditions": told("SuccessCriteriaMet", "Complete"),
}
LOST: dict[str, Any] = {"startTime": START, "failed": 1, "conditions": told("FailureTarget", "Failed")}
INDEXED = {"completionMode": "Indexed", "completions": 5, "parallelism": 2, "backoffLimitPerIndex": 1}
SHRUNK = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}


def errors(spec: dict[str, Any], new: dict[str, Any], was: dict[str, Any]) -> list[str]:
    found = JobStrategy().validate_update({"spec": spec, "status": new}, {"spec": spec, "status": was}, "status")
    return [str(error) for error in found]


@pytest.mark.parametrize(
    ("spec", "new", "was"),
    [
        pytest.param({}, RUNS, {}, id="it begins"),
        pytest.param({}, {**RUNS, "conditions": told("Mine")}, RUNS, id="a condition of somebody else"),
        pytest.param({}, {**RUNS, "conditions": told("FailureTarget")}, RUNS, id="a failure is announced"),
        pytest.param({}, LOST, {**LOST, "conditions": told("FailureTarget")}, id="a failure"),
        pytest.param({}, OVER, {**RUNS, "failed": 0, "conditions": told("SuccessCriteriaMet")}, id="a success"),
        pytest.param({}, OVER, OVER, id="what was right stays right"),
        pytest.param({"suspend": True}, {"failed": 1, "succeeded": 1}, RUNS, id="no start while it is suspended"),
        pytest.param(
            {}, {"startTime": END}, {"startTime": START, "conditions": told("Suspended")}, id="another start, resumed"
        ),
        pytest.param(INDEXED, {"completedIndexes": "0,2-3", "failedIndexes": "1,4"}, {}, id="indexes"),
        pytest.param(
            SHRUNK, {"completedIndexes": "0-4", "active": 1}, {"completedIndexes": "0-4"}, id="indexes that were there"
        ),
        pytest.param(SHRUNK, {"succeeded": 2}, {"succeeded": 5}, id="fewer have succeeded of one that has shrunk"),
        pytest.param(
            {**SHRUNK, "parallelism": 1}, {"succeeded": 2}, {"succeeded": 5}, id="... and does less at once since"
        ),
    ],
)
def test_what_a_status_may_become(spec: dict[str, Any], new: dict[str, Any], was: dict[str, Any]) -> None:
    assert errors(spec, new, was) == []


@pytest.mark.parametrize(
    ("spec", "new", "was", "wrong"),
    [
        pytest.param(
            {}, {"active": -1}, {}, "status.active: must be greater than or equal to 0", id="a count below none"
        ),
        pytest.param(
            {},
            {"uncountedTerminatedPods": {"failed": [""]}},
            {},
            "status.uncountedTerminatedPods.failed[0]: must not be empty",
            id="a Pod without a uid",
        ),
        pytest.param(
            {},
            {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a"]}},
            {},
            'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
            id="a Pod twice",
        ),
        pytest.param(
            {},
            {**RUNS, "conditions": told("SuccessCriteriaMet", "FailureTarget")},
            RUNS,
            "status.conditions: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
            id="both announced",
        ),
        pytest.param(
            {},
            {**LOST, "conditions": told("Failed")},
            {**LOST, "conditions": []},
            "status.conditions: cannot set Failed=True condition without the FailureTarget=true condition",
            id="a failure that was not announced",
        ),
        pytest.param(
            {},
            {**OVER, "conditions": told("Complete")},
            {**OVER, "completionTime": None, "conditions": []},
            "status.conditions: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            id="a success that was not announced",
        ),
        pytest.param(
            {},
            {**LOST, "conditions": told("FailureTarget")},
            LOST,
            "status.conditions: cannot disable the terminal Failed=True condition",
            id="a failure taken back",
        ),
        pytest.param(
            {},
            {**RUNS, "startTime": None},
            RUNS,
            "status.startTime: startTime cannot be removed for unsuspended job",
            id="a start taken back",
        ),
        pytest.param(
            {},
            {**OVER, "completionTime": "2026-01-01T00:02:00Z"},
            OVER,
            "status.completionTime: completionTime cannot be mutated",
            id="another end",
        ),
        pytest.param(
            {},
            {**OVER, "completionTime": "2025-01-01T00:00:00Z"},
            {**OVER, "completionTime": None, "conditions": told("SuccessCriteriaMet")},
            "status.completionTime: completionTime cannot be set before startTime",
            id="an end before the start",
        ),
        pytest.param(
            {},
            {**RUNS, "completionTime": END},
            RUNS,
            "status.completionTime: cannot set completionTime when there is no Complete=True condition",
            id="an end of what is not complete",
        ),
        pytest.param(
            {},
            {**OVER, "completionTime": None},
            {**OVER, "completionTime": None, "conditions": told("SuccessCriteriaMet")},
            "status.completionTime: completionTime is required for Complete jobs",
            id="no end of what is complete",
        ),
        pytest.param(
            {}, {**LOST, "active": 1}, LOST, "status.active: active>0 is invalid for finished job", id="a Pod is left"
        ),
        pytest.param(
            {},
            {**LOST, "terminating": 1},
            {**LOST, "conditions": told("FailureTarget")},
            "status.terminating: terminating>0 is invalid for finished job",
            id="a Pod still ends",
        ),
        pytest.param(
            {},
            {**LOST, "startTime": None},
            {"failed": 1, "conditions": told("FailureTarget")},
            "status.startTime: startTime is required for finished job",
            id="over without a start",
        ),
        pytest.param(
            {},
            {**LOST, "uncountedTerminatedPods": {"failed": ["a"]}},
            LOST,
            "status.uncountedTerminatedPods: uncountedTerminatedPods needs to be empty for finished job",
            id="over with uncounted Pods",
        ),
        pytest.param(
            {}, {**RUNS, "failed": 0}, RUNS, "status.failed: cannot decrease the failed counter", id="fewer have failed"
        ),
        pytest.param(
            {},
            {**RUNS, "succeeded": 0},
            RUNS,
            "status.succeeded: cannot decrease the succeeded counter",
            id="fewer have succeeded",
        ),
        pytest.param(
            {}, {**RUNS, "ready": 3}, RUNS, "status.ready: cannot set more ready pods than active", id="more are ready"
        ),
        pytest.param(
            {},
            {"completedIndexes": "1"},
            {},
            "status.completedIndexes: cannot set non-empty completedIndexes when non-indexed completion mode",
            id="indexes of a Job without",
        ),
        pytest.param(
            SHRUNK,
            {"failedIndexes": ""},
            {},
            "status.failedIndexes: cannot set non-null failedIndexes when backoffLimitPerIndex is null",
            id="failed indexes without a limit of each",
        ),
        pytest.param(
            INDEXED,
            {"completedIndexes": "1,7"},
            {},
            'status.completedIndexes: error parsing completedIndexes: too large index: "7"',
            id="an index that there is not",
        ),
        pytest.param(
            INDEXED,
            {"completedIndexes": "0,2-3", "failedIndexes": "1,3-4"},
            {},
            "status.failedIndexes: failedIndexes and completedIndexes overlap at index: 3",
            id="an index that has come to both",
        ),
    ],
)
def test_what_it_may_not_become(spec: dict[str, Any], new: dict[str, Any], was: dict[str, Any], wrong: str) -> None:
    (error,) = errors(spec, new, was)
    path, _, text = wrong.partition(": ")
    assert error.startswith(f"{path}: ") and error.endswith(text)


def test_it_is_over_when_its_conditions_say_so() -> None:
    assert is_finished(OVER) and is_finished(LOST) and not is_finished(RUNS)
