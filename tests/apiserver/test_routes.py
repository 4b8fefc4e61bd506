from __future__ import annotations

import pytest

from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.routes import resolve, table_of

TABLE = table_of(ROWS)


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        pytest.param("GET", "/api/v1/pods", ("list", "pods", "", "", ""), id="all pods"),
        pytest.param("GET", "/api/v1/namespaces/d/pods", ("list", "pods", "d", "", ""), id="pods of a namespace"),
        pytest.param("GET", "/api/v1/namespaces/d/pods/a", ("get", "pods", "d", "a", ""), id="one pod"),
        pytest.param("POST", "/api/v1/namespaces/d/pods", ("create", "pods", "d", "", ""), id="a new pod"),
        pytest.param("DELETE", "/api/v1/namespaces/d/pods", ("deletecollection", "pods", "d", "", ""), id="all go"),
        pytest.param("PATCH", "/api/v1/namespaces/d/pods/a/status", ("patch", "pods", "d", "a", "status"), id="status"),
        pytest.param(
            "POST", "/api/v1/namespaces/d/pods/a/binding", ("create", "pods", "d", "a", "binding"), id="binding"
        ),
        pytest.param("GET", "/api/v1/namespaces", ("list", "namespaces", "", "", ""), id="namespaces"),
        pytest.param(
            "PUT", "/api/v1/namespaces/d/finalize", ("update", "namespaces", "d", "d", "finalize"), id="finalize"
        ),
        pytest.param("GET", "/api/v1/namespaces/d", ("get", "namespaces", "d", "d", ""), id="one namespace"),
        pytest.param("GET", "/api/v1/watch/pods", ("watch", "pods", "", "", ""), id="the old watch path"),
        pytest.param(
            "GET", "/apis/node.k8s.io/v1/runtimeclasses/x", ("get", "runtimeclasses", "", "x", ""), id="a group"
        ),
    ],
)
def test_a_path_says_what_is_asked(method: str, path: str, wanted: tuple[str, ...]) -> None:
    asked = resolve(method, path, TABLE)
    assert asked.row is not None
    found = (asked.verb, asked.plural, asked.namespace, asked.name, asked.subresource)
    assert found == wanted


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/apis/node.k8s.io/v1", "/healthz", "/openapi/v3/api/v1"])
def test_other_paths_are_no_resources(path: str) -> None:
    assert not resolve("GET", path, TABLE).is_resource


@pytest.mark.parametrize("path", ["/api/v1/foos", "/api/v2/pods", "/api/v1/namespaces/x/nodes"])
def test_what_is_not_served_has_no_row(path: str) -> None:
    asked = resolve("GET", path, TABLE)
    assert asked.is_resource
    assert asked.row is None


def test_what_follows_a_proxy_is_kept() -> None:
    assert resolve("GET", "/api/v1/nodes/n/proxy/logs/a/b", TABLE).rest == "logs/a/b"
