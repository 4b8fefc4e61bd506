"""Nobody gives rights that he has not: checked for every write of a role or binding.

Who may `escalate` a role, or `bind` one, may do so without having its rights; administrators may both. Called by
`guards.py` once the object is final.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.errors import Forbidden, NotFound
from podwright.api.objects import Object, metadata
from podwright.api.rbac import GROUP
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from podwright.apiserver.authorization.coverage import missing, told
from podwright.apiserver.authorization.policies import Policies
from podwright.apiserver.authorization.rule import Rule, quoted
from podwright.apiserver.filters.authz import EVERYTHING, MASTERS, Authorizer
from podwright.apiserver.routes import Asked

GUARDED = frozenset((ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS))
_GARBAGE_COLLECTORS = frozenset(("ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"))
_AGGREGATES = "must have cluster-admin privileges to use an aggregationRule"


class Escalation:
    """Refuses to give away more than one has."""

    def __init__(self, policies: Policies, authorizer: Authorizer) -> None:
        self._policies = policies
        self._authorizer = authorizer

    def check(self, attributes: Attributes) -> None:
        """Raises Forbidden for rights that the user does not have, NotFound for a role that is not there."""
        obj, old, user = attributes.obj, attributes.old, attributes.user
        if obj is None or attributes.operation not in (Operation.CREATE, Operation.UPDATE) or MASTERS in user.groups:
            return
        if old is not None and _kept(obj, old):
            return
        if attributes.resource in (ROLES, CLUSTER_ROLES):
            self._check_role(attributes, obj, old)
        else:
            self._check_binding(attributes, obj)

    def _may(self, user: User, verb: str, plural: str, namespace: str, name: str) -> bool:
        return self._authorizer.allowed(user, Asked(verb, "", None, GROUP, "v1", plural, namespace, name))

    def _check_role(self, attributes: Attributes, role: Object, old: Object | None) -> None:
        user, namespace = attributes.user, attributes.namespace
        if self._may(user, "escalate", attributes.resource.plural, namespace, attributes.name):
            return
        self._confirm(attributes, [Rule.of(rule) for rule in role.get("rules") or ()])
        aggregates = role.get("aggregationRule") or (old or {}).get("aggregationRule")
        if aggregates and missing(self._authorizer.rules(user, namespace)[0], EVERYTHING):
            raise refused(attributes, _AGGREGATES)

    def _check_binding(self, attributes: Attributes, binding: Object) -> None:
        reference: Mapping[str, Any] = binding["roleRef"]
        kind, name = reference["kind"], reference["name"]
        resource = ROLES if kind == "Role" else CLUSTER_ROLES
        if self._may(attributes.user, "bind", resource.plural, attributes.namespace, name):
            return
        rules = self._policies.rules(kind, name, attributes.namespace)
        if rules is None:
            raise NotFound.of(resource.plural, name, group=GROUP)
        self._confirm(attributes, rules)

    def _confirm(self, attributes: Attributes, granted: Sequence[Rule]) -> None:
        user = attributes.user
        held, absent = self._authorizer.rules(user, attributes.namespace)
        lacking = missing(held, granted)
        if not lacking:
            return
        who = f'user "{user.name}" (groups={quoted(user.groups)})'
        text = f"{who} is attempting to grant RBAC permissions not currently held:\n{told(lacking)}"
        if absent:
            text += f"; resolution errors: {quoted(absent)}"
        raise refused(attributes, text)


def refused(attributes: Attributes, why: str) -> Forbidden:
    """The answer to a write of `attributes` that is not allowed."""
    return Forbidden.of(attributes.resource.plural, attributes.name, why, group=attributes.resource.group)


def _kept(obj: Object, old: Object) -> bool:
    """Whether nothing has changed but what the garbage collector changes."""

    def rest(of: Object) -> Object:
        meta = {k: v for k, v in metadata(of).items() if k not in _GARBAGE_COLLECTORS}
        return {**of, "metadata": meta}

    return rest(obj) == rest(old)
