"""Who ends when, and with how much grace, when the machine goes down."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.configuration import KubeletConfiguration
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


@pytest.mark.parametrize(("pods", "total", "critical", "rounds"), CASES.values(), ids=CASES.keys())
def test_plan(pods: list[dict[str, Any]], total: float, critical: float, rounds: list[Round]) -> None:
    config = KubeletConfiguration(shutdownGracePeriod=total, shutdownGracePeriodCriticalPods=critical)
    assert plan(pods, config) == rounds
