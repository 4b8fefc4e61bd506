"""Who makes room for a Pod of higher priority."""

from __future__ import annotations

import pytest
from tests.scheduler.objects import node, pod

from podwright.api.objects import Object
from podwright.scheduler.demand import demand_of
from podwright.scheduler.filter import obstacle
from podwright.scheduler.preemption import Place, preemption, waits_for_victims


def running(name: str, cpu: str, priority: int = 0, since: str = "2026-01-01T00:00:00Z") -> Object:
    return {**pod(name, cpu, priority=priority), "status": {"startTime": since}}


def chosen(wanted: Object, *places: Place) -> tuple[str, list[str]] | None:
    found = preemption(wanted, places, lambda state: obstacle(wanted, demand_of(wanted), state) is None)
    return (found.node, sorted(v["metadata"]["name"] for v in found.victims)) if found else None


HIGH = pod("p", "3", priority=100)
CASES: dict[str, tuple[list[Place], tuple[str, list[str]] | None]] = {
    "one of lower priority goes": ([Place(node("n"), [running("a", "2")])], ("n", ["a"])),
    "one of the same priority stays": ([Place(node("n"), [running("a", "2", 100)])], None),
    "those that may stay stay, the most precious first": (
        [Place(node("n"), [running("low", "1"), running("mid", "1", 5), running("lower", "2", -5)])],
        ("n", ["low", "lower"]),
    ),
    "what is promised to others is not there": (
        [Place(node("n"), [running("a", "2")], [demand_of(pod("x", "2"))])],
        None,
    ),
    "a node whose worst victim matters less": (
        [Place(node("n"), [running("a", "2", 5)]), Place(node("m"), [running("b", "2", 4), running("c", "2", 4)])],
        ("m", ["b", "c"]),
    ),
    "of equal ones the fewest": (
        [Place(node("n"), [running("a", "2"), running("d", "2")]), Place(node("m"), [running("b", "2")])],
        ("m", ["b"]),
    ),
    "then those that started last": (
        [
            Place(node("n"), [running("a", "2", since="2026-01-01T00:00:00Z")]),
            Place(node("m"), [running("b", "2", since="2026-01-02T00:00:00Z")]),
        ],
        ("m", ["b"]),
    ),
    "a node that never takes it": ([Place(node("n", unschedulable=True), [running("a", "2")])], None),
    "a node that is too small": ([Place(node("n", cpu="2"), [running("a", "2")])], None),
}


@pytest.mark.parametrize(("places", "expected"), CASES.values(), ids=CASES.keys())
def test_choice(places: list[Place], expected: tuple[str, list[str]] | None) -> None:
    assert chosen(HIGH, *places) == expected


def labelled(name: str, cpu: str, priority: int = 0) -> Object:
    one = running(name, cpu, priority)
    one["metadata"]["labels"] = {"app": "db"}
    return one


def budget(allowed: int) -> Object:
    return {
        "metadata": {"name": "b", "namespace": "default", "uid": "b"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}},
        "status": {"disruptionsAllowed": allowed},
    }


@pytest.mark.parametrize(
    ("allowed", "places", "expected"),
    [
        pytest.param(
            0,
            [Place(node("n"), [labelled("a", "1", 1), running("b", "1", 5)])],
            ("n", ["b"]),
            id="one that is protected stays, though it matters less",
        ),
        pytest.param(
            1,
            [Place(node("n"), [labelled("a", "1", 1), running("b", "1", 5)])],
            ("n", ["a"]),
            id="what a budget allows is no breach",
        ),
        pytest.param(
            0,
            [Place(node("n"), [labelled("a", "2")]), Place(node("m"), [running("b", "2", 5)])],
            ("m", ["b"]),
            id="a node without a breach",
        ),
        pytest.param(0, [Place(node("n"), [labelled("a", "2")])], ("n", ["a"]), id="where there is no other way"),
    ],
)
def test_budgets_are_kept_where_that_is_possible(
    allowed: int, places: list[Place], expected: tuple[str, list[str]]
) -> None:
    fits = lambda state: obstacle(HIGH, demand_of(HIGH), state) is None  # noqa: E731
    found = preemption(HIGH, places, fits, [budget(allowed)])
    assert found is not None
    assert (found.node, sorted(v["metadata"]["name"] for v in found.victims)) == expected


def test_while_a_victim_ends_nobody_else_is_chosen() -> None:
    ending = running("a", "2")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    nominated = {**HIGH, "status": {"nominatedNodeName": "n"}}
    assert waits_for_victims(nominated, [Place(node("n"), [ending])])
    assert not waits_for_victims(HIGH, [Place(node("n"), [ending])])
    assert not waits_for_victims(nominated, [Place(node("n"), [running("a", "2")])])
