"""What is special about Nodes: taints, addresses that are given once, and what `get nodes` shows.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/architecture/nodes/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, required
from podwright.api.objects import Object, metadata
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE, UNKNOWN, at
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ROLE_PREFIX, _ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"


def _status(node: Object, now: float) -> str:
    ready = [c for c in (node.get("status") or {}).get("conditions") or () if c.get("type") == "Ready"]
    words = ["Ready" if ready[0].get("status") == "True" else "NotReady"] if ready else ["Unknown"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Object, now: float) -> str:
    labels: dict[str, str] = metadata(node).get("labels") or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get(_ROLE_LABEL) or "")
    return ",".join(sorted(roles - {""})) or NONE


def _address(kind: str) -> Any:
    def cell(node: Object, now: float) -> str:
        addresses = (node.get("status") or {}).get("addresses") or ()
        return next((a.get("address") or NONE for a in addresses if a.get("type") == kind), NONE)

    return cell


def _info(field: str) -> Any:
    return at("status", "nodeInfo", field, absent=UNKNOWN)


class NodeStrategy(Strategy):
    """Nodes, with the subresource status."""

    columns = (
        NAME,
        Column("Status", _status, description="Whether the node is ready, and whether it takes new Pods."),
        Column("Roles", _roles, description="The node's roles, by its labels."),
        AGE,
        Column("Version", at("status", "nodeInfo", "kubeletVersion"), description="The kubelet's version."),
        Column("Internal-IP", _address("InternalIP"), priority=1, description="Its address within the cluster."),
        Column("External-IP", _address("ExternalIP"), priority=1, description="Its address from outside."),
        Column("OS-Image", _info("osImage"), priority=1, description="The operating system."),
        Column("Kernel-Version", _info("kernelVersion"), priority=1, description="The kernel."),
        Column("Container-Runtime", _info("containerRuntimeVersion"), priority=1, description="The runtime."),
    )
    status_subresource = True

    def default(self, obj: Object) -> None:
        """The older field `podCIDR` equals the first of `podCIDRs`; allocatable is the capacity unless said."""
        spec = obj["spec"] = obj.get("spec") or {}
        cidrs = spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])
        if cidrs:
            spec["podCIDRs"], spec["podCIDR"] = cidrs, cidrs[0]
        status = obj.get("status") or {}
        for field in ("capacity", "allocatable"):
            normalize_quantities(status.get(field))
        if status.get("capacity") and not status.get("allocatable"):
            status["allocatable"] = dict(status["capacity"])

    def prepare_for_create(self, obj: Object) -> None:
        """Keep the status: a kubelet registers its node with it."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Taints and Pod networks."""
        spec = obj.get("spec") or {}
        errors = _taints(_SPEC.child("taints"), spec.get("taints") or ())
        for position, cidr in enumerate(spec.get("podCIDRs") or ()):
            try:
                ipaddress.ip_network(cidr, strict=False)
            except ValueError:
                text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
                errors.append(invalid(_SPEC.child("podCIDRs").index(position), cidr, text))
        for field in ("capacity", "allocatable"):
            for name, value in ((obj.get("status") or {}).get(field) or {}).items():
                errors += check.quantity(Path("status").child(field).key(name), value)
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """What a node is given once, it keeps."""
        errors = self.validate(obj)
        new, was = obj.get("spec") or {}, old.get("spec") or {}
        for field, word in (("podCIDRs", "podCIDR"), ("providerID", "providerID")):
            if was.get(field) and new.get(field) != was[field]:
                text = f'node updates may not change {word} except from "" to valid'
                errors.append(forbidden(_SPEC.child(field), text))
        return errors

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """Whether it takes new Pods."""
        return {"spec.unschedulable": "true" if (obj.get("spec") or {}).get("unschedulable") else "false"}


def _taints(path: Path, taints: Any) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for position, taint in enumerate(taints):
        where, key, effect = path.index(position), taint.get("key") or "", taint.get("effect") or ""
        errors += check.obeys(where.child("key"), key, names.qualified_name)
        errors += check.obeys(where.child("value"), taint.get("value") or "", names.label_value)
        errors += (
            check.optional_one_of(where.child("effect"), effect, _EFFECTS)
            if effect
            else [required(where.child("effect"))]
        )
        if (key, effect) in seen:
            errors.append(duplicate(where, taint))
        seen.add((key, effect))
    return errors
