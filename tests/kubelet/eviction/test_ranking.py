"""Who goes first, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.eviction.local_limits import DiskUse, breach, is_limited
from podwright.kubelet.eviction.messages import eviction_message
from podwright.kubelet.eviction.ranking import Candidate, in_order_of_eviction
from podwright.kubelet.eviction.thresholds import Shortage

Object = dict[str, Any]
MEBI = 1 << 20


def one(name: str, used: int, request: int = 0, priority: int = 0, **spec: Any) -> Candidate:
    resources = {"requests": {"memory": f"{request}Mi"}} if request else {}
    containers = [{"name": "a", "resources": resources}]
    pod = {"metadata": {"name": name}, "spec": {"containers": containers, "priority": priority, **spec}}
    return Candidate(pod, used * MEBI, {"a": used * MEBI})


CASES = {
    "who uses more than requested goes before who does not": ([one("a", 50, 100), one("b", 20, 10)], ["b", "a"]),
    "lower priority goes first": ([one("a", 50, 10, 5), one("b", 20, 10)], ["b", "a"]),
    "then who is furthest above its request": ([one("a", 50, 40), one("b", 40)], ["b", "a"]),
    "what the node needs never goes": ([one("a", 50, priority=2_000_000_000), one("b", 1)], ["b"]),
}


@pytest.mark.parametrize(("candidates", "order"), CASES.values(), ids=CASES.keys())
def test_order(candidates: list[Candidate], order: list[str]) -> None:
    assert [c.pod["metadata"]["name"] for c in in_order_of_eviction("memory", candidates)] == order


def test_processes_are_not_requested() -> None:
    order = in_order_of_eviction("pids", [one("few", 1, 100), one("many", 9, 100), one("precious", 20, 1, 7)])
    assert [c.pod["metadata"]["name"] for c in order] == ["many", "few", "precious"]


@pytest.mark.parametrize(
    ("shortage", "candidate", "text"),
    [
        pytest.param(
            Shortage("memory.available", 100 * MEBI, 53391360, hard=True),
            one("p", 70, 64),
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52140Ki. "
            "Container a was using 70Mi, request is 64Mi, has larger consumption of memory. ",
            id="more than requested",
        ),
        pytest.param(
            Shortage("memory.available", 100 * MEBI, 50 * MEBI, hard=True),
            one("p", 60, 64),
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ",
            id="less than requested",
        ),
        pytest.param(
            Shortage("pid.available", 1000, 900, hard=True),
            one("p", 60),
            "The node was low on resource: pids. Threshold quantity: 1k, available: 900. ",
            id="processes",
        ),
    ],
)
def test_message(shortage: Shortage, candidate: Candidate, text: str) -> None:
    assert eviction_message(shortage, candidate) == text


def limited(volume: str = "", *containers: str) -> Object:
    volumes = [{"name": "scratch", "emptyDir": {"sizeLimit": volume} if volume else {}}]
    resources = [{"limits": {"ephemeral-storage": size}} if size else {} for size in containers or ("",)]
    return {
        "spec": {"volumes": volumes, "containers": [{"name": f"c{i}", "resources": r} for i, r in enumerate(resources)]}
    }


@pytest.mark.parametrize(
    ("pod", "use", "text"),
    [
        pytest.param(limited("10Mi"), DiskUse({"scratch": 10 * MEBI}), "", id="an emptyDir at its limit"),
        pytest.param(
            limited("10Mi"),
            DiskUse({"scratch": 11 * MEBI}),
            'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". ',
            id="an emptyDir above it",
        ),
        pytest.param(
            limited("", "10Mi", ""),
            DiskUse({"scratch": 90 * MEBI}, {"c0": 11 * MEBI}),
            'Container c0 exceeded its local ephemeral storage limit "10Mi". ',
            id="a container above its own",
        ),
        pytest.param(
            limited("", "10Mi", "10Mi"),
            DiskUse({"scratch": 19 * MEBI}, {"c0": 2 * MEBI}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 20971520. ",
            id="a pod above all of them together",
        ),
    ],
)
def test_a_limit_of_its_own(pod: Object, use: DiskUse, text: str) -> None:
    assert is_limited(pod)
    assert breach(pod, use) == text


def test_without_limits_nothing_is_measured() -> None:
    assert not is_limited(limited())
