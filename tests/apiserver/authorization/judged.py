"""An authorizer over the default roles and what a test adds, without a server."""

from __future__ import annotations

from typing import Any

from podwright.admission.interface import User
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from podwright.apiserver.authorization.policies import Policies
from podwright.apiserver.authorization.rbac import Rbac
from podwright.apiserver.authorization.reconcile import defaults
from podwright.apiserver.filters.authz import Authorizer
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.reviews import REVIEW_ROWS
from podwright.apiserver.routes import Asked, resolve, table_of

TABLE = table_of((*ROWS, *REVIEW_ROWS))
KNOWN = "system:authenticated"


def default_policies() -> Policies:
    """What every cluster has."""
    policies = Policies()
    objects = defaults()
    for obj in (*objects[CLUSTER_ROLES], *objects[ROLES]):
        policies.put_role(obj["metadata"].get("namespace", ""), obj["metadata"]["name"], obj)
    for obj in (*objects[CLUSTER_ROLE_BINDINGS], *objects[ROLE_BINDINGS]):
        policies.put_binding(obj["metadata"].get("namespace", ""), obj["metadata"]["name"], obj)
    return policies


def role(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(rules)}


def rule(verbs: str, resources: str = "", group: str = "", **more: Any) -> dict[str, Any]:
    """A PolicyRule; words stand between blanks."""
    about = {"apiGroups": [group], "resources": resources.split()} if resources else {}
    return {"verbs": verbs.split(), **about, **more}


def binding(kind: str, name: str, *subjects: dict[str, str]) -> dict[str, Any]:
    return {"roleRef": {"kind": kind, "name": name}, "subjects": list(subjects)}


def user(name: str, *groups: str) -> User:
    return User(name, (*groups, KNOWN))


def jane() -> dict[str, str]:
    return {"kind": "User", "name": "jane"}


def authorizer(policies: Policies, relations: set[tuple[str, str, str, str]] | None = None) -> Authorizer:
    """`relations`: node, plural, namespace and name of what its Pods refer to."""
    found = relations or set()
    return Authorizer(Rbac(policies), lambda *reference: reference in found)


def asked(method: str, path: str, *, watch: bool = False) -> Asked:
    return resolve(method, path, TABLE, watch=watch)
