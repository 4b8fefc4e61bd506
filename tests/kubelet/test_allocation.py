"""What a Pod is given when it asks for something else than it has."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.allocation import Allocations, judge
from podwright.kubelet.status.resize import Pending, Resize

Object = dict[str, Any]
NODE: Object = {"status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "10"}}}


def pod(cpu: str, uid: str = "u", **more: Any) -> Object:
    resources = {"requests": {"cpu": cpu}, "limits": {"cpu": "2"}}
    containers = [{"name": "a", "resources": resources}]
    return {"metadata": {"name": uid, "uid": uid}, "spec": {"containers": containers}, "status": {}, **more}


def cpu_of(obj: Object) -> str:
    cpu: str = obj["spec"]["containers"][0]["resources"]["requests"]["cpu"]
    return cpu


INFEASIBLE = Pending("Infeasible", "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000")
DEFERRED = Pending("Deferred", "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000")


@pytest.mark.parametrize(
    ("asked", "others", "answer"),
    [
        pytest.param("1", [], None, id="there is room"),
        pytest.param("3", [], INFEASIBLE, id="there never will be room"),
        pytest.param("1500m", [pod("1", "o")], DEFERRED, id="others have it now"),
    ],
)
def test_judgement(asked: str, others: list[Object], answer: Pending | None) -> None:
    assert judge(pod(asked), others, NODE) == answer


def test_a_static_pod_is_never_resized() -> None:
    static = pod("1")
    static["metadata"]["annotations"] = {"kubernetes.io/config.source": "file"}
    answer = judge(static, [], NODE)
    assert answer is not None and answer.reason == "Infeasible"


def test_what_is_granted_is_in_progress_until_it_is_carried_out() -> None:
    allocations = Allocations()
    allocations.take(pod("1"), [], NODE)
    assert allocations.state("u") == Resize()
    assert cpu_of(allocations.take(pod("1500m"), [], NODE)) == "1500m"
    assert allocations.state("u") == Resize(in_progress=True)
    allocations.carried_out("u", "no memory")
    assert allocations.state("u") == Resize(in_progress=True, error="no memory")
    allocations.carried_out("u")
    assert allocations.state("u") == Resize()


def test_what_waits_for_room_keeps_what_it_has_until_there_is_room() -> None:
    allocations, other = Allocations(), pod("1", "o")
    allocations.take(pod("1"), [other], NODE)
    assert cpu_of(allocations.take(pod("1500m"), [other], NODE)) == "1"
    assert allocations.state("u") == Resize(pending=DEFERRED)
    (waiting,) = allocations.deferred()
    assert cpu_of(waiting) == "1500m"
    assert cpu_of(allocations.take(waiting, [], NODE)) == "1500m"
    assert allocations.state("u") == Resize(in_progress=True)
    assert allocations.deferred() == []


def test_who_takes_the_wish_back_waits_no_longer() -> None:
    allocations = Allocations()
    allocations.take(pod("1"), [], NODE)
    allocations.take(pod("3"), [], NODE)
    assert allocations.state("u") == Resize(pending=INFEASIBLE)
    allocations.take(pod("1"), [], NODE)
    assert allocations.state("u") == Resize()


def test_after_a_restart_the_status_says_what_was_given() -> None:
    waiting = pod("3")
    waiting["status"] = {
        "conditions": [{"type": "PodResizePending", "status": "True"}],
        "containerStatuses": [
            {"name": "a", "allocatedResources": {"cpu": "1"}, "resources": {"limits": {"cpu": "2"}}},
        ],
    }
    given = Allocations().take(waiting, [], NODE)
    assert given["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}


def test_an_ending_pod_is_given_nothing_more() -> None:
    allocations = Allocations()
    allocations.take(pod("1"), [], NODE)
    ending = pod("1500m")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert cpu_of(allocations.take(ending, [], NODE)) == "1"


def whole(cpu: str, **more: Any) -> Object:
    resources = {"requests": {"cpu": cpu}}
    return {**pod("100m", **more), "spec": {"containers": [{"name": "a"}], "resources": resources}}


def test_the_resources_of_a_whole_pod_are_judged_and_kept() -> None:
    allocations = Allocations()
    allocations.take(whole("1"), [], NODE)
    given = allocations.take(whole("3"), [], NODE)
    assert given["spec"]["resources"] == {"requests": {"cpu": "1"}}
    assert allocations.state("u") == Resize(pending=INFEASIBLE)
    assert allocations.take(whole("2"), [], NODE)["spec"]["resources"] == {"requests": {"cpu": "2"}}
    assert allocations.state("u") == Resize(in_progress=True)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        pytest.param(
            {"resources": {"limits": {"cpu": "2"}}, "allocatedResources": {"cpu": "1"}},
            {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}},
            id="some",
        ),
        pytest.param({"allocatedResources": {"cpu": "100m"}}, None, id="none, but for its containers'"),
    ],
)
def test_after_a_restart_the_status_says_what_the_whole_pod_was_given(told: Object, kept: Object | None) -> None:
    waiting = whole("3", status={"conditions": [{"type": "PodResizePending", "status": "True"}], **told})
    assert Allocations().take(waiting, [], NODE)["spec"].get("resources") == kept
