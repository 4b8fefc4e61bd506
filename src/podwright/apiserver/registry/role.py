"""What is special about Roles and ClusterRoles: the form of their rules, and of an aggregation.

Called by the generic handlers through `rows.py`; what a rule allows stands in `apiserver/authorization`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#api-objects
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, required
from podwright.api.objects import Object, metadata
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import NAME
from podwright.apiserver.registry.strategy import Column, Strategy

_CREATED_AT = Column(
    "Created At",
    lambda obj, now: metadata(obj).get("creationTimestamp"),
    type="date",
    description="When the object was created.",
)


class RoleStrategy(Strategy):
    """Roles."""

    columns = (NAME, _CREATED_AT)
    _namespaced = True

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """Whatever fits into a path: `system:node` is a good name here."""
        return names.path_segment(name, prefix=prefix)

    def validate(self, obj: Object) -> list[FieldError]:
        """Every rule."""
        errors: list[FieldError] = []
        for position, rule in enumerate(obj.get("rules") or ()):
            errors += rule_errors(rule, Path("rules").index(position), namespaced=self._namespaced)
        return errors


class ClusterRoleStrategy(RoleStrategy):
    """ClusterRoles."""

    _namespaced = False

    def validate(self, obj: Object) -> list[FieldError]:
        """Every rule, and the selectors of an aggregation."""
        errors = super().validate(obj)
        aggregation = obj.get("aggregationRule")
        if aggregation is None:
            return errors
        where, selectors = Path("aggregationRule.clusterRoleSelectors"), aggregation.get("clusterRoleSelectors") or ()
        if not selectors:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            errors.append(required(where, text))
        for position, selector in enumerate(selectors):
            errors += check.label_selector(where.index(position), selector)
        return errors


def rule_errors(rule: Mapping[str, Any], where: Path, *, namespaced: bool) -> list[FieldError]:
    """Everything wrong with one PolicyRule; `namespaced`: it is a Role's."""
    errors: list[FieldError] = []
    if not rule.get("verbs"):
        errors.append(required(where.child("verbs"), "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        at = where.child("nonResourceURLs")
        if namespaced:
            errors.append(invalid(at, urls, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(invalid(at, urls, text))
        return errors
    if not rule.get("apiGroups"):
        errors.append(required(where.child("apiGroups"), "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required(where.child("resources"), "resource rules must supply at least one resource"))
    return errors
