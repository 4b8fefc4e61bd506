from __future__ import annotations

import pytest
from tests.apiserver.authorization.judged import (
    asked,
    authorizer,
    binding,
    default_policies,
    jane,
    role,
    rule,
    user,
)

from podwright.admission.interface import User
from podwright.api.errors import Forbidden
from podwright.apiserver.filters.authz import denial

ADMIN = user("admin", "system:masters")
NODE = user("system:node:n", "system:nodes")
ACCOUNT = user("system:serviceaccount:ns:sa", "system:serviceaccounts", "system:serviceaccounts:ns")
NOBODY = User("system:anonymous", ("system:unauthenticated",))
TENANT = user("jane")
PODS = "/api/v1/namespaces/ns/pods"
ELSEWHERE = "/api/v1/namespaces/other/pods"
CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles"


@pytest.mark.parametrize(
    ("who", "method", "path", "may"),
    [
        pytest.param(ADMIN, "DELETE", PODS, True, id="the administrator may everything"),
        pytest.param(ADMIN, "POST", CLASSES, True, id="the administrator makes classes"),
        pytest.param(NODE, "PATCH", f"{PODS}/a/status", True, id="a node says how its Pods are"),
        pytest.param(NODE, "POST", f"{PODS}/a/exec", False, id="a node runs no commands elsewhere"),
        pytest.param(NODE, "DELETE", "/api/v1/namespaces/ns/secrets/a", False, id="a node deletes no Secret"),
        pytest.param(NODE, "GET", f"{CLASSES}/a", True, id="a node reads a class"),
        pytest.param(NODE, "PATCH", f"{CLASSES}/a", False, id="a node changes no class"),
        pytest.param(ACCOUNT, "GET", PODS, False, id="a service account sees no Pods"),
        pytest.param(ACCOUNT, "POST", CLASSES, False, id="a service account makes no class"),
        pytest.param(ACCOUNT, "GET", "/apis", True, id="but what is served"),
        pytest.param(ACCOUNT, "GET", "/version", True, id="and the version"),
        pytest.param(ACCOUNT, "GET", "/metrics", False, id="and no metrics"),
        pytest.param(
            ACCOUNT, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", True, id="and asks what it may"
        ),
        pytest.param(
            ACCOUNT, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", True, id="and who it is"
        ),
        pytest.param(
            ACCOUNT, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", False, id="but not what others may"
        ),
        pytest.param(NOBODY, "GET", "/healthz", True, id="health is public"),
        pytest.param(NOBODY, "GET", "/apis", False, id="what is served is not"),
        pytest.param(TENANT, "POST", PODS, True, id="edit makes Pods in its namespace"),
        pytest.param(TENANT, "GET", f"{PODS}/a/log", True, id="edit reads logs"),
        pytest.param(TENANT, "POST", f"{PODS}/a/exec", True, id="edit runs commands"),
        pytest.param(TENANT, "POST", f"{PODS}/a/eviction", True, id="edit evicts"),
        pytest.param(TENANT, "GET", "/api/v1/namespaces/ns", True, id="edit reads its own namespace"),
        pytest.param(TENANT, "DELETE", "/api/v1/namespaces/ns", False, id="edit does not delete it"),
        pytest.param(TENANT, "GET", "/api/v1/namespaces", False, id="edit lists no namespaces"),
        pytest.param(TENANT, "PATCH", f"{PODS}/a/status", False, id="edit writes no status"),
        pytest.param(TENANT, "GET", ELSEWHERE, False, id="edit sees nothing elsewhere"),
        pytest.param(TENANT, "GET", "/api/v1/pods", False, id="nor everywhere at once"),
        pytest.param(TENANT, "POST", CLASSES, False, id="edit makes no class"),
        pytest.param(TENANT, "GET", CLASSES, False, id="nor reads one"),
        pytest.param(TENANT, "GET", ROLES, False, id="edit sees no roles"),
        pytest.param(TENANT, "GET", "/api/v1/nodes", False, id="edit sees no nodes"),
        pytest.param(
            TENANT, "POST", "/api/v1/namespaces/ns/resourcequotas", False, id="edit sets no quota for itself"
        ),
    ],
)  # fmt: skip
def test_who_may_what(who: User, method: str, path: str, may: bool) -> None:
    policies = default_policies()
    policies.put_binding("ns", "tenants", binding("ClusterRole", "edit", jane()))
    judge = authorizer(policies)
    assert judge.allowed(who, asked(method, path)) is may
    assert judge.decide(who, asked(method, path)).allowed is may


def test_the_text_of_a_refusal() -> None:
    assert denial(ACCOUNT, asked("GET", PODS)).message == (
        'pods is forbidden: User "system:serviceaccount:ns:sa" cannot list resource "pods" in API group "" '
        'in the namespace "ns"'
    )
    assert denial(TENANT, asked("PUT", f"{CLASSES}/gvisor")).message == (
        'runtimeclasses.node.k8s.io "gvisor" is forbidden: User "jane" cannot update resource "runtimeclasses" '
        'in API group "node.k8s.io" at the cluster scope'
    )
    assert denial(TENANT, asked("GET", "/metrics")).message == 'forbidden: User "jane" cannot get path "/metrics"'
    assert "jane&lt;b&gt;" in denial(user("jane<b>"), asked("GET", PODS)).message


def test_a_role_that_is_not_there_is_named_in_the_refusal() -> None:
    policies = default_policies()
    policies.put_binding("ns", "broken", binding("Role", "lost", jane()))
    with pytest.raises(Forbidden) as refused:
        authorizer(policies).check(TENANT, asked("GET", PODS), {})
    assert refused.value.message.endswith(
        'in the namespace "ns": RBAC: role.rbac.authorization.k8s.io "lost" not found'
    )


def test_a_list_of_one_name_needs_the_right_to_that_name_only() -> None:
    policies = default_policies()
    policies.put_role("ns", "one", role(rule("get list watch", "pods", resourceNames=["a"])))
    policies.put_binding("ns", "one", binding("Role", "one", jane()))
    judge = authorizer(policies)
    judge.check(TENANT, asked("GET", PODS), {"fieldSelector": "metadata.name=a"})
    judge.check(TENANT, asked("GET", PODS, watch=True), {"fieldSelector": "metadata.name=a"})
    for selector in ("", "metadata.name=b", "metadata.name!=a", "spec.nodeName=a", "!!"):
        with pytest.raises(Forbidden):
            judge.check(TENANT, asked("GET", PODS), {"fieldSelector": selector})


def test_why_something_is_allowed() -> None:
    policies = default_policies()
    policies.put_binding("ns", "tenants", binding("ClusterRole", "edit", jane()))
    policies.put_binding(
        "", "readers", binding("ClusterRole", "view", {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"})
    )
    judge = authorizer(policies)
    assert judge.decide(TENANT, asked("POST", PODS)).reason == (
        'RBAC: allowed by RoleBinding "tenants/ns" of ClusterRole "edit" to User "jane"'
    )
    assert judge.decide(ACCOUNT, asked("GET", ELSEWHERE)).reason == (
        'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "view" to ServiceAccount "sa/ns"'
    )
    assert judge.decide(TENANT, asked("GET", ELSEWHERE)).reason == ""


def test_a_change_of_roles_is_seen_at_once() -> None:
    policies = default_policies()
    judge = authorizer(policies)
    assert not judge.allowed(TENANT, asked("GET", PODS))
    policies.put_role("", "readers", role(rule("get list", "pods")))
    policies.put_binding("ns", "readers", binding("ClusterRole", "readers", jane()))
    assert judge.allowed(TENANT, asked("GET", PODS))
    policies.put_role("", "readers", role(rule("get", "pods")))
    assert not judge.allowed(TENANT, asked("GET", PODS))
    assert judge.allowed(TENANT, asked("GET", f"{PODS}/a"))
    policies.put_binding("ns", "readers", binding("ClusterRole", "readers", {"kind": "Group", "name": "dev"}))
    assert not judge.allowed(TENANT, asked("GET", f"{PODS}/a"))
    assert judge.allowed(user("jane", "dev"), asked("GET", f"{PODS}/a"))
    policies.put_binding("ns", "readers", None)
    assert not judge.allowed(user("jane", "dev"), asked("GET", f"{PODS}/a"))


def test_what_is_kept_of_many_who_ask_has_an_end_and_is_right() -> None:
    policies = default_policies()
    policies.put_binding("ns", "tenants", binding("ClusterRole", "edit", jane()))
    judge = authorizer(policies)
    for number in range(3000):
        assert not judge.allowed(user(f"u{number}"), asked("GET", PODS))
        assert not judge.allowed(TENANT, asked("GET", f"/api/v1/namespaces/n{number}/pods"))
        assert not judge.allowed(TENANT, asked(f"VERB{number}", f"{PODS}/a"))
    assert judge.allowed(TENANT, asked("GET", PODS))
