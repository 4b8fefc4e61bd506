"""Which Pods this node takes."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.pod_admission import admit

Object = dict[str, Any]


def pod(cpu: str = "", *, ports: list[Object] | None = None, memory: str = "", **spec: Any) -> Object:
    asked = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    container = {"name": "a", "resources": {"requests": asked}, "ports": ports or []}
    return {"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}}


def node(
    *, pressure: str = "", taints: list[Object] | None = None, pods: str = "3", features: Object | None = None
) -> Object:
    conditions = [{"type": pressure, "status": "True"}] if pressure else []
    return {
        "metadata": {"name": "n", "labels": {"disk": "ssd", "cpus": "4"}},
        "spec": {"taints": taints or []},
        "status": {
            "allocatable": {"cpu": "1", "memory": "1Gi", "pods": pods, "ephemeral-storage": "1Gi"},
            "conditions": conditions,
            "features": features or {},
        },
    }


def static(given: Object) -> Object:
    given["metadata"]["annotations"] = {"kubernetes.io/config.source": "file"}
    return given


def affinity(*terms: Object) -> Object:
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def expression(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


NO_EXECUTE = [{"key": "k", "value": "v", "effect": "NoExecute"}]
PORT = {"containerPort": 80, "hostPort": 80}
AFFINITY = "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
PORTS = "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
TAINT = "Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
SHORT = "Pod was rejected: Node didn't have enough resource: "

CASES: dict[str, tuple[Object, list[Object], Object, tuple[str, str] | None]] = {
    "a plain Pod is taken": (pod(), [], node(), None),
    "what fits exactly is taken": (pod("600m"), [pod("400m")], node(), None),
    "too much CPU, in thousandths": (
        pod("2"),
        [pod("100m")],
        node(),
        ("OutOfcpu", SHORT + "cpu, requested: 2000, used: 100, capacity: 1000"),
    ),
    "too much memory, in bytes": (
        pod(memory="2Gi"),
        [],
        node(),
        ("OutOfmemory", SHORT + "memory, requested: 2147483648, used: 0, capacity: 1073741824"),
    ),
    "overhead counts": (
        pod("900m", overhead={"cpu": "200m"}),
        [],
        node(),
        ("OutOfcpu", SHORT + "cpu, requested: 1100, used: 0, capacity: 1000"),
    ),
    "a full node takes no other Pod": (
        pod(),
        [pod(), pod(), pod()],
        node(),
        ("OutOfpods", SHORT + "pods, requested: 1, used: 3, capacity: 3"),
    ),
    "a Pod that asks for nothing is taken on an overfull node": (pod(), [pod("5")], node(), None),
    "a matching node selector": (pod(nodeSelector={"disk": "ssd"}), [], node(), None),
    "another node selector": (pod(nodeSelector={"disk": "hdd"}), [], node(), ("NodeAffinity", AFFINITY)),
    "one matching affinity term is enough": (
        pod(affinity=affinity(expression("disk", "In", "hdd"), expression("cpus", "Gt", "2"))),
        [],
        node(),
        None,
    ),
    "no matching affinity term": (
        pod(affinity=affinity(expression("disk", "NotIn", "ssd"))),
        [],
        node(),
        ("NodeAffinity", AFFINITY),
    ),
    "an empty term matches nothing": (pod(affinity=affinity({})), [], node(), ("NodeAffinity", AFFINITY)),
    "the node's name is a field": (
        pod(
            affinity=affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["other"]}]}),
        ),
        [],
        node(),
        ("NodeAffinity", AFFINITY),
    ),
    "a host port that is taken": (pod(ports=[PORT]), [pod(ports=[PORT])], node(), ("NodePorts", PORTS)),
    "the same port of another protocol is free": (
        pod(ports=[PORT | {"protocol": "UDP"}]),
        [pod(ports=[PORT])],
        node(),
        None,
    ),
    "the same port on another address is free": (
        pod(ports=[PORT | {"hostIP": "127.0.0.1"}]),
        [pod(ports=[PORT | {"hostIP": "127.0.0.2"}])],
        node(),
        None,
    ),
    "the same port on every address is taken": (
        pod(ports=[PORT | {"hostIP": "127.0.0.1"}]),
        [pod(ports=[PORT | {"hostIP": "0.0.0.0"}])],
        node(),
        ("NodePorts", PORTS),
    ),
    "a NoExecute taint": (pod(), [], node(taints=NO_EXECUTE), ("TaintToleration", TAINT)),
    "a NoExecute taint that is tolerated": (
        pod(tolerations=[{"key": "k", "operator": "Equal", "value": "v"}]),
        [],
        node(taints=NO_EXECUTE),
        None,
    ),
    "a NoExecute taint and a static Pod": (static(pod()), [], node(taints=NO_EXECUTE), None),
    "a NoSchedule taint is the scheduler's": (
        pod(),
        [],
        node(taints=[{"key": "k", "effect": "NoSchedule"}]),
        None,
    ),
    "memory pressure and a best-effort Pod": (
        pod(),
        [],
        node(pressure="MemoryPressure"),
        ("Evicted", "Pod was rejected: The node had condition: [MemoryPressure]. "),
    ),
    "memory pressure and a Pod with requests": (pod("1m"), [], node(pressure="MemoryPressure"), None),
    "disk pressure and a Pod with requests": (
        pod("1m"),
        [],
        node(pressure="DiskPressure"),
        ("Evicted", "Pod was rejected: The node had condition: [DiskPressure]. "),
    ),
    "disk pressure and a critical Pod": (pod(priority=2_000_001_000), [], node(pressure="DiskPressure"), None),
    "groups that only the Pod names, on a runtime that adds the image's": (
        pod(securityContext={"supplementalGroupsPolicy": "Strict"}),
        [],
        node(),
        (
            "SupplementalGroupsPolicyNotSupported",
            "Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node",
        ),
    ),
    "groups that only the Pod names, on a runtime that can": (
        pod(securityContext={"supplementalGroupsPolicy": "Strict"}),
        [],
        node(features={"supplementalGroupsPolicy": True}),
        None,
    ),
    "the image's groups as well": (pod(securityContext={"supplementalGroupsPolicy": "Merge"}), [], node(), None),
    "a Pod for Windows": (
        pod(os={"name": "windows"}),
        [],
        node(),
        ("PodOSNotSupported", "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS"),
    ),
}


@pytest.mark.parametrize(("wanted", "others", "here", "expected"), CASES.values(), ids=CASES.keys())
def test_admission(wanted: Object, others: list[Object], here: Object, expected: tuple[str, str] | None) -> None:
    verdict = admit(wanted, others, here)
    assert (None if verdict is None else (verdict.reason, verdict.message)) == expected
