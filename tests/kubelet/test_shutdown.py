"""Who ends when, and with how much grace, when the machine goes down."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.configuration_values import PriorityGrace
from podwright.kubelet.shutdown import Round, plan


def pod(uid: str, grace: int | None = 30, priority: int = 0) -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "spec": {"terminationGracePeriodSeconds": grace, "priority": priority}}


CRITICAL = 2_000_000_000
CASES: dict[str, tuple[list[dict[str, Any]], float, float, list[Round]]] = {
    "without a period nobody is ended": ([pod("a")], 0, 0, []),
    "without Pods there is nothing to do": ([], 30, 10, []),
    "a Pod's own grace is cut to what there is": ([pod("a", 60)], 30, 10, [Round({"a": 20}, 20)]),
    "a shorter grace of its own stands": ([pod("a", 5)], 30, 10, [Round({"a": 5}, 20)]),
    "an unset grace is the default": ([pod("a", None)], 60, 10, [Round({"a": 30}, 50)]),
    "critical Pods come after the others": (
        [pod("c", priority=CRITICAL), pod("a")],
        30,
        10,
        [Round({"a": 20}, 20), Round({"c": 10}, 10)],
    ),
    "no grace at all still is a second": ([pod("a", 0)], 30, 10, [Round({"a": 1}, 20)]),
}


def test_graces_by_priority() -> None:
    graces = (PriorityGrace(0, 3), PriorityGrace(1000, 5), PriorityGrace(CRITICAL, 7))
    config = KubeletConfiguration(shutdownGracePeriodByPodPriority=graces)
    pods = [pod("c", priority=CRITICAL), pod("a", 2), pod("b", priority=1500), pod("z", priority=-1)]
    assert plan(pods, config) == [Round({"a": 2, "z": 3}, 3), Round({"b": 5}, 5), Round({"c": 7}, 7)]


@pytest.mark.parametrize(("pods", "total", "critical", "rounds"), CASES.values(), ids=CASES.keys())
def test_plan(pods: list[dict[str, Any]], total: float, critical: float, rounds: list[Round]) -> None:
    config = KubeletConfiguration(shutdownGracePeriod=total, shutdownGracePeriodCriticalPods=critical)
    assert plan(pods, config) == rounds
