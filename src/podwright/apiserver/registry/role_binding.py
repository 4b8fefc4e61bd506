"""What is special about RoleBindings and ClusterRoleBindings: whom they name, and that the role stays the same.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.api.rbac import GROUP
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Column, Strategy

_SUBJECT_KINDS = ("ServiceAccount", "User", "Group")


def _role(obj: Object, now: float) -> str:
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind')}/{reference.get('name')}"


def _named(kind: str) -> Callable[[Object, float], str]:
    def cell(obj: Object, now: float) -> str:
        found = [s for s in obj.get("subjects") or () if s.get("kind") == kind]
        return ", ".join(f"{s.get('namespace', '')}/{s['name']}" if kind == "ServiceAccount" else s["name"]
                         for s in found)  # fmt: skip

    return cell


class RoleBindingStrategy(Strategy):
    """RoleBindings."""

    columns = (
        NAME,
        Column("Role", _role, description="The role that is given."),
        AGE,
        Column("Users", _named("User"), description="The users it is given to.", priority=1),
        Column("Groups", _named("Group"), description="The groups it is given to.", priority=1),
        Column("ServiceAccounts", _named("ServiceAccount"), description="The accounts it is given to.", priority=1),
    )
    _kinds: Sequence[str] = ("Role", "ClusterRole")
    _namespaced = True

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """Whatever fits into a path."""
        return names.path_segment(name, prefix=prefix)

    def default(self, obj: Object) -> None:
        """The API groups of the role and of users and groups."""
        reference = obj.get("roleRef")
        if reference is not None and not reference.get("apiGroup"):
            reference["apiGroup"] = GROUP
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
                subject["apiGroup"] = GROUP

    def validate(self, obj: Object) -> list[FieldError]:
        """The role and the subjects."""
        where, reference = Path("roleRef"), obj.get("roleRef") or {}
        errors: list[FieldError] = []
        if reference.get("apiGroup") != GROUP:
            errors.append(not_supported(where.child("apiGroup"), reference.get("apiGroup") or "", (GROUP,)))
        if reference.get("kind") not in self._kinds:
            errors.append(not_supported(where.child("kind"), reference.get("kind") or "", self._kinds))
        errors += check.name(where.child("name"), reference.get("name"), names.path_segment)
        for position, subject in enumerate(obj.get("subjects") or ()):
            errors += _subject_errors(subject, Path("subjects").index(position), namespaced=self._namespaced)
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Who is given a role may change; which role it is may not, lest a binding gives more than was looked at."""
        errors = self.validate(obj)
        if obj.get("roleRef") != old.get("roleRef"):
            errors.append(invalid(Path("roleRef"), obj.get("roleRef"), "cannot change roleRef"))
        return errors


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    """ClusterRoleBindings."""

    _kinds = ("ClusterRole",)
    _namespaced = False


def _subject_errors(subject: Mapping[str, Any], where: Path, *, namespaced: bool) -> list[FieldError]:
    kind, group, name = subject.get("kind") or "", subject.get("apiGroup") or "", subject.get("name") or ""
    errors = [] if name else [required(where.child("name"))]
    if kind == "ServiceAccount":
        if name:
            errors += check.obeys(where.child("name"), name, names.dns_subdomain)
        if group:
            errors.append(not_supported(where.child("apiGroup"), group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(required(where.child("namespace")))
    elif kind in _SUBJECT_KINDS:
        if group != GROUP:
            errors.append(not_supported(where.child("apiGroup"), group, (GROUP,)))
    else:
        errors.append(not_supported(where.child("kind"), kind, _SUBJECT_KINDS))
    return errors
