"""Small Pods and Nodes for the scheduler's tests."""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object
from podwright.scheduler.demand import NodeState, demand_of, node_state


def node(name: str = "n", *, pods: int = 110, cpu: str = "4", memory: str = "8Gi", **spec: Any) -> Object:
    labels = spec.pop("labels", {})
    extra = spec.pop("extra", {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": str(pods), **extra}},
    }


def container(cpu: str = "", memory: str = "", ports: Any = (), **fields: Any) -> Object:
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    return {"name": "c", "resources": {"requests": requests}, "ports": list(ports), **fields}


def pod(name: str = "p", cpu: str = "", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container(cpu)], **spec},
    }


def state(obj: Object, *pods: Object) -> NodeState:
    return node_state(obj, [demand_of(p) for p in pods])
