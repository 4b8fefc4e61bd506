"""The subresource scale: how many replicas a workload is to have, in one form for all kinds.

Pure; carried out by `handlers/scale.py` for every row that names the subresource.
Page: https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/ (Scale v1)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, Path
from podwright.api.objects import Object, copy_object, metadata
from podwright.api.resources import Resource
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Column, Row, Strategy
from podwright.apiserver.registry.workload import count, selector_text

_SHARED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class ScaleStrategy(Strategy):
    """Scales: seen only below the object that they scale."""

    columns = (
        NAME,
        Column("Desired", count("spec", "replicas"), "integer", description="How many replicas there are to be."),
        Column("Available", count("status", "replicas"), "integer", description="How many replicas there are."),
        AGE,
    )

    def validate(self, obj: Object) -> list[FieldError]:
        """The count."""
        return check.non_negative(Path("spec").child("replicas"), (obj.get("spec") or {}).get("replicas"))


SCALE = Row(
    Resource("autoscaling", "v1", "scales", "Scale"),
    ScaleStrategy(),
    "io.k8s.api.autoscaling.v1.Scale",
    singular="scale",
)
"""The kind as a row, for what reads and writes objects by rows; no resource of this name is served."""


def scale_of(obj: Object) -> Object:
    """The Scale of a workload (a new object)."""
    spec, status, meta = obj.get("spec") or {}, obj.get("status") or {}, metadata(obj)
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: meta[field] for field in _SHARED if field in meta},
        "spec": {"replicas": spec.get("replicas") or 0},
        "status": {"replicas": status.get("replicas") or 0},
    }
    selector = _selector(spec.get("selector"))
    if selector:
        scale["status"]["selector"] = selector
    return scale


def scaled(obj: Object, scale: Object) -> Object:
    """The workload with the replicas that its Scale asks for (a new object)."""
    new = copy_object(obj)
    new.setdefault("spec", {})["replicas"] = (scale.get("spec") or {}).get("replicas") or 0
    return new


def _selector(selector: Mapping[str, Any] | None) -> str:
    if not selector:
        return ""
    if "matchLabels" in selector or "matchExpressions" in selector:
        return selector_text(selector)
    # A ReplicationController's is a plain mapping.
    return selector_text({"matchLabels": selector})
