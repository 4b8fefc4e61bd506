from __future__ import annotations

from typing import Any

import pytest
from tests.scheduler.objects import container, node, pod, state

from podwright.api.objects import Object
from podwright.scheduler.demand import demand_of
from podwright.scheduler.filter import explanation, obstacle

TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
AFFINITY = "node(s) didn't match Pod's node affinity/selector"


def required(*terms: Object) -> Object:
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"nodeAffinity": rule}


def expression(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def port(number: int, **fields: Any) -> Object:
    return container(ports=[{"hostPort": number, "containerPort": 1, **fields}])


@pytest.mark.parametrize(
    ("asked", "given", "others", "reasons"),
    [
        pytest.param(pod(cpu="4"), node(), [], (), id="all of a node"),
        pytest.param(pod(cpu="3"), node(), [pod(cpu="2")], ("Insufficient cpu",), id="more than the others left"),
        pytest.param(pod(), node(pods=1), [pod()], ("Too many pods",), id="one Pod too many"),
        pytest.param(
            pod(containers=[container("5", "9Gi")]),
            node(pods=0),
            [],
            ("Too many pods", "Insufficient cpu", "Insufficient memory"),
            id="everything that is missing is named",
        ),
        pytest.param(
            pod(overhead={"cpu": "4"}, cpu="1m"),
            node(),
            [],
            ("Insufficient cpu",),
            id="overhead is part of what is asked",
        ),
        pytest.param(
            pod(containers=[{"resources": {"requests": {"example.com/gpu": "1"}}}]),
            node(),
            [],
            ("Insufficient example.com/gpu",),
            id="a resource that the node does not have",
        ),
        pytest.param(pod(), node(unschedulable=True), [], ("node(s) were unschedulable",), id="a cordoned node"),
        pytest.param(
            pod(tolerations=[{"operator": "Exists"}]), node(unschedulable=True), [], (), id="a cordoned node, tolerated"
        ),
        pytest.param(pod(), node(taints=[TAINT]), [], ("node(s) had untolerated taint {k: v}",), id="a taint"),
        pytest.param(
            pod(tolerations=[{"key": "k", "value": "v"}]), node(taints=[TAINT]), [], (), id="a taint, tolerated"
        ),
        pytest.param(
            pod(tolerations=[{"key": "k", "value": "v", "effect": "NoExecute"}]),
            node(taints=[TAINT]),
            [],
            ("node(s) had untolerated taint {k: v}",),
            id="a taint, tolerated for another effect",
        ),
        pytest.param(
            pod(), node(taints=[{"key": "k", "effect": "PreferNoSchedule"}]), [], (), id="a taint that only discourages"
        ),
        pytest.param(pod(nodeSelector={"a": "b"}), node(labels={"a": "b"}), [], (), id="a selector that matches"),
        pytest.param(pod(nodeSelector={"a": "b"}), node(), [], (AFFINITY,), id="a selector that does not match"),
        pytest.param(
            pod(affinity=required(expression("a", "In", "x"), expression("a", "Gt", "5"))),
            node(labels={"a": "6"}),
            [],
            (),
            id="one of the affinity terms is enough",
        ),
        pytest.param(
            pod(affinity=required({})), node(), [], (AFFINITY,), id="an empty affinity term is met by no node"
        ),
        pytest.param(
            pod(affinity=required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]})),
            node(),
            [],
            (),
            id="affinity by the node's name",
        ),
        pytest.param(
            pod(affinity=required({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}]})),
            node(),
            [],
            (AFFINITY,),
            id="affinity against the node's name",
        ),
        pytest.param(
            pod(containers=[port(80)]),
            node(),
            [pod(containers=[port(80, hostIP="127.0.0.1")])],
            ("node(s) didn't have free ports for the requested pod ports",),
            id="a port that is taken on one address",
        ),
        pytest.param(
            pod(containers=[port(80)]), node(), [pod(containers=[port(80, protocol="UDP")])], (), id="another protocol"
        ),
    ],
)
def test_a_node_takes_a_pod_or_says_why_not(
    asked: Object, given: Object, others: list[Object], reasons: tuple[str, ...]
) -> None:
    found = obstacle(asked, demand_of(asked), state(given, *others))
    assert (found.reasons if found else ()) == reasons


def explained(asked: Object, *nodes: Any) -> str:
    found = [obstacle(asked, demand_of(asked), one) for one in nodes]
    return explanation(asked, [one for one in found if one is not None])


def test_the_explanation_counts_the_reasons() -> None:
    asked = pod(cpu="3")
    text = explained(
        asked, state(node("a"), pod(cpu="2")), state(node("b"), pod(cpu="2")), state(node("c", taints=[TAINT]))
    )
    assert text == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {k: v}, 2 Insufficient cpu. "
        "no new claims to deallocate, preemption: 0/3 nodes are available: "
        "1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
    )


def test_the_explanation_for_a_pod_that_is_larger_than_the_node() -> None:
    assert explained(pod(cpu="9"), state(node())).endswith(
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


def test_the_explanation_without_nodes_and_without_preemption() -> None:
    assert explained(pod()) == "no nodes available to schedule pods"
    assert explained(pod(cpu="9", preemptionPolicy="Never"), state(node())).endswith(
        "preemption: not eligible due to preemptionPolicy=Never."
    )
