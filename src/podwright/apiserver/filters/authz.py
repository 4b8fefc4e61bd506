"""Whether a user may do what a request asks.

Until RBAC is here the rules stand in this file: administrators may everything, the components of a node and of the
control plane what they need, service accounts nothing but to find out who they are and what is served.
Pure; called by `front.py` and by the access reviews. Page:
https://kubernetes.io/docs/reference/access-authn-authz/authorization/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podwright.admission.interface import User
from podwright.api.errors import Forbidden
from podwright.apiserver.routes import Asked

MASTERS, NODES, AUTHENTICATED = "system:masters", "system:nodes", "system:authenticated"
_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete")
_ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed, in the words of a ClusterRole's PolicyRule."""

    verbs: Sequence[str]
    groups: Sequence[str] = ()
    resources: Sequence[str] = ()
    """`pods`, `pods/status`, `*`"""
    paths: Sequence[str] = ()
    """Paths that are no resources; `/x/*` means everything below."""

    def allows(self, asked: Asked) -> bool:
        """Whether this rule allows what is asked."""
        if not _has(self.verbs, asked.verb):
            return False
        if not asked.is_resource:
            return any(_path(p, asked.path) for p in self.paths)
        wanted = f"{asked.plural}/{asked.subresource}" if asked.subresource else asked.plural
        return _has(self.groups, asked.group) and _has(self.resources, wanted)


def _has(allowed: Sequence[str], wanted: str) -> bool:
    return wanted in allowed or "*" in allowed


def _path(allowed: str, path: str) -> bool:
    return path == allowed or (allowed.endswith("*") and path.startswith(allowed[:-1]))


_PUBLIC = (Rule(("get",), paths=("/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*")),)
_ANYONE_KNOWN = (
    Rule(("get",), paths=("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/")),
    Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
)
_EVERYTHING = (Rule(_ALL, _ALL, _ALL), Rule(_ALL, paths=_ALL))
_REVIEWS = (
    Rule(("create",), ("authentication.k8s.io",), ("tokenreviews",)),
    Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews", "localsubjectaccessreviews")),
)
_EVENTS = Rule(("create", "update", "patch"), ("", "events.k8s.io"), ("events",))
_LEASES = Rule((*_READ, *_WRITE), ("coordination.k8s.io",), ("leases",))
_NODE = (
    Rule((*_READ, *_WRITE), ("",), ("nodes", "pods")),
    Rule(("get", "update", "patch"), ("",), ("nodes/status", "pods/status")),
    Rule(("create",), ("",), ("pods/eviction", "serviceaccounts/token")),
    Rule(_READ, ("",), ("services", "configmaps", "secrets", "serviceaccounts")),
    Rule(_READ, ("node.k8s.io",), ("runtimeclasses",)),
    _EVENTS,
    _LEASES,
    *_REVIEWS,
)
_COMPONENTS = {
    "system:kube-scheduler": (
        Rule(_READ, ("",), ("nodes", "pods", "namespaces", "services")),
        Rule(("create",), ("",), ("pods/binding", "bindings")),
        Rule(("get", "update", "patch"), ("",), ("pods/status",)),
        Rule(("delete",), ("",), ("pods",)),
        _EVENTS,
        _LEASES,
        *_REVIEWS,
    ),
    "system:kube-controller-manager": (Rule(_ALL, _ALL, _ALL), Rule(("get",), paths=_ALL)),
    "system:kube-proxy": (
        Rule(_READ, ("",), ("nodes", "services", "endpoints")),
        Rule(_READ, ("discovery.k8s.io",), ("endpointslices",)),
        _EVENTS,
    ),
    "system:kube-dns": (
        Rule(_READ, ("",), ("namespaces", "pods", "services", "endpoints")),
        Rule(_READ, ("discovery.k8s.io",), ("endpointslices",)),
    ),
}


def rules_of(user: User) -> Sequence[Rule]:
    """Everything that a user may do."""
    groups = user.groups
    if MASTERS in groups:
        return _EVERYTHING
    rules = list(_PUBLIC)
    if AUTHENTICATED in groups:
        rules += _ANYONE_KNOWN
    if NODES in groups and user.name.startswith("system:node:"):
        rules += _NODE
    return rules + list(_COMPONENTS.get(user.name, ()))


def allowed(user: User, asked: Asked) -> bool:
    """Whether the user may do what is asked."""
    if MASTERS in user.groups:
        return True
    return any(rule.allows(asked) for rule in rules_of(user))


def denial(user: User, asked: Asked) -> Forbidden:
    """The answer when not."""
    if not asked.is_resource:
        return Forbidden(f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"')
    resource = f"{asked.plural}/{asked.subresource}" if asked.subresource else asked.plural
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    return Forbidden.of(
        asked.plural,
        asked.name,
        f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {where}',
        group=asked.group,
    )
