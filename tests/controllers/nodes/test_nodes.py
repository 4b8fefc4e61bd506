"""What is decided of nodes and of Pods that have to leave."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from podwright.api.objects import Object, rfc3339
from podwright.api.tolerations import tolerates
from podwright.controllers.nodes.eviction import began, seconds_tolerated
from podwright.controllers.nodes.health import grace_of, unknown_conditions
from podwright.controllers.nodes.taints import wanted_taints

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
STAMP = rfc3339(NOW)


def node(ready: str | None = "True", *taints: str, unschedulable: bool = False, **conditions: str) -> Object:
    """`taints`: key:effect."""
    states = {**({"Ready": ready} if ready else {}), **conditions}
    made = [dict(zip(("key", "effect"), taint.rsplit(":", 1), strict=True)) for taint in taints]
    return {
        "metadata": {"name": "n", "creationTimestamp": "2025-12-31T00:00:00Z"},
        "spec": {"taints": made, "unschedulable": unschedulable},
        "status": {"conditions": [{"type": kind, "status": status} for kind, status in states.items()]},
    }


K = "node.kubernetes.io/"


@pytest.mark.parametrize(
    ("made", "drive_away", "taints"),
    [
        pytest.param(node(), True, None, id="a node that is well"),
        pytest.param(node("False"), True, [f"{K}not-ready:NoSchedule", f"{K}not-ready:NoExecute"], id="not ready"),
        pytest.param(node("False"), False, [f"{K}not-ready:NoSchedule"], id="not ready, and it is not its turn"),
        pytest.param(
            node("Unknown", f"{K}not-ready:NoSchedule", f"{K}not-ready:NoExecute"),
            True,
            [f"{K}unreachable:NoSchedule", f"{K}unreachable:NoExecute"],
            id="not ready, then silent",
        ),
        pytest.param(
            node("Unknown", f"{K}unreachable:NoSchedule", f"{K}unreachable:NoExecute"),
            False,
            [f"{K}unreachable:NoSchedule"],
            id="no node is ready any more: nobody is driven away",
        ),
        pytest.param(node(None), True, [f"{K}not-ready:NoSchedule"], id="a node that has yet to speak"),
        pytest.param(
            node("True", f"{K}not-ready:NoSchedule", "mine:NoExecute"), True, ["mine:NoExecute"], id="well again"
        ),
        pytest.param(node(unschedulable=True), True, [f"{K}unschedulable:NoSchedule"], id="cordoned"),
        pytest.param(node("True", f"{K}unschedulable:NoSchedule"), True, [], id="uncordoned"),
        pytest.param(
            node(MemoryPressure="True", DiskPressure="False"), True, [f"{K}memory-pressure:NoSchedule"], id="pressure"
        ),
        pytest.param(
            node("False", f"{K}not-ready:NoSchedule", f"{K}not-ready:NoExecute"), True, None, id="tainted already"
        ),
    ],
)
def test_wanted_taints(made: Object, drive_away: bool, taints: list[str] | None) -> None:
    found = wanted_taints(made, NOW, drive_away=drive_away)
    assert (found and [f"{t['key']}:{t['effect']}" for t in found]) == taints


def test_of_a_silent_node_nothing_is_known() -> None:
    told = unknown_conditions(node("True", MemoryPressure="Unknown"), NOW)
    assert [(c["type"], c["status"], c["reason"]) for c in told] == [
        ("Ready", "Unknown", "NodeStatusUnknown"),
        ("DiskPressure", "Unknown", "NodeStatusNeverUpdated"),
        ("PIDPressure", "Unknown", "NodeStatusNeverUpdated"),
    ]
    assert told[0]["message"] == "Kubelet stopped posting node status."
    assert told[1]["message"] == "Kubelet never posted node status."
    assert all(c["lastTransitionTime"] == STAMP for c in told)
    everything = node("Unknown", MemoryPressure="Unknown", DiskPressure="Unknown", PIDPressure="Unknown")
    assert unknown_conditions(everything, NOW) == []
    assert (grace_of(node()), grace_of(node(None))) == (50, 60)


TAINT = {"key": "a", "value": "1", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        pytest.param({"key": "a", "operator": "Equal", "value": "1"}, True, id="the same value"),
        pytest.param({"key": "a", "value": "2"}, False, id="another value"),
        pytest.param({"key": "a", "operator": "Exists"}, True, id="any value"),
        pytest.param({"operator": "Exists"}, True, id="any taint"),
        pytest.param({"operator": "Exists", "effect": "NoSchedule"}, False, id="another effect"),
        pytest.param({"key": "a", "operator": "Gt", "value": "0"}, False, id="an operator that is not there"),
    ],
)
def test_tolerates(toleration: dict[str, str], tolerated: bool) -> None:
    assert tolerates(toleration, TAINT) == tolerated


@pytest.mark.parametrize(
    ("tolerations", "seconds"),
    [
        pytest.param([], 0, id="not tolerated"),
        pytest.param([{"key": "a", "operator": "Exists"}], None, id="tolerated for ever"),
        pytest.param([{"key": "a", "operator": "Exists", "tolerationSeconds": 30}], 30, id="for a time"),
        pytest.param([{"key": "a", "operator": "Exists", "tolerationSeconds": -1}], 0, id="for less than no time"),
        pytest.param(
            [
                {"operator": "Exists", "tolerationSeconds": 30},
                {"key": "a", "operator": "Exists", "tolerationSeconds": 9},
            ],
            9,
            id="the shortest time counts",
        ),
    ],
)
def test_seconds_tolerated(tolerations: list[dict[str, Any]], seconds: float | None) -> None:
    assert seconds_tolerated({"spec": {"tolerations": tolerations}}, [TAINT]) == seconds


def test_the_time_runs_from_the_newest_taint() -> None:
    old, new = "2025-12-31T23:00:00Z", "2025-12-31T23:30:00Z"
    assert rfc3339(began([{"timeAdded": old}, {"timeAdded": new}], NOW)) == new
    assert began([{"timeAdded": old}, {}], NOW) == NOW
