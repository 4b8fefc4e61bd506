from __future__ import annotations

import pytest
from tests.apiserver.authorization.judged import asked

from podwright.api.selectors import parse_field_selector
from podwright.apiserver.authorization.node import decide

NS = "/api/v1/namespaces/ns"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
RELATED = {
    ("n", "secrets", "ns", "mine"),
    ("n", "configmaps", "ns", "mine"),
    ("n", "pods", "ns", "mine"),
    ("n", "serviceaccounts", "ns", "mine"),
    ("n", "persistentvolumeclaims", "ns", "mine"),
    ("n", "persistentvolumes", "", "mine"),
}
NO_RELATION = "no relationship found between node 'n' and this object"


@pytest.mark.parametrize(
    ("method", "path", "selector", "wrong"),
    [
        pytest.param("GET", f"{NS}/secrets/mine", "", None, id="a Secret of its Pods"),
        pytest.param("GET", f"{NS}/secrets/other", "", NO_RELATION, id="another Secret"),
        pytest.param("GET", "/api/v1/namespaces/other/secrets/mine", "", NO_RELATION, id="one of that name elsewhere"),
        pytest.param("GET", f"{NS}/secrets", "", "No Object name found", id="all Secrets"),
        pytest.param("GET", "/api/v1/secrets", "", "can only read namespaced object of this type", id="all everywhere"),
        pytest.param("PUT", f"{NS}/secrets/mine", "", "can only read resources of this type", id="writing one"),
        pytest.param("GET", f"{NS}/configmaps/mine", "", None, id="a ConfigMap of its Pods"),
        pytest.param("GET", f"{NS}/configmaps/mine/x", "", "cannot read subresource", id="no part of one"),
        pytest.param("GET", f"{NS}/persistentvolumeclaims/mine", "", None, id="a claim of its Pods"),
        pytest.param("PATCH", f"{NS}/persistentvolumeclaims/x/status", "", None, id="the status of a claim"),
        pytest.param("GET", "/api/v1/persistentvolumes/mine", "", None, id="a volume of its Pods"),
        pytest.param(
            "GET", "/api/v1/persistentvolumes", "", "can only get individual resources of this type", id="all volumes"
        ),
        pytest.param("POST", f"{NS}/serviceaccounts/mine/token", "", None, id="a token of its Pods"),
        pytest.param("POST", f"{NS}/serviceaccounts/other/token", "", NO_RELATION, id="another token"),
        pytest.param("GET", f"{NS}/serviceaccounts/mine", "", None, id="an account of its Pods"),
        pytest.param(
            "GET", f"{NS}/serviceaccounts", "", "can only create tokens for individual service accounts",
            id="all accounts",
        ),
        pytest.param("GET", "/api/v1/pods", "spec.nodeName=n", None, id="the Pods that are on it"),
        pytest.param(
            "GET", "/api/v1/pods", "", "can only list/watch pods with spec.nodeName field selector", id="all Pods"
        ),
        pytest.param(
            "GET", "/api/v1/pods", "spec.nodeName!=n", "can only list/watch pods with spec.nodeName field selector",
            id="those of others",
        ),
        pytest.param("GET", f"{NS}/pods/mine", "", None, id="a Pod that is on it"),
        pytest.param("GET", f"{NS}/pods/other", "", NO_RELATION, id="another Pod"),
        pytest.param("PATCH", f"{NS}/pods/mine/status", "", None, id="a Pod's status"),
        pytest.param("PATCH", f"{NS}/pods/mine", "", "", id="a Pod itself it does not change"),
        pytest.param("GET", "/api/v1/nodes/n", "", None, id="itself"),
        pytest.param(
            "GET", "/api/v1/nodes/m", "", "node 'n' cannot read 'm', only its own Node object", id="another node"
        ),
        pytest.param("GET", "/api/v1/nodes", "metadata.name=n", None, id="a list of itself"),
        pytest.param(
            "GET", "/api/v1/nodes", "", "node 'n' cannot read all nodes, only its own Node object", id="all nodes"
        ),
        pytest.param("POST", "/api/v1/nodes", "", None, id="it registers"),
        pytest.param("DELETE", "/api/v1/nodes/n", "", "", id="it does not delete itself"),
        pytest.param("PUT", f"{LEASES}/n", "", None, id="its lease"),
        pytest.param("POST", LEASES, "", None, id="its lease when it is new"),
        pytest.param(
            "PUT", f"{LEASES}/m", "", "can only access node lease with the same name as the requesting node",
            id="another's lease",
        ),
        pytest.param(
            "PUT", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/n", "",
            'can only access leases in the "kube-node-lease" system namespace', id="a lease elsewhere",
        ),
        pytest.param("GET", "/api/v1/services", "", None, id="services, for variables"),
        pytest.param("GET", "/api/v1/namespaces", "", "", id="no namespaces"),
        pytest.param("POST", "/apis/apps/v1/namespaces/ns/deployments", "", "", id="and nothing else"),
    ],
)  # fmt: skip
def test_what_a_node_may(method: str, path: str, selector: str, wrong: str | None) -> None:
    judged = decide("n", asked(method, path), parse_field_selector(selector), lambda *of: of in RELATED)
    assert judged == wrong
