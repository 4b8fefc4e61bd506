"""What is special about Namespaces: the label with their name, the finalizer that empties them, their phase.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid
from podwright.api.objects import Object, copy_object, metadata, name_of
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.strategy import Column, Strategy

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(Strategy):
    """Namespaces, with the subresources status and finalize."""

    columns = (NAME, Column("Status", at("status", "phase"), description="Active, or Terminating."), AGE)
    status_subresource = True

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """A namespace is part of DNS names, hence a label."""
        return names.dns_label(name, prefix=prefix)

    def default(self, obj: Object) -> None:
        """The label by which network policies and selectors name a namespace."""
        name = name_of(obj)
        if name:
            meta = obj["metadata"]
            meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: name}

    def prepare_for_create(self, obj: Object) -> None:
        """Active, and not gone before it is empty."""
        spec = obj["spec"] = obj.get("spec") or {}
        finalizers = spec.get("finalizers") or []
        spec["finalizers"] = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]
        obj["status"] = {"phase": "Active"}

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """spec.finalizers change through `finalize` alone, where nothing else does."""
        if subresource == "finalize":
            finalizers = (obj.get("spec") or {}).get("finalizers") or []
            version = metadata(obj).get("resourceVersion")
            kept = copy_object(old)
            kept["spec"] = {**(kept.get("spec") or {}), "finalizers": finalizers}
            if version:
                kept["metadata"]["resourceVersion"] = version
            obj.clear()
            obj.update(kept)
            return
        super().prepare_for_update(obj, old, subresource)
        spec = obj["spec"] = dict(obj.get("spec") or {})
        spec["finalizers"] = list((old.get("spec") or {}).get("finalizers") or ())

    def validate(self, obj: Object) -> list[FieldError]:
        """The names of finalizers."""
        errors: list[FieldError] = []
        for position, finalizer in enumerate((obj.get("spec") or {}).get("finalizers") or ()):
            where = Path("spec").child("finalizers").index(position)
            wrong = check.obeys(where, finalizer, names.qualified_name)
            if not wrong and "/" not in finalizer and finalizer != FINALIZER:
                text = "name is neither a standard finalizer name nor is it fully qualified"
                wrong = [invalid(where, finalizer, text)]
            errors += wrong
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The phase follows the deletion timestamp."""
        if subresource != "status":
            return self.validate(obj)
        phase, where = (obj.get("status") or {}).get("phase") or "", Path("status").child("phase")
        if metadata(obj).get("deletionTimestamp"):
            text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            return [] if phase == "Terminating" else [invalid(where, phase, text)]
        text = "may only be 'Active' if `deletionTimestamp` is empty"
        return [] if phase in ("", "Active") else [invalid(where, phase, text)]

    def holds_removal(self, obj: Object) -> bool:
        """Until the controller has emptied it."""
        return bool((obj.get("spec") or {}).get("finalizers"))

    def mark_deleted(self, obj: Object) -> None:
        """Terminating: nothing new may be created in it."""
        obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """The phase."""
        return {"status.phase": (obj.get("status") or {}).get("phase") or ""}
