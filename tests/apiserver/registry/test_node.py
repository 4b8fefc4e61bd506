"""Nodes: what is filled in, what is wrong, what is shown."""

from __future__ import annotations

import pytest

from podwright.api.objects import Object
from podwright.apiserver.registry.node import NodeStrategy


def node(**spec: object) -> Object:
    made: Object = {"metadata": {"name": "n"}, "spec": spec}
    NodeStrategy().default(made)
    return made


def test_a_kubelet_registers_its_node_with_a_status() -> None:
    made: Object = {"metadata": {"name": "n"}, "status": {"capacity": {"memory": "1024Ki"}}}
    strategy = NodeStrategy()
    strategy.default(made)
    strategy.prepare_for_create(made)
    assert made["status"] == {"capacity": {"memory": "1Mi"}, "allocatable": {"memory": "1Mi"}}


def test_both_network_fields_say_the_same() -> None:
    assert node(podCIDR="10.1.0.0/24")["spec"] == {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]}


TAINT = {"key": "a", "value": "b", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param(node(taints=[TAINT]), [], id="a taint"),
        pytest.param(
            node(taints=[TAINT, TAINT]),
            ['spec.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoSchedule"}'],
            id="a taint twice",
        ),
        pytest.param(node(taints=[{"key": "a"}]), ["spec.taints[0].effect: Required value"], id="without an effect"),
        pytest.param(
            node(taints=[{"key": "a", "effect": "Never"}]),
            [
                'spec.taints[0].effect: Unsupported value: "Never": '
                'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
            ],
            id="with an unknown effect",
        ),
        pytest.param(
            node(podCIDR="here"),
            [
                'spec.podCIDRs[0]: Invalid value: "here": '
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            ],
            id="a network is one",
        ),
    ],
)
def test_node(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in NodeStrategy().validate(made)] == errors


def test_a_network_is_given_once() -> None:
    wrong = NodeStrategy().validate_update(node(podCIDR="10.2.0.0/24"), node(podCIDR="10.1.0.0/24"))
    assert [str(e) for e in wrong] == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_columns() -> None:
    made: Object = {
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/edge": "", "kubernetes.io/role": "box"}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Debian", "kernelVersion": "6.1"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }
    cells = {c.name: c.cell(made, 0) for c in NodeStrategy().columns if c.name not in ("Name", "Age")}
    assert cells == {
        "Status": "Ready,SchedulingDisabled",
        "Roles": "box,edge",
        "Version": "v1.36.0",
        "Internal-IP": "10.0.0.1",
        "External-IP": "<none>",
        "OS-Image": "Debian",
        "Kernel-Version": "6.1",
        "Container-Runtime": "<unknown>",
    }


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        pytest.param([], "Unknown", id="nothing is known"),
        pytest.param([{"type": "Ready", "status": "Unknown"}], "NotReady", id="nothing was heard"),
    ],
)
def test_status_word(conditions: list[dict[str, str]], word: str) -> None:
    status = next(c for c in NodeStrategy().columns if c.name == "Status")
    assert status.cell({"metadata": {}, "status": {"conditions": conditions}}, 0) == word
