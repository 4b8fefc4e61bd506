from __future__ import annotations

import pytest

from podwright.admission.interface import User
from podwright.apiserver.filters.authz import allowed, denial
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.routes import resolve, table_of

TABLE = table_of(ROWS)
ADMIN = User("admin", ("system:masters", "system:authenticated"))
NODE = User("system:node:n", ("system:nodes", "system:authenticated"))
ACCOUNT = User("system:serviceaccount:ns:sa", ("system:serviceaccounts", "system:authenticated"))
NOBODY = User("system:anonymous", ("system:unauthenticated",))
PODS = "/api/v1/namespaces/ns/pods"
CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"


@pytest.mark.parametrize(
    ("user", "method", "path", "may"),
    [
        pytest.param(ADMIN, "DELETE", PODS, True, id="the administrator may everything"),
        pytest.param(NODE, "PATCH", f"{PODS}/a/status", True, id="a node says how its Pods are"),
        pytest.param(NODE, "POST", f"{PODS}/a/exec", False, id="a node runs no commands elsewhere"),
        pytest.param(NODE, "DELETE", "/api/v1/namespaces/ns/secrets/a", False, id="a node deletes no Secret"),
        pytest.param(ACCOUNT, "GET", PODS, False, id="a service account sees no Pods"),
        pytest.param(ADMIN, "POST", CLASSES, True, id="the administrator makes classes"),
        pytest.param(ACCOUNT, "POST", CLASSES, False, id="a service account makes no class"),
        pytest.param(ACCOUNT, "PUT", f"{CLASSES}/a", False, id="a service account replaces no class"),
        pytest.param(ACCOUNT, "PATCH", f"{CLASSES}/a", False, id="a service account patches no class"),
        pytest.param(ACCOUNT, "DELETE", f"{CLASSES}/a", False, id="a service account deletes no class"),
        pytest.param(NODE, "GET", f"{CLASSES}/a", True, id="a node reads a class"),
        pytest.param(NODE, "PATCH", f"{CLASSES}/a", False, id="a node changes no class"),
        pytest.param(ACCOUNT, "GET", "/apis", True, id="but what is served"),
        pytest.param(ACCOUNT, "GET", "/version", True, id="and the version"),
        pytest.param(ACCOUNT, "GET", "/metrics", False, id="and no metrics"),
        pytest.param(
            ACCOUNT, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", True, id="and asks what it may"
        ),
        pytest.param(NOBODY, "GET", "/healthz", True, id="health is public"),
        pytest.param(NOBODY, "GET", "/version", False, id="nothing else is"),
    ],
)
def test_who_may_what(user: User, method: str, path: str, may: bool) -> None:
    assert allowed(user, resolve(method, path, TABLE)) is may


def test_the_text_of_a_refusal() -> None:
    assert denial(ACCOUNT, resolve("GET", PODS, TABLE)).message == (
        'pods is forbidden: User "system:serviceaccount:ns:sa" cannot list resource "pods" in API group "" '
        'in the namespace "ns"'
    )
