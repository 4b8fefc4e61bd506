"""What is special about ReplicaSets and ReplicationControllers: so many Pods of one template.

Called by the generic handlers through `rows.py`; the Pods are kept by `controllers/replica_set`.
Pages: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/ and .../replicationcontroller/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, required
from podwright.api.objects import Object
from podwright.api.selectors import LabelSelector, selector_of_labels
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, format_labels
from podwright.apiserver.registry.strategy import Column
from podwright.apiserver.registry.workload import (
    CONTAINERS,
    IMAGES,
    SELECTOR,
    SPEC,
    WorkloadStrategy,
    count,
    spec_of,
    status_errors,
    status_of,
    template_errors,
)

_COUNTS = (
    NAME,
    Column("Desired", count("spec", "replicas"), "integer", description="How many Pods there are to be."),
    Column("Current", count("status", "replicas"), "integer", description="How many Pods there are."),
    Column("Ready", count("status", "readyReplicas"), "integer", description="How many of them are ready."),
    AGE,
    CONTAINERS,
    IMAGES,
)


class ReplicaSetStrategy(WorkloadStrategy):
    """ReplicaSets, with the subresources status and scale."""

    columns = (*_COUNTS, SELECTOR)
    # Upstream's own words, for ReplicaSets too.
    selector_kind = "deployment"

    def default_spec(self, spec: dict[str, Any]) -> None:
        """One Pod."""
        if spec.get("replicas") is None:
            spec["replicas"] = 1

    def prepare_for_create(self, obj: Object) -> None:
        """No Pods are there yet, and that is always said."""
        obj["status"] = {"replicas": 0}

    def spec_errors(self, spec: Mapping[str, Any]) -> list[FieldError]:
        """The counts."""
        fields = ("replicas", "minReadySeconds")
        return [e for field in fields for e in check.non_negative(SPEC.child(field), spec.get(field))]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """How many Pods there are."""
        return {"status.replicas": str(status_of(obj).get("replicas") or 0)}


class ReplicationControllerStrategy(ReplicaSetStrategy):
    """ReplicationControllers: their selector is a plain mapping, by default the template's labels."""

    template_kind = "ReplicationController"
    orphans_by_default = True
    columns = (
        *_COUNTS,
        Column(
            "Selector",
            lambda obj, now: format_labels((obj.get("spec") or {}).get("selector")),
            priority=1,
            description="Which Pods it counts as its own.",
        ),
    )

    def default(self, obj: Object) -> None:
        """Selector and labels are the template's where they are not written."""
        template = (obj.get("spec") or {}).get("template")
        super().default(obj)
        if template is None:
            # Upstream knows no default of a template here, and its absence is an error.
            del obj["spec"]["template"]
            return
        labels = (template.get("metadata") or {}).get("labels")
        if not labels:
            return
        if not obj["spec"].get("selector"):
            obj["spec"]["selector"] = dict(labels)
        meta = obj.setdefault("metadata", {})
        if not meta.get("labels"):
            meta["labels"] = dict(labels)

    def validate(self, obj: Object) -> list[FieldError]:
        """A new ReplicationController's errors."""
        spec = spec_of(obj)
        written = spec.get("selector")
        errors = self.spec_errors(spec)
        errors += check.labels(SPEC.child("selector"), written) if written else [required(SPEC.child("selector"))]
        selector: LabelSelector | None = selector_of_labels(written) if written else None
        return errors + template_errors(spec.get("template"), selector, self.template_kind)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed ReplicationController's errors; its selector may change."""
        if subresource == "status":
            return status_errors(status_of(obj), status_of(old))
        return self.validate(obj)
