"""The operations that kubectl looks for."""

from __future__ import annotations

import pytest

from podwright.api import resources
from podwright.api.resources import Resource
from podwright.apiserver.openapi.definitions import Dialect
from podwright.apiserver.openapi.paths import paths
from podwright.apiserver.registry.strategy import Row, Strategy

POD = Row(resources.PODS, Strategy(), "io.k8s.api.core.v1.Pod", subresources=("status",))
NODE = Row(resources.NODES, Strategy(), "io.k8s.api.core.v1.Node")
REVIEW = Row(Resource("authorization.k8s.io", "v1", "reviews", "Review", namespaced=False), Strategy(), "x.Review")
KIND = {"group": "", "version": "v1", "kind": "Pod"}
ITEM = "/api/v1/namespaces/{namespace}/pods/{name}"


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_path_is_there_with_its_action_and_kind(dialect: Dialect) -> None:
    made = paths([POD, NODE], [REVIEW], ["io.k8s.api.core.v1.PodList"], dialect)
    actions = {
        (path, method): operation["x-kubernetes-action"]
        for path, item in made.items()
        for method, operation in item.items()
        if method != "parameters"
    }
    pods = "/api/v1/namespaces/{namespace}/pods"
    for (path, method), action in {
        (pods, "get"): "list",
        (pods, "post"): "post",
        (pods, "delete"): "deletecollection",
        (ITEM, "get"): "get",
        (ITEM, "put"): "put",
        (ITEM, "patch"): "patch",
        (ITEM, "delete"): "delete",
        (f"{ITEM}/status", "patch"): "patch",
        ("/api/v1/pods", "get"): "list",
        ("/api/v1/nodes/{name}", "get"): "get",
        ("/apis/authorization.k8s.io/v1/reviews", "post"): "post",
    }.items():
        assert actions[path, method] == action
    assert made[ITEM]["patch"]["x-kubernetes-group-version-kind"] == KIND
    identities = [
        operation["operationId"] for item in made.values() for m, operation in item.items() if m != "parameters"
    ]
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize("dialect", list(Dialect))
def test_kubectl_finds_field_validation_and_dry_run(dialect: Dialect) -> None:
    names = {p["name"] for p in paths([POD], [], [], dialect)[ITEM]["patch"]["parameters"]}
    assert {"fieldValidation", "dryRun", "fieldManager", "force"} <= names


def test_the_two_dialects_write_bodies_in_their_own_way() -> None:
    v2 = paths([POD], [], [], Dialect.V2)["/api/v1/namespaces/{namespace}/pods"]["post"]
    v3 = paths([POD], [], [], Dialect.V3)["/api/v1/namespaces/{namespace}/pods"]["post"]
    assert v2["parameters"][-1]["schema"] == {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"}
    assert v2["responses"]["200"]["schema"] == {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"}
    assert v3["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/io.k8s.api.core.v1.Pod"
    }
