"""Nobody gives rights that he has not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.authorization.judged import authorizer, binding, default_policies, role, rule, user

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.errors import Forbidden, NotFound
from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from podwright.apiserver.authorization.escalation import Escalation

ANN = user("ann")
PODS, NODES = rule("get list", "pods"), rule("get", "nodes")
EVERYTHING = [rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]}]
RBAC = "rbac.authorization.k8s.io"


def escalation(*given: dict[str, Any]) -> Escalation:
    """Ann has `edit` in ns, and these rules."""
    policies = default_policies()
    ann = {"kind": "User", "name": "ann"}
    policies.put_binding("ns", "ann", binding("ClusterRole", "edit", ann))
    policies.put_role("ns", "more", role(*given))
    policies.put_binding("ns", "more", binding("Role", "more", ann))
    return Escalation(policies, authorizer(policies))


def write(
    resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None = None, who: User = ANN, name: str = "r"
) -> Attributes:
    operation = Operation.UPDATE if old else Operation.CREATE
    return Attributes(operation, resource, who, "ns" if resource.namespaced else "", name, "", obj, old)


def bound(kind: str, name: str, **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r", **meta}, **binding(kind, name, {"kind": "User", "name": "bob"})}


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        pytest.param([], write(ROLES, role(PODS)), id="a role with less"),
        pytest.param([], write(ROLE_BINDINGS, bound("ClusterRole", "view")), id="a binding of less"),
        pytest.param([rule("escalate", "roles", RBAC)], write(ROLES, role(NODES)), id="who may escalate"),
        pytest.param(
            [rule("bind", "clusterroles", RBAC, resourceNames=["admin"])],
            write(ROLE_BINDINGS, bound("ClusterRole", "admin")),
            id="who may bind that role",
        ),
        pytest.param(EVERYTHING[:1], write(ROLES, role(NODES)), id="who has everything here"),
        pytest.param([], write(CLUSTER_ROLES, role(NODES), who=user("a", "system:masters")), id="an administrator"),
        pytest.param(
            [],
            write(ROLES, {**role(NODES), "metadata": {"finalizers": []}}, {**role(NODES), "metadata": {}}),
            id="what only clears away",
        ),
    ],
)
def test_what_is_given(given: list[Any], attributes: Attributes) -> None:
    escalation(*given).check(attributes)


@pytest.mark.parametrize(
    ("given", "attributes", "lacking"),
    [
        pytest.param([], write(ROLES, role(NODES)), '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}', id="more"),
        pytest.param([], write(CLUSTER_ROLES, role(PODS)), 'Resources:["pods"]', id="everywhere"),
        pytest.param([], write(ROLES, role(NODES), role(PODS)), 'Resources:["nodes"]', id="a change to more"),
        pytest.param([], write(ROLE_BINDINGS, bound("ClusterRole", "admin")), 'Resources:["roles"]', id="a binding"),
        pytest.param(
            [], write(CLUSTER_ROLE_BINDINGS, bound("ClusterRole", "view")), 'Resources:["pods"]', id="everywhere too"
        ),
        pytest.param(
            [rule("bind", "clusterroles", RBAC, resourceNames=["view"])],
            write(ROLE_BINDINGS, bound("ClusterRole", "admin")),
            'Resources:["roles"]',
            id="a binding of another role than may be bound",
        ),
        pytest.param(
            [rule("escalate", "roles", RBAC)],
            write(ROLE_BINDINGS, bound("ClusterRole", "admin")),
            'Resources:["roles"]',
            id="to escalate is not to bind",
        ),
        pytest.param(
            [],
            write(ROLES, {**role(NODES), "metadata": {"labels": {"a": "b"}}}, {**role(NODES), "metadata": {}}),
            'Resources:["nodes"]',
            id="a label on what somebody else made",
        ),
    ],
)  # fmt: skip
def test_what_is_not(given: list[Any], attributes: Attributes, lacking: str) -> None:
    with pytest.raises(Forbidden) as refused:
        escalation(*given).check(attributes)
    plural = attributes.resource.plural
    head, _, told = refused.value.message.partition(":\n")
    assert head == (
        f'{plural}.{RBAC} "r" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC '
        "permissions not currently held"
    )
    assert lacking in told


def test_a_role_that_is_not_there_cannot_be_bound_unseen() -> None:
    with pytest.raises(NotFound) as missing:
        escalation().check(write(ROLE_BINDINGS, bound("Role", "lost")))
    assert missing.value.message == f'roles.{RBAC} "lost" not found'


def test_an_aggregation_takes_an_administrator() -> None:
    gathers = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use an aggregationRule"):
        escalation().check(write(CLUSTER_ROLES, {**role(), **gathers}))
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use an aggregationRule"):
        escalation().check(write(CLUSTER_ROLES, role(), {**role(), **gathers}))
