"""The node authorizer: a kubelet reads and writes what belongs to its own node and Pods.

`decide` is pure but for the question whether a Pod of the node refers to an object. What a kubelet may write into its
own objects is the concern of the admission plugin NodeRestriction. Called by `filters/authz.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import Callable

from podwright.api.selectors import FieldSelector
from podwright.apiserver.authorization.default_roles import NODE_RULES
from podwright.apiserver.routes import Asked

LEASES_NAMESPACE = "kube-node-lease"
Relate = Callable[[str, str, str, str], bool]
"""Whether a Pod on a node (first) refers to an object: its plural, namespace and name."""
_READ = ("get", "list", "watch")


def decide(node: str, asked: Asked, selector: FieldSelector, relate: Relate) -> str | None:
    """None: it is allowed; else why not ("": nothing to say). `selector`: the field selector of a list or watch."""
    match asked.group, asked.plural:
        case "", "secrets" | "configmaps":
            return _read(node, asked, relate)
        case "", "persistentvolumeclaims" if asked.subresource != "status":
            return _read(node, asked, relate)
        case "", "persistentvolumes":
            return _get(node, asked, relate)
        case "", "serviceaccounts":
            return _service_account(node, asked, relate)
        case "", "nodes" if not asked.subresource:
            return _node(node, asked, selector)
        case "", "pods" if not asked.subresource:
            return _pod(node, asked, selector, relate)
        case "coordination.k8s.io", "leases":
            return _lease(node, asked)
        case _:
            return None if any(rule.allows(asked) for rule in NODE_RULES) else ""


def _related(node: str, asked: Asked, relate: Relate) -> str | None:
    if not asked.name:
        return "No Object name found"
    if relate(node, asked.plural, asked.namespace, asked.name):
        return None
    return f"no relationship found between node '{node}' and this object"


def _read(node: str, asked: Asked, relate: Relate) -> str | None:
    if asked.verb not in _READ:
        return "can only read resources of this type"
    if asked.subresource:
        return "cannot read subresource"
    if not asked.namespace:
        return "can only read namespaced object of this type"
    return _related(node, asked, relate)


def _get(node: str, asked: Asked, relate: Relate) -> str | None:
    if asked.verb != "get":
        return "can only get individual resources of this type"
    return "cannot get subresource" if asked.subresource else _related(node, asked, relate)


def _service_account(node: str, asked: Asked, relate: Relate) -> str | None:
    if (asked.verb, asked.subresource) not in (("create", "token"), ("get", "")):
        return "can only create tokens for individual service accounts"
    return _related(node, asked, relate)


def _node(node: str, asked: Asked, selector: FieldSelector) -> str | None:
    if asked.verb == "create":
        return None
    if asked.verb in ("list", "watch") and selector.value_of("metadata.name") != node:
        return f"node '{node}' cannot read all nodes, only its own Node object"
    if asked.verb not in (*_READ, "update", "patch"):
        return ""
    if asked.verb == "get" and asked.name != node:
        return f"node '{node}' cannot read '{asked.name}', only its own Node object"
    return None


def _pod(node: str, asked: Asked, selector: FieldSelector, relate: Relate) -> str | None:
    if asked.verb in ("create", "delete"):
        return None
    if asked.verb == "get":
        return _related(node, asked, relate)
    if asked.verb not in ("list", "watch"):
        return ""
    mine = selector.value_of("spec.nodeName") == node
    return None if mine else "can only list/watch pods with spec.nodeName field selector"


def _lease(node: str, asked: Asked) -> str | None:
    if asked.verb not in ("get", "create", "update", "patch", "delete"):
        return "can only get, create, update, patch, or delete a node lease"
    if asked.namespace != LEASES_NAMESPACE:
        return f'can only access leases in the "{LEASES_NAMESPACE}" system namespace'
    if asked.verb != "create" and asked.name != node:
        return "can only access node lease with the same name as the requesting node"
    return None
