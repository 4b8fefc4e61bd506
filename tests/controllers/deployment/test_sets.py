"""Which ReplicaSet is the newest, which revision each is, which go."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controllers.objects import ago, names

from podwright.api.objects import Object
from podwright.controllers.deployment.sets import (
    DESIRED,
    HISTORY,
    MAXIMUM,
    REVISION,
    annotations_for,
    is_scaling,
    new_set,
    next_revision,
    refreshed,
    sorted_sets,
    surplus_history,
)

KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"


def template(image: str = "a:1", **labels: str) -> Object:
    return {"metadata": {"labels": {"app": "a", **labels}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def deployment(image: str = "a:1", annotations: Any = None, **spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "ns", "uid": "u", "annotations": annotations or {}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "a"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": template(image),
            **spec,
        },
    }


def rs(
    name: str, image: str = "a:1", *, age: float = 0, replicas: int = 0, told: int = 0, **annotations: str
) -> Object:
    renamed = {
        {"revision": REVISION, "history": HISTORY, "desired": DESIRED}.get(k, k): v for k, v in annotations.items()
    }
    return {
        "metadata": {"name": name, "creationTimestamp": ago(age), "annotations": renamed, "generation": 1},
        "spec": {"replicas": replicas, "template": template(image, **{"pod-template-hash": name})},
        "status": {"replicas": told, "observedGeneration": 1},
    }


def test_the_newest_is_the_oldest_with_the_template() -> None:
    sets = sorted_sets(deployment("a:2"), [rs("c", "a:2", age=1), rs("b", "a:2", age=2), rs("a", "a:1", age=3)])
    assert sets.new is not None and names([sets.new]) == ["b"]
    assert names(sets.old) == ["a", "c"]
    assert sorted_sets(deployment("a:3"), sets.all).new is None


def test_the_next_revision_is_above_all_old_ones() -> None:
    old = [rs("a", "a:2", revision="4"), rs("b", "a:3", revision="x"), rs("c", "a:1", revision="9")]
    assert next_revision(sorted_sets(deployment(), old)) == 5


@pytest.mark.parametrize(
    ("own", "existing", "revision", "annotations"),
    [
        pytest.param(
            {"note": "x", KUBECTL: "{}", REVISION: "7"}, None, 1,
            {"note": "x", REVISION: "1", DESIRED: "3", MAXIMUM: "4"},
            id="a new set notes revision and size",
        ),
        pytest.param({}, rs("a", revision="1"), 1, {REVISION: "1"}, id="the same revision"),
        pytest.param({}, rs("a", revision="3"), 2, {REVISION: "3"}, id="never an earlier one"),
        pytest.param({}, rs("a", revision="1"), 3, {REVISION: "3", HISTORY: "1"}, id="a rollback keeps where it was"),
        pytest.param(
            {}, rs("a", revision="3", history="1"), 5, {REVISION: "5", HISTORY: "1,3"}, id="and every time"
        ),
        pytest.param({"note": "y"}, rs("a", note="x", revision="1"), 1, {"note": "y", REVISION: "1"}, id="notes"),
    ],
)  # fmt: skip
def test_annotations(own: Any, existing: Object | None, revision: int, annotations: dict[str, str]) -> None:
    assert annotations_for(deployment(annotations=own), existing, revision) == annotations


def test_a_long_history_loses_its_beginning() -> None:
    history = ",".join(str(n) for n in range(100, 600))
    made = annotations_for(deployment(), rs("a", revision="600", history=history), 601)
    assert made[HISTORY].endswith(",599,600") and 1990 < len(made[HISTORY]) <= 2000


def test_a_new_set_selects_by_the_hash() -> None:
    made = new_set(deployment(minReadySeconds=5), 2, 1, None)
    stamp = made["metadata"]["labels"]["pod-template-hash"]
    assert made["metadata"]["name"] == f"web-{stamp}"
    assert made["spec"]["selector"] == {"matchLabels": {"app": "a", "pod-template-hash": stamp}}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "a", "pod-template-hash": stamp}
    assert (made["spec"]["replicas"], made["spec"]["minReadySeconds"]) == (1, 5)
    assert made["metadata"]["ownerReferences"][0]["controller"] is True
    assert new_set(deployment(), 2, 1, 1)["metadata"]["name"] != made["metadata"]["name"]


def test_a_set_is_refreshed_only_when_something_differs() -> None:
    assert refreshed(deployment(), rs("a", revision="1"), 1) is None
    changed = refreshed(deployment(minReadySeconds=3), rs("a", revision="1"), 2)
    assert changed is not None
    assert (changed["spec"]["minReadySeconds"], changed["metadata"]["annotations"][REVISION]) == (3, "2")


@pytest.mark.parametrize(
    ("sets", "scaling"),
    [
        pytest.param([rs("a", replicas=3, desired="3")], False, id="as noted"),
        pytest.param([rs("a", replicas=2, desired="2")], True, id="another size was noted"),
        pytest.param([rs("a", replicas=0, desired="2")], False, id="a set without Pods does not count"),
        pytest.param([rs("a", replicas=2)], False, id="nothing was noted"),
    ],
)
def test_scaling(sets: list[Object], scaling: bool) -> None:
    assert is_scaling(deployment(), sets) is scaling


@pytest.mark.parametrize(
    ("limit", "old", "gone"),
    [
        pytest.param(2, [rs("a", revision="1"), rs("b", revision="2")], [], id="few enough"),
        pytest.param(1, [rs("a", revision="3"), rs("b", revision="2")], ["b"], id="the lowest revision goes"),
        pytest.param(0, [rs("a", revision="1", replicas=1), rs("b", revision="2", told=1)], [], id="never with Pods"),
        pytest.param(None, [rs("a"), rs("b")], [], id="no limit"),
        pytest.param(2**31 - 1, [rs("a")] * 3, [], id="the largest limit is none"),
    ],
)
def test_history(limit: int | None, old: list[Object], gone: list[str]) -> None:
    assert names(surplus_history(deployment(revisionHistoryLimit=limit), old)) == gone
