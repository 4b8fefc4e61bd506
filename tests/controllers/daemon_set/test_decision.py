"""Which nodes are to have a Pod, and which Pods to make and delete now."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controllers.objects import NOW, names, pod

from podwright.api.objects import Object
from podwright.controllers.daemon_set.decision import Look, describe_end, manage, roll
from podwright.controllers.daemon_set.nodes import Fit, fit, tolerations
from podwright.controllers.daemon_set.pods import by_node, new_pod, node_of
from podwright.controllers.daemon_set.status import status
from podwright.controllers.revisions import REVISION_LABEL


def owner(*, surge: Any = 0, unavailable: Any = 1, kind: str = "RollingUpdate", **spec: Any) -> Object:
    strategy: dict[str, Any] = {"type": kind}
    if kind == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "metadata": {"name": "agent", "namespace": "ns", "uid": "ds", "generation": 3},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}, "updateStrategy": strategy},
    }


def on(node: str, name: str = "", stamp: str = "new", **fields: Any) -> Object:
    return pod(name or f"{stamp}-{node}", node=node, labels={REVISION_LABEL: stamp}, **fields)


def look(given: Object, *pods: Object, nodes: str = "xyz", **fits: Fit) -> Look:
    all_fits = {**{n: Fit(runs=True, keeps=True) for n in nodes}, **fits}
    return Look(given, "new", all_fits, by_node(pods), NOW)


NOWHERE, NO_MORE = Fit(runs=False, keeps=False), Fit(runs=False, keeps=True)


@pytest.mark.parametrize(
    ("seen", "create", "delete"),
    [
        pytest.param(look(owner()), ["x", "y", "z"], [], id="one on each node"),
        pytest.param(look(owner(), on("x"), on("z")), ["y"], [], id="where none is yet"),
        pytest.param(look(owner(), on("x"), nodes="", x=NOWHERE), [], ["new-x"], id="not where it may not be"),
        pytest.param(look(owner(), on("x"), nodes="", x=NO_MORE), [], [], id="one that may stay stays"),
        pytest.param(look(owner(), nodes="", x=NO_MORE), [], [], id="but none comes"),
        pytest.param(look(owner(), on("x", phase="Failed"), nodes="x"), [], ["new-x"], id="a failed one goes"),
        pytest.param(look(owner(), on("x", going=True), nodes="x"), [], [], id="a place is taken until it is gone"),
        pytest.param(
            look(owner(), on("x", "b", created=5), on("x", "a", created=9), nodes="x"), [], ["b"], id="the newer goes"
        ),
        pytest.param(look(owner(), on("gone"), nodes=""), [], [], id="a lost node's Pods are others' business"),
        pytest.param(
            look(owner(surge=1, unavailable=0), on("x"), on("x", stamp="old"), nodes="x"), [], ["old-x"],
            id="surging, the old one goes when the new one is available",
        ),
        pytest.param(
            look(owner(surge=1, unavailable=0), on("x", ready=None), on("x", stamp="old"), nodes="x"), [], [],
            id="surging, both stay until then",
        ),
        pytest.param(
            look(owner(surge=1, unavailable=0), on("x", ready=None), on("x", stamp="old", ready=None), nodes="x"), [],
            ["old-x"], id="surging, an old one that is unwell goes",
        ),
    ],
)  # fmt: skip
def test_manage(seen: Look, create: list[str], delete: list[str]) -> None:
    plan = manage(seen)
    assert (plan.create, names(plan.delete)) == (create, delete)


def old(*nodes: str, **fields: Any) -> list[Object]:
    return [on(node, stamp="old", **fields) for node in nodes]


@pytest.mark.parametrize(
    ("seen", "create", "delete"),
    [
        pytest.param(look(owner(), *old(*"xyz")), [], ["old-x"], id="one after another"),
        pytest.param(look(owner(), on("x", ready=None), *old(*"yz")), [], [], id="not before the new one is ready"),
        pytest.param(look(owner(), *old(*"yz")), [], [], id="not before it is there"),
        pytest.param(look(owner(), on("x"), *old(*"yz")), [], ["old-y"], id="then the next"),
        pytest.param(look(owner(unavailable="50%"), *old(*"xyz")), [], ["old-x", "old-y"], id="a share is rounded up"),
        pytest.param(
            look(owner(), *old("x"), *old("y", ready=None), *old("z")), [], ["old-y"], id="an unwell one first"
        ),
        pytest.param(look(owner(), *(on(n) for n in "xyz")), [], [], id="all is new"),
        pytest.param(look(owner(surge=1, unavailable=0), *old(*"xyz")), ["x"], [], id="surging, a new one is first"),
        pytest.param(
            look(owner(surge=1, unavailable=0), on("x", ready=None), *old(*"xyz")), [], [], id="one surge at a time"
        ),
        pytest.param(
            look(owner(surge=1, unavailable=0), on("x"), *old(*"xyz")), ["y"], ["old-x"], id="when it serves the next"
        ),
        pytest.param(
            look(owner(surge=1, unavailable=0), *old("x", ready=None), *old("y")), ["x", "y"], [],
            id="replacing one that is unwell is no surge",
        ),
    ],
)  # fmt: skip
def test_roll(seen: Look, create: list[str], delete: list[str]) -> None:
    plan = roll(seen)
    assert (plan.create, names(plan.delete)) == (create, delete)


def node(labels: Any = None, *taints: Any, unschedulable: bool = False) -> Object:
    spec: dict[str, Any] = {"taints": list(taints)}
    if unschedulable:
        spec["unschedulable"] = True
    return {"metadata": {"name": "x", "labels": labels or {}}, "spec": spec}


TAINT = {"key": "k", "value": "v"}
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}
]}}}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "where", "runs", "keeps"),
    [
        pytest.param(owner(), node(), True, True, id="any node"),
        pytest.param(owner(nodeSelector={"a": "1"}), node({"a": "1"}), True, True, id="a node that is selected"),
        pytest.param(owner(nodeSelector={"a": "1"}), node(), False, False, id="one that is not"),
        pytest.param(owner(affinity=AFFINITY), node({"a": "1"}), True, True, id="a node by affinity"),
        pytest.param(owner(affinity=AFFINITY), node({"a": "2"}), False, False, id="one without"),
        pytest.param(owner(nodeName="y"), node(), False, False, id="another node was named"),
        pytest.param(owner(), node({}, {**TAINT, "effect": "NoSchedule"}), False, True, id="no new Pods"),
        pytest.param(owner(), node({}, {**TAINT, "effect": "NoExecute"}), False, False, id="no Pods at all"),
        pytest.param(owner(), node({}, {**TAINT, "effect": "PreferNoSchedule"}), True, True, id="a wish is none"),
        pytest.param(
            owner(tolerations=[{"key": "k", "operator": "Exists"}]), node({}, {**TAINT, "effect": "NoExecute"}), True,
            True, id="it tolerates that",
        ),
        pytest.param(owner(), node(unschedulable=True), True, True, id="a cordoned node keeps its agents"),
        pytest.param(
            owner(), node({}, {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}), True, True,
            id="so does one in trouble",
        ),
    ],
)  # fmt: skip
def test_fit(given: Object, where: Object, runs: bool, keeps: bool) -> None:
    assert fit(given, where) == Fit(runs, keeps)


def test_a_pod_is_meant_for_its_node_and_tolerates_its_troubles() -> None:
    made = new_pod(owner(hostNetwork=True), "stamp", "x")
    assert node_of(made) == "x" and "name" not in made["metadata"]
    assert made["metadata"]["labels"] == {"a": "b", REVISION_LABEL: "stamp"}
    keys = [t["key"].removeprefix("node.kubernetes.io/") for t in made["spec"]["tolerations"]]
    assert keys == ["not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable",
                    "network-unavailable"]  # fmt: skip
    assert len(tolerations({})) == 6
    assert tolerations({"tolerations": tolerations({})}) == tolerations({})


def test_what_is_said_of_a_pod_that_ended() -> None:
    assert describe_end(pod("p", "Failed"), "x", "ns") == (
        "Warning",
        "FailedDaemonPod",
        "Found failed daemon pod ns/p on node x, will try to kill it",
    )
    assert describe_end(pod("p", "Succeeded"), "x", "ns")[1] == "SucceededDaemonPod"


def test_status() -> None:
    seen = look(owner(), on("x"), on("y", stamp="old", ready=None), on("w"), nodes="xyz", w=NO_MORE)
    assert status(seen, 0) == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 3,
        "numberReady": 1,
        "observedGeneration": 3,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
        "numberUnavailable": 2,
    }
