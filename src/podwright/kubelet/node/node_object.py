"""Decides the Node object: labels, capacity, allocatable, addresses, nodeInfo, images, runtime handlers.

Pure; called by `manager`. Allocatable is the capacity less what is reserved for the system, for the kubelet, and for
the eviction thresholds.
Page: https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import podwright
from podwright.api.objects import Object
from podwright.api.quantity import Family, format_quantity, parse_quantity
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.node.machine import Machine
from podwright.kubelet.node.runtime_info import RuntimeState

_EVICTION_OF = {"memory": "memory.available", "ephemeral-storage": "nodefs.available"}


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What the node is called."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """further labels, as --node-labels gives them"""


def node_labels(identity: NodeIdentity, machine: Machine) -> dict[str, str]:
    """The labels that the kubelet gives its node."""
    return {
        "beta.kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        "kubernetes.io/hostname": identity.name,
        "kubernetes.io/os": "linux",
        **identity.labels,
    }


def new_node(identity: NodeIdentity, machine: Machine, config: KubeletConfiguration, status: Object) -> Object:
    """The object that registers the node."""
    spec: Object = {}
    if config.registerWithTaints:
        spec["taints"] = [dict(taint) for taint in config.registerWithTaints]
    if config.providerID:
        spec["providerID"] = config.providerID
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": identity.name, "labels": node_labels(identity, machine)},
        "spec": spec,
        "status": status,
    }


def node_status(
    identity: NodeIdentity,
    machine: Machine,
    config: KubeletConfiguration,
    runtime: RuntimeState | None,
    *,
    images: Sequence[Object],
    port: int,
    conditions: Sequence[Mapping[str, Any]],
) -> Object:
    """The whole status; `port` is where the kubelet's server listens (0: it does not)."""
    status: Object = {
        "capacity": capacity(machine, config),
        "allocatable": allocatable(machine, config),
        "conditions": [dict(c) for c in conditions],
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in machine.addresses),
            {"type": "Hostname", "address": identity.name},
        ],
        "nodeInfo": _node_info(machine, runtime),
        "images": list(images),
    }
    if port:
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": port}}
    if runtime is not None and runtime.handlers:
        status["runtimeHandlers"] = [
            {
                "name": h.name,
                "features": {
                    "recursiveReadOnlyMounts": h.recursive_read_only_mounts,
                    "userNamespaces": h.user_namespaces,
                },
            }
            for h in runtime.handlers
        ]
    if runtime is not None:
        status["features"] = {"supplementalGroupsPolicy": runtime.supplemental_groups_policy}
    return status


def capacity(machine: Machine, config: KubeletConfiguration) -> dict[str, str]:
    """All that the machine has."""
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": _binary(machine.disk // 1024 * 1024),
        **{f"hugepages-{_binary(size)}": _binary(amount) for size, amount in sorted(machine.hugepages.items())},
        "memory": _binary(machine.memory // 1024 * 1024),
        "pods": str(config.maxPods),
    }


def allocatable(machine: Machine, config: KubeletConfiguration) -> dict[str, str]:
    """What Pods may ask for."""
    left = capacity(machine, config)
    amounts = {"memory": machine.memory, "ephemeral-storage": machine.disk}
    for name, had in left.items():
        reserved = sum(
            (parse_quantity(r[name]) for r in (config.systemReserved, config.kubeReserved) if name in r), Decimal(0)
        )
        if name == "memory":
            # Huge pages are memory that nobody else can use.
            reserved += sum(machine.hugepages.values())
        threshold = config.evictionHard.get(_EVICTION_OF.get(name, ""))
        if threshold is not None:
            reserved += threshold.of(amounts[name])
        if reserved:
            amount = max(parse_quantity(had) - reserved, Decimal(0))
            left[name] = format_quantity(amount, Family.DECIMAL_SI if name == "cpu" else Family.BINARY_SI)
    return left


def _node_info(machine: Machine, runtime: RuntimeState | None) -> Object:
    return {
        "machineID": machine.machine_id,
        "systemUUID": machine.system_uuid,
        "bootID": machine.boot_id,
        "kernelVersion": machine.kernel,
        "osImage": machine.os_image,
        "containerRuntimeVersion": f"{runtime.name}://{runtime.version}" if runtime is not None else "",
        "kubeletVersion": podwright.KUBERNETES_VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": machine.architecture,
        "swap": {"capacity": machine.swap},
    }


def _binary(amount: int) -> str:
    return format_quantity(Decimal(amount), Family.BINARY_SI)
