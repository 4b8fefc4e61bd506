from __future__ import annotations

import pytest
from tests.scheduler.objects import node, pod, state

from podwright.api.objects import Object
from podwright.scheduler.demand import NodeState, demand_of
from podwright.scheduler.score import best

DISCOURAGED = {"key": "k", "effect": "PreferNoSchedule"}
PREFERS_B: Object = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}}
        ]
    }
}


@pytest.mark.parametrize(
    ("asked", "nodes", "chosen"),
    [
        pytest.param(pod(), [state(node("b")), state(node("a"))], "a", id="equal nodes are told apart by name"),
        pytest.param(pod(), [state(node("a"), pod(cpu="2")), state(node("b"))], "b", id="the emptier node"),
        pytest.param(
            pod(affinity=PREFERS_B),
            [state(node("a")), state(node("b", labels={"zone": "b"}))],
            "b",
            id="the preferred node",
        ),
        pytest.param(
            pod(),
            [state(node("a", taints=[DISCOURAGED])), state(node("b"), pod(cpu="2"))],
            "b",
            id="not the discouraged node",
        ),
        pytest.param(
            pod(tolerations=[{"key": "k", "operator": "Exists"}]),
            [state(node("a", taints=[DISCOURAGED])), state(node("b"))],
            "a",
            id="a tolerated taint does not discourage",
        ),
    ],
)
def test_best(asked: Object, nodes: list[NodeState], chosen: str) -> None:
    assert best(asked, demand_of(asked), nodes).name == chosen
