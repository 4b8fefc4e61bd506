"""What is special about ControllerRevisions: data that never changes, and its place in a row.

Called by the generic handlers through `rows.py`; StatefulSets and DaemonSets keep their history in them.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/
"""

from __future__ import annotations

from podwright.api.field import FieldError, Path, required
from podwright.api.objects import Object, metadata
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, NONE
from podwright.apiserver.registry.strategy import Column, Strategy


def _controller(obj: Object, now: float) -> str:
    """`statefulset.apps/web`"""
    for reference in metadata(obj).get("ownerReferences") or ():
        if reference.get("controller"):
            group = (reference.get("apiVersion") or "").rpartition("/")[0]
            kind = (reference.get("kind") or "").lower()
            return f"{kind}.{group}/{reference.get('name')}" if group else f"{kind}/{reference.get('name')}"
    return NONE


class ControllerRevisionStrategy(Strategy):
    """ControllerRevisions."""

    columns = (
        NAME,
        Column("Controller", _controller, description="Whose history it is part of."),
        Column(
            "Revision", lambda obj, now: obj.get("revision") or 0, "integer", description="Its place in the history."
        ),
        AGE,
    )

    def default(self, obj: Object) -> None:
        """The revision is always written."""
        if obj.get("revision") is None:
            obj["revision"] = 0

    def validate(self, obj: Object) -> list[FieldError]:
        """A new revision's errors."""
        errors = [] if obj.get("data") is not None else [required(Path("data"), "data is mandatory")]
        return errors + check.non_negative(Path("revision"), obj.get("revision"))

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """What was is what was."""
        return self.validate(obj) + check.unchanged(Path("data"), obj.get("data"), old.get("data"))
