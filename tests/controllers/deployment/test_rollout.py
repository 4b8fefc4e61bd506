"""How large each ReplicaSet is to be next."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object, name_of
from podwright.controllers.deployment.rollout import Resize, empty_old, limits, rescale, roll, size_of_new

Size = tuple[int, int]
"""(spec.replicas, status.availableReplicas)"""


def rs(name: str, size: Size, maximum: int = 0) -> Object:
    annotations = {"deployment.kubernetes.io/max-replicas": str(maximum)} if maximum else {}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"replicas": size[0]},
        "status": {"availableReplicas": size[1]},
    }


def spec(replicas: int, surge: Any = 1, unavailable: Any = 1, kind: str = "RollingUpdate") -> dict[str, Any]:
    rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}} if kind != "Recreate" else {}
    return {"replicas": replicas, "strategy": {"type": kind, **rolling}}


def sizes(todo: list[Resize]) -> dict[str, int]:
    return {name_of(one.replica_set): one.replicas for one in todo}


@pytest.mark.parametrize(
    ("given", "surge", "unavailable"),
    [
        pytest.param(spec(10, "25%", "25%"), 3, 2, id="surge is rounded up, unavailability down"),
        pytest.param(spec(10, 0, 0), 0, 1, id="not both are none"),
        pytest.param(spec(1, "0%", "25%"), 0, 1, id="not both are none after rounding"),
        pytest.param(spec(2, 1, 5), 1, 2, id="no more than there are"),
        pytest.param(spec(0, 1, 1), 1, 0, id="of nothing nothing is unavailable"),
        pytest.param(spec(10, kind="Recreate"), 0, 0, id="who recreates has no limits"),
    ],
)
def test_limits(given: dict[str, Any], surge: int, unavailable: int) -> None:
    found = limits(given)
    assert (found.surge, found.unavailable) == (surge, unavailable)


@pytest.mark.parametrize(
    ("given", "new", "old", "size"),
    [
        pytest.param(spec(10, 3), 0, [10], 3, id="as many as may be too many"),
        pytest.param(spec(10, 3), 3, [10], 3, id="there is no room"),
        pytest.param(spec(10, 3), 3, [7], 6, id="room is used"),
        pytest.param(spec(10, 3), 8, [1], 10, id="no more than wanted"),
        pytest.param(spec(10, 3), 0, [], 10, id="the first set gets all"),
        pytest.param(spec(10, kind="Recreate"), 0, [5], 10, id="who recreates has waited"),
    ],
)
def test_the_newest_set_grows(given: dict[str, Any], new: int, old: list[int], size: int) -> None:
    assert size_of_new(given, new, [rs("o", (n, n)) for n in old]) == size


@pytest.mark.parametrize(
    ("given", "new", "old", "next_sizes"),
    [
        pytest.param(spec(10, 3, 2), (0, 0), [(10, 10)], {"n": 3}, id="first the newest grows"),
        pytest.param(spec(10, 3, 2), (3, 0), [(10, 10)], {"o0": 8}, id="then the old one shrinks as far as it may"),
        pytest.param(spec(10, 3, 2), (3, 0), [(8, 8)], {"n": 5}, id="what went makes room"),
        pytest.param(spec(10, 3, 2), (5, 0), [(8, 8)], {}, id="new Pods have to become available first"),
        pytest.param(spec(10, 3, 2), (5, 3), [(8, 8)], {"o0": 5}, id="available new ones replace old ones"),
        pytest.param(spec(10, 3, 2), (10, 10), [(1, 1)], {"o0": 0}, id="the last old one goes"),
        pytest.param(spec(10, 3, 2), (10, 10), [(0, 0)], {}, id="it is over"),
        pytest.param(spec(10, 3, 2), (12, 10), [], {"n": 10}, id="a set that is too large shrinks"),
        pytest.param(spec(4, 0, 1), (0, 0), [(4, 4)], {"o0": 3}, id="without surge an old one goes first"),
        pytest.param(spec(4, 1, 0), (0, 0), [(4, 4)], {"n": 1}, id="without unavailability a new one comes first"),
        pytest.param(spec(4, 1, 0), (1, 0), [(4, 4)], {}, id="and has to be available"),
        pytest.param(spec(4, 1, 0), (1, 1), [(4, 4)], {"o0": 3}, id="before an old one goes"),
        pytest.param(
            spec(10, 3, 2), (3, 0), [(4, 4), (6, 3)], {"o1": 4}, id="old ones that serve nobody go first"
        ),
        pytest.param(
            spec(10, 3, 2), (3, 3), [(2, 2), (8, 8)], {"o0": 0, "o1": 5}, id="of those that serve the oldest first"
        ),
    ],
)  # fmt: skip
def test_rolling(given: dict[str, Any], new: Size, old: list[Size], next_sizes: dict[str, int]) -> None:
    assert sizes(roll(given, rs("n", new), [rs(f"o{i}", s) for i, s in enumerate(old)])) == next_sizes


@pytest.mark.parametrize("surge", [0, 1, 3, "25%", "100%"])
@pytest.mark.parametrize("unavailable", [0, 1, 3, "25%", "100%"])
@pytest.mark.parametrize("wanted", [1, 2, 5, 10])
def test_a_roll_ends_within_its_limits(wanted: int, surge: Any, unavailable: Any) -> None:
    given = spec(wanted, surge, unavailable)
    most, least = wanted + limits(given).surge, wanted - limits(given).unavailable
    new, old = rs("n", (0, 0)), rs("o", (wanted, wanted))
    for _ in range(200):
        for resize in roll(given, new, [old]):
            one = resize.replica_set
            one["spec"]["replicas"] = resize.replicas
            one["status"]["availableReplicas"] = min(one["status"]["availableReplicas"], resize.replicas)
        assert new["spec"]["replicas"] + old["spec"]["replicas"] <= most
        assert new["status"]["availableReplicas"] + old["status"]["availableReplicas"] >= least
        if new["status"]["availableReplicas"] < new["spec"]["replicas"]:
            new["status"]["availableReplicas"] += 1
    assert (new["spec"]["replicas"], old["spec"]["replicas"]) == (wanted, 0)


def test_who_recreates_empties_the_old_sets() -> None:
    assert sizes(empty_old([rs("a", (3, 3)), rs("b", (0, 0))])) == {"a": 0}


@pytest.mark.parametrize(
    ("given", "new", "old", "saturated", "next_sizes"),
    [
        pytest.param(spec(5), rs("n", (3, 3)), [], False, {"n": 5}, id="one set takes all"),
        pytest.param(spec(3), rs("n", (3, 3)), [], False, {}, id="as it is"),
        pytest.param(spec(5), None, [rs("a", (0, 0)), rs("b", (0, 0))], False, {"b": 5}, id="the latest old one"),
        pytest.param(spec(5), rs("n", (0, 0)), [rs("a", (3, 3))], False, {"a": 5}, id="the one that has Pods"),
        pytest.param(spec(5), rs("n", (5, 5)), [rs("a", (1, 1))], True, {"a": 0}, id="old ones go that are left"),
        pytest.param(
            spec(20, 0), rs("n", (4, 4), 10), [rs("a", (6, 6), 10)], False, {"a": 12, "n": 8}, id="more, in proportion"
        ),
        pytest.param(
            spec(5, 0), rs("n", (4, 4), 10), [rs("a", (6, 6), 10)], False, {"a": 3, "n": 2}, id="fewer, in proportion"
        ),
        pytest.param(
            spec(15, 3), rs("n", (5, 0), 13), [rs("a", (8, 8), 13)], False, {"a": 11, "n": 7},
            id="the documented example",
        ),
        pytest.param(spec(0, 1), rs("n", (2, 2), 5), [rs("a", (2, 2), 5)], False, {"n": 0, "a": 0}, id="to nothing"),
        pytest.param(
            spec(4, kind="Recreate"), rs("n", (2, 2)), [rs("a", (2, 2))], False, {}, id="who recreates waits"
        ),
    ],
)  # fmt: skip
def test_another_size(
    given: dict[str, Any], new: Object | None, old: list[Object], saturated: bool, next_sizes: dict[str, int]
) -> None:
    assert sizes(rescale(given, new, old, told_replicas=10, is_saturated=saturated)) == next_sizes
