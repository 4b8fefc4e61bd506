"""How many Pods to make and to delete, and what the status says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controllers.objects import NOW, ago, names, pod

from podwright.api.objects import Object
from podwright.controllers.replica_set.decision import BURST, Failure, plan, status


@pytest.mark.parametrize(
    ("active", "wanted", "create", "delete"),
    [
        pytest.param([], 0, 0, [], id="nothing wanted"),
        pytest.param([pod("a")], 3, 2, [], id="two are missing"),
        pytest.param([pod("a"), pod("b")], 2, 0, [], id="as wanted"),
        pytest.param([pod("a"), pod("b", ready=None), pod("c")], 2, 0, ["b"], id="one too many"),
        pytest.param([pod("a"), pod("b")], 0, 0, ["a", "b"], id="all too many"),
        pytest.param([], 1000, BURST, [], id="no more than a burst"),
    ],
)
def test_plan(active: list[Object], wanted: int, create: int, delete: list[str]) -> None:
    todo = plan(active, wanted, active, NOW)
    assert (todo.create, names(todo.delete)) == (create, delete)


LABELS = {"app": "a"}


def owner(least: int = 0, **old: Any) -> Object:
    spec = {"minReadySeconds": least, "template": {"metadata": {"labels": LABELS}}}
    return {"metadata": {"generation": 3}, "spec": spec, "status": old}


def test_counts() -> None:
    pods = [pod("a", labels=LABELS), pod("b", ready=5), pod("c", ready=None, labels={**LABELS, "x": "y"})]
    assert status(owner(10), pods, NOW, terminating=2) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 3,
        "terminatingReplicas": 2,
    }


FAILED = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no quota"}
STANDING = [{**FAILED, "lastTransitionTime": ago(60)}]


@pytest.mark.parametrize(
    ("old", "failure", "acted", "new"),
    [
        pytest.param([], None, True, None, id="all is well"),
        pytest.param(
            [], Failure("FailedCreate", "no quota"), True, [{**FAILED, "lastTransitionTime": ago(0)}], id="it fails"
        ),
        pytest.param(STANDING, Failure("FailedCreate", "other"), True, STANDING, id="the first failure stands"),
        pytest.param(STANDING, None, True, None, id="it went well again"),
        pytest.param(STANDING, None, False, STANDING, id="nothing was tried"),
    ],
)
def test_failure(old: list[Any], failure: Failure | None, acted: bool, new: Any) -> None:
    made = status(owner(conditions=old), [], NOW, failure=failure, acted=acted)
    assert made.get("conditions") == new
