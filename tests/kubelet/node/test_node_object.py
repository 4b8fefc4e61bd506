"""The Node object of a machine."""

from __future__ import annotations

from decimal import Decimal

import pytest

import podwright
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.configuration_values import Threshold
from podwright.kubelet.node.machine import Machine
from podwright.kubelet.node.node_object import NodeIdentity, allocatable, capacity, new_node, node_status
from podwright.kubelet.node.runtime_info import Handler, RuntimeCondition, RuntimeState

GI = 1 << 30
MACHINE = Machine(
    cpus=4,
    memory=8 * GI,
    disk=100 * GI,
    pids=32768,
    hugepages={2 << 20: 0},
    machine_id="m",
    boot_id="b",
    kernel="6.1",
    os_image="Debian",
    addresses=["192.0.2.1"],
)
RUNTIME = RuntimeState(
    "containerd", "1.6.20", RuntimeCondition(True), RuntimeCondition(True), [Handler(""), Handler("crun")]
)
NODE = NodeIdentity("n", {"disk": "ssd"})
NO_EVICTION = {"evictionHard": {}}


def test_capacity() -> None:
    assert capacity(MACHINE, KubeletConfiguration()) == {
        "cpu": "4",
        "ephemeral-storage": "100Gi",
        "hugepages-2Mi": "0",
        "memory": "8Gi",
        "pods": "110",
    }


@pytest.mark.parametrize(
    ("config", "name", "left"),
    [
        pytest.param(NO_EVICTION, "memory", "8Gi", id="nothing reserved leaves everything"),
        pytest.param({}, "memory", "8092Mi", id="the eviction threshold is taken off"),
        pytest.param({}, "ephemeral-storage", "90Gi", id="a share of the disk is taken off"),
        pytest.param(
            NO_EVICTION | {"systemReserved": {"cpu": "500m"}, "kubeReserved": {"cpu": "250m"}},
            "cpu",
            "3250m",
            id="both reservations are taken off",
        ),
        pytest.param(NO_EVICTION | {"systemReserved": {"cpu": "9"}}, "cpu", "0", id="never below nothing"),
        pytest.param({"maxPods": 5}, "pods", "5", id="as many Pods as configured"),
        pytest.param(
            {"evictionHard": {"memory.available": Threshold(amount=Decimal(GI))}},
            "memory",
            "7Gi",
            id="an own threshold",
        ),
    ],
)
def test_allocatable(config: dict[str, object], name: str, left: str) -> None:
    assert allocatable(MACHINE, KubeletConfiguration(**config))[name] == left  # type: ignore[arg-type]


def test_status() -> None:
    images = [{"names": ["a:1"], "sizeBytes": 7}]
    status = node_status(
        NODE,
        MACHINE,
        KubeletConfiguration(),
        RUNTIME,
        images=images,
        port=10250,
        conditions=[{"type": "Ready"}],
    )
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.1"},
        {"type": "Hostname", "address": "n"},
    ]
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["images"] == images
    assert [h["name"] for h in status["runtimeHandlers"]] == ["", "crun"]
    info = status["nodeInfo"]
    assert info["containerRuntimeVersion"] == "containerd://1.6.20"
    assert info["kubeletVersion"] == podwright.KUBERNETES_VERSION
    assert (info["operatingSystem"], info["architecture"]) == ("linux", "amd64")


def test_registration() -> None:
    taint = {"key": "k", "effect": "NoSchedule"}
    node = new_node(NODE, MACHINE, KubeletConfiguration(registerWithTaints=(taint,)), {})
    assert node["metadata"]["labels"] == {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": "n",
        "kubernetes.io/os": "linux",
        "disk": "ssd",
    }
    assert node["spec"] == {"taints": [taint]}
