"""Decides the smallest strategic merge patch that makes a Pod's status what the kubelet wants it to be.

Pure; called by `manager`. Only what the kubelet owns is ever touched: conditions of others and fields that it does
not write stay out of the patch, so a readiness gate set meanwhile is not lost.
Page: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.kubelet.status.conditions import OWNED, PASSING

_REMOVABLE = ("reason", "message")
_BY_ADDRESS = ("podIPs", "hostIPs")


def status_patch(base: Mapping[str, Any], desired: Mapping[str, Any], uid: str) -> dict[str, Any] | None:
    """The patch body from `base` to `desired` for the Pod with that UID; None when there is nothing to write."""
    status: dict[str, Any] = {}
    for name, value in desired.items():
        if name == "conditions":
            if changed := _conditions(base.get(name) or (), value):
                status[name] = changed
        elif not same(base.get(name), value):
            status[name] = _addresses(base.get(name) or (), value) if name in _BY_ADDRESS else value
    status |= {name: None for name in _REMOVABLE if base.get(name) and name not in desired}
    return {"metadata": {"uid": uid}, "status": status} if status else None


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values say the same, with null and empty as good as absent."""
    return bool(_said(a) == _said(b))


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: said for k, v in value.items() if (said := _said(v)) not in (None, {}, [])}
    if isinstance(value, list):
        return [_said(v) for v in value]
    return value


def _conditions(base: Sequence[Mapping[str, Any]], desired: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Conditions are merged by type, so only those that differ are sent, with the fields they have lost as null."""
    before = {c.get("type"): c for c in base}
    changed = []
    for condition in desired:
        old = before.get(condition["type"])
        if old is None:
            changed.append(condition)
        elif condition["type"] in (*OWNED, *PASSING) and not same(old, condition):
            changed.append({**dict.fromkeys(k for k in old if k not in condition), **condition})
    wanted = {c["type"] for c in desired}
    changed += [{"$patch": "delete", "type": kind} for kind in PASSING if kind in before and kind not in wanted]
    return changed


def _addresses(base: Sequence[Mapping[str, Any]], desired: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    kept = {entry["ip"] for entry in desired}
    return [*desired, *({"$patch": "delete", "ip": e["ip"]} for e in base if e["ip"] not in kept)]
