"""Default roles and bindings: made when they are missing, completed when they lack something, at every start.

What somebody has added stays; who wants a default role as he has made it sets the annotation
`rbac.authorization.kubernetes.io/autoupdate: "false"`. The pure functions decide, `reconcile` carries it out. Called by
`server.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from podwright.api.errors import AlreadyExists, Conflict, NotFound
from podwright.api.objects import Key, Object, copy_object, key_of, metadata
from podwright.api.rbac import AUTO_UPDATE, GROUP, aggregated_rules
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from podwright.apiserver.authorization import controller_roles, default_roles
from podwright.apiserver.authorization.coverage import compacted, missing
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.authorization.words import DefaultBinding, DefaultRole
from podwright.client.interface import Client

_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS = {AUTO_UPDATE: "true"}


def _metadata(name: str, namespace: str, labels: Sequence[str] = ()) -> Object:
    made: Object = {
        "name": name,
        "labels": _LABELS | dict.fromkeys(labels, "true"),
        "annotations": dict(_ANNOTATIONS),
    }
    return made | {"namespace": namespace} if namespace else made


def role_object(role: DefaultRole) -> Object:
    """A default role as an object."""
    resource = ROLES if role.namespace else CLUSTER_ROLES
    made: Object = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(role.name, role.namespace, role.labels),
        "rules": [rule.as_json() for rule in role.rules],
    }
    if role.aggregates:
        selector = {"matchLabels": {role.aggregates: "true"}}
        made["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return made


def binding_object(binding: DefaultBinding) -> Object:
    """A default binding as an object."""
    resource = ROLE_BINDINGS if binding.namespace else CLUSTER_ROLE_BINDINGS
    named = [("User", name) for name in binding.users] + [("Group", name) for name in binding.groups]
    subjects = [{"apiGroup": GROUP, "kind": kind, "name": name} for kind, name in named]
    subjects += [{"kind": "ServiceAccount", "name": name, "namespace": "kube-system"} for name in binding.accounts]
    kind = "Role" if binding.namespace else "ClusterRole"
    made: Object = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(binding.name, binding.namespace),
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": binding.role},
    }
    return made | {"subjects": subjects} if subjects else made


def defaults() -> Mapping[Resource, Sequence[Object]]:
    """All default objects, aggregated ClusterRoles with the rules that they select."""
    cluster_roles = [role_object(r) for r in (*default_roles.CLUSTER_ROLES, *controller_roles.CONTROLLER_ROLES)]
    aggregating = [role for role in cluster_roles if "aggregationRule" in role]
    selected = [role for role in cluster_roles if len(role["metadata"]["labels"]) > len(_LABELS)]
    # `admin` has what `edit` has, and `edit` what `view` has: as many rounds as there are such roles are enough.
    for _ in aggregating:
        for role in aggregating:
            role["rules"] = aggregated_rules(role, selected)
    bindings = (*default_roles.CLUSTER_ROLE_BINDINGS, *controller_roles.CONTROLLER_BINDINGS)
    return {
        CLUSTER_ROLES: cluster_roles,
        ROLES: [role_object(role) for role in default_roles.ROLES],
        CLUSTER_ROLE_BINDINGS: [binding_object(binding) for binding in bindings],
        ROLE_BINDINGS: [binding_object(binding) for binding in default_roles.ROLE_BINDINGS],
    }


def completed(there: Object, wanted: Object) -> Object | None:
    """`there` (not changed) with what it lacks of a default object; None when it lacks nothing or is to be left."""
    meta = metadata(there)
    if (meta.get("annotations") or {}).get(AUTO_UPDATE) == "false":
        return None
    new = copy_object(there)
    for field in ("labels", "annotations"):
        new["metadata"][field] = {**(meta.get(field) or {}), **wanted["metadata"][field]}
    if "roleRef" in wanted:
        subjects = new.get("subjects") or []
        added = [subject for subject in wanted.get("subjects") or () if subject not in subjects]
        if added:
            new["subjects"] = [*subjects, *added]
    elif "aggregationRule" in wanted:
        selectors = (new.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
        added = [s for s in wanted["aggregationRule"]["clusterRoleSelectors"] if s not in selectors]
        if added:
            new["aggregationRule"] = {"clusterRoleSelectors": [*selectors, *added]}
    elif new.get("rules") != wanted["rules"]:
        lacking = missing(
            [Rule.of(rule) for rule in new.get("rules") or ()], [Rule.of(rule) for rule in wanted["rules"]]
        )
        if lacking:
            new["rules"] = [*(new.get("rules") or ()), *(rule.as_json() for rule in compacted(lacking))]
    return None if new == there else new


def whole(there: Object | None, wanted: Object) -> bool:
    """Whether a default object is there and needs nothing done."""
    if there is None or there.get("roleRef") != wanted.get("roleRef"):
        return False
    return completed(there, wanted) is None


async def reconcile(client: Client) -> None:
    """Make and complete the default objects. Raises StatusError."""
    work = []
    for resource, wanted in defaults().items():
        listed = await client.list(resource)
        there = {key_of(obj): obj for obj in listed.items}
        work += [
            _one(client, resource, obj, there.get(key_of(obj)))
            for obj in wanted
            if not whole(there.get(key_of(obj)), obj)
        ]
    await asyncio.gather(*work)


async def _one(client: Client, resource: Resource, wanted: Object, there: Object | None) -> None:
    key: Key = key_of(wanted)
    while True:
        try:
            if there is not None and there.get("roleRef") != wanted.get("roleRef"):
                # The role of a binding cannot be changed: upstream, too, makes such a binding anew.
                await client.delete(resource, key.name, key.namespace)
                there = None
            if there is None:
                await client.create(resource, wanted, key.namespace)
            elif (new := completed(there, wanted)) is not None:
                await client.update(resource, new)
            return
        except (AlreadyExists, Conflict):
            there = await client.get(resource, key.name, key.namespace)
        except NotFound:
            there = None
