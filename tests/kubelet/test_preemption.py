"""Who makes room for a Pod that the node cannot do without."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.preemption import victims

Object = dict[str, Any]
NODE: Object = {"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "4", "memory": "4Gi", "pods": "10"}}}
CRITICAL = 2_000_000_000


def pod(name: str, cpu: str = "", *, limit: bool = False, priority: int = 0, **spec: Any) -> Object:
    amounts = {"cpu": cpu, "memory": "1Mi"} if cpu else {}
    resources = {"requests": amounts, **({"limits": amounts} if limit else {})}
    containers = [{"name": "a", "resources": resources}]
    return {"metadata": {"name": name, "uid": name}, "spec": {"containers": containers, "priority": priority, **spec}}


CASES: dict[str, tuple[Object, list[Object], list[str]]] = {
    "an ordinary pod ends nobody": (pod("p", "3"), [pod("a", "2")], []),
    "one that serves is enough": (pod("p", "3", priority=CRITICAL), [pod("a", "1"), pod("b", "2")], ["b"]),
    "the smallest of those that serve": (
        pod("p", "2", priority=CRITICAL),
        [pod("a", "1500m"), pod("b", "500m")],
        [],
    ),
    "a Burstable one before a Guaranteed one": (
        pod("p", "2", priority=CRITICAL),
        [pod("g", "2", limit=True), pod("b", "2")],
        ["b"],
    ),
    "two when one is not enough": (
        pod("p", "3", priority=CRITICAL),
        [pod("a", "1"), pod("b", "1"), pod("c", "1500m")],
        ["a", "c"],
    ),
    "a critical one is spared": (pod("p", "3", priority=CRITICAL), [pod("a", "2", priority=CRITICAL)], []),
    "nobody, when it would not help": (pod("p", "5", priority=CRITICAL), [pod("a", "2")], []),
    "nobody, when something else keeps it out": (
        pod("p", "3", priority=CRITICAL, nodeSelector={"a": "b"}),
        [pod("a", "2")],
        [],
    ),
}


@pytest.mark.parametrize(("wanted", "others", "ended"), CASES.values(), ids=CASES.keys())
def test_victims(wanted: Object, others: list[Object], ended: list[str]) -> None:
    assert sorted(one["metadata"]["name"] for one in victims(wanted, others, NODE)) == ended
