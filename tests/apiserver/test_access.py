"""Rights over HTTPS: they change while watches are open; reviews; tokens; the in-process client of a node."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.apiserver.conftest import Answer, Served

from podwright.admission.interface import User
from podwright.api.errors import Forbidden, Invalid
from podwright.api.resources import (
    ACCESS_REVIEWS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    NODES,
    PODS,
    ROLE_BINDINGS,
    SECRETS,
    SERVICE_ACCOUNTS,
)

MAPS = "/api/v1/namespaces/default/configmaps"
AUTHZ = "/apis/authorization.k8s.io/v1"
JANE = {"Impersonate_User": "jane"}
BINDING = {
    "metadata": {"name": "readers"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "User", "name": "jane"}],
}
NODE = User("system:node:n", ("system:nodes", "system:authenticated"))


async def review(served: Served, kind: str, spec: Any, path: str = AUTHZ, **headers: str) -> Answer:
    return await served.ask("POST", f"{path}/{kind}", {"spec": spec}, **headers)


async def test_a_watch_is_judged_when_it_begins(served: Served) -> None:
    assert (await served.ask("GET", MAPS + "?watch=1", **JANE)).code == 403
    await served.admin.create(ROLE_BINDINGS, BINDING, "default")
    url, headers = served.server.url + MAPS + "?watch=1", {"Impersonate-User": "jane"}
    async with served.session.get(url, headers=headers) as watch:
        assert watch.status == 200
        await served.admin.delete(ROLE_BINDINGS, "readers", "default")
        assert (await served.ask("GET", MAPS, **JANE)).code == 403
        assert (await served.ask("GET", MAPS + "?watch=1", **JANE)).code == 403
        await served.admin.create(CONFIG_MAPS, {"metadata": {"name": "late"}}, "default")
        async with asyncio.timeout(10):
            line = await watch.content.readline()
        # As upstream: what was begun goes on until the server ends it, after minutes.
        assert msgspec.json.decode(line)["object"]["metadata"]["name"] == "late"


async def test_access_reviews(served: Served) -> None:
    about = {"verb": "list", "resource": "configmaps", "namespace": "default"}
    asked = {"resourceAttributes": about}
    assert (await review(served, "selfsubjectaccessreviews", asked, **JANE)).json["status"] == {"allowed": False}
    await served.admin.create(ROLE_BINDINGS, BINDING, "default")
    because = {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "readers/default" of ClusterRole "view" to User "jane"',
    }
    assert (await review(served, "selfsubjectaccessreviews", asked, **JANE)).json["status"] == because
    assert (await review(served, "subjectaccessreviews", {**asked, "user": "jane"})).json["status"] == because
    local = "/apis/authorization.k8s.io/v1/namespaces/default"
    assert (await review(served, "localsubjectaccessreviews", {**asked, "user": "jane"}, local)).json[
        "status"
    ] == because
    group = {"nonResourceAttributes": {"verb": "get", "path": "/version"}, "groups": ["system:authenticated"]}
    assert (await review(served, "subjectaccessreviews", group)).json["status"]["allowed"]
    assert (await review(served, "subjectaccessreviews", group, **JANE)).code == 403


@pytest.mark.parametrize(
    ("kind", "spec", "wrong"),
    [
        pytest.param(
            "selfsubjectaccessreviews", {},
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes "
            "must be specified", id="nothing is asked",
        ),
        pytest.param(
            "subjectaccessreviews", {"resourceAttributes": {"verb": "get"}},
            'spec.user: Invalid value: "": at least one of user or group must be specified', id="of nobody",
        ),
        pytest.param(
            "subjectaccessreviews", {"user": "a", "resourceAttributes": {}, "nonResourceAttributes": {}},
            "spec.nonResourceAttributes: Invalid value: {}: cannot be specified in combination with resourceAttributes",
            id="two questions",
        ),
        pytest.param("selfsubjectrulesreviews", {}, "no namespace on request", id="rules of no namespace"),
    ],
)  # fmt: skip
async def test_questions_that_make_no_sense(served: Served, kind: str, spec: Any, wrong: str) -> None:
    assert wrong in (await review(served, kind, spec)).json["message"]


async def test_a_local_question_is_about_its_namespace(served: Served) -> None:
    spec = {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "other"}}
    path = "/apis/authorization.k8s.io/v1/namespaces/default"
    answer = await review(served, "localsubjectaccessreviews", spec, path)
    assert (
        'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace'
        in answer.json["message"]
    )


async def test_what_all_may_i_do(served: Served) -> None:
    await served.admin.create(ROLE_BINDINGS, BINDING, "default")
    answer = await review(served, "selfsubjectrulesreviews", {"namespace": "default"}, **JANE)
    status = answer.json["status"]
    assert status["incomplete"] is False
    assert {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["namespaces"]} in status[
        "resourceRules"
    ]
    assert any("/version" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])


async def test_roles_that_are_refused(served: Served) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    answer = await served.ask("POST", path, {"metadata": {"name": "x"}, "rules": [{"verbs": ["get"]}]})
    assert answer.code == 422
    assert "rules[0].resources: Required value" in answer.json["message"]
    tables = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    columns = (await served.ask("GET", path, Accept=tables)).json["columnDefinitions"]
    assert [column["name"] for column in columns] == ["Name", "Created At"]


async def test_who_may_change_may_not_create_by_a_change(served: Served) -> None:
    rules = [{"verbs": ["get", "update", "patch"], "apiGroups": ["", "coordination.k8s.io"], "resources": ["*"]}]
    await served.admin.create(CLUSTER_ROLES, {"metadata": {"name": "changers"}, "rules": rules})
    changers = {**BINDING, "roleRef": {**BINDING["roleRef"], "name": "changers"}}  # type: ignore[dict-item]
    await served.admin.create(ROLE_BINDINGS, changers, "default")
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    apply = MAPS + "/a?fieldManager=jane", applied, "application/apply-patch+yaml"
    refused = await served.ask("PATCH", *apply, **JANE)
    assert (refused.code, refused.json["message"]) == (
        403,
        'configmaps "a" is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace '
        '"default"',
    )
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases/a"
    lease = {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": 1}}
    assert (await served.ask("PUT", leases, lease, **JANE)).code == 403
    await served.admin.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, "default")
    assert (await served.ask("PATCH", *apply, **JANE)).code == 200


async def test_health_needs_no_name_and_nothing_else_is_reached_without_one(served: Served) -> None:
    everybody = {
        **BINDING,
        "roleRef": {**BINDING["roleRef"], "name": "cluster-admin"},  # type: ignore[dict-item]
        "subjects": [{"kind": "Group", "name": "system:unauthenticated"}],
    }
    await served.admin.create(ROLE_BINDINGS, everybody, "default")
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))
    async with aiohttp.ClientSession() as session:
        for path, code in {"/livez": 200, MAPS: 401, "/apis": 401}.items():
            async with session.get(served.server.url + path, ssl=tls) as answer:
                assert answer.status == code


async def test_a_node_in_this_process_has_a_nodes_rights(served: Served) -> None:
    node = served.server.authorized_client(NODE)
    admin = served.admin
    for name in ("mine", "other"):
        await admin.create(SECRETS, {"metadata": {"name": name}}, "default")
    await admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    await node.create(NODES, {"metadata": {"name": "n"}})
    with pytest.raises(Forbidden, match='node "n" is not allowed to modify node "m"'):
        await node.create(NODES, {"metadata": {"name": "m"}})
    with pytest.raises(Forbidden, match="no relationship found between node 'n' and this object"):
        await node.get(SECRETS, "mine", "default")
    spec = {
        "nodeName": "n",
        "containers": [{"name": "c", "image": "i:1"}],
        "volumes": [{"name": "v", "secret": {"secretName": "mine"}}],
    }
    made = await admin.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "default")
    assert (await node.get(SECRETS, "mine", "default"))["metadata"]["name"] == "mine"
    for refused in (
        node.get(SECRETS, "other", "default"),
        node.list(SECRETS, "default"),
        node.list(PODS),
        node.list(CLUSTER_ROLES),
        node.delete(SECRETS, "mine", "default"),
        node.patch(PODS, "p", {"metadata": {"labels": {"a": "b"}}}, "default"),
        node.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default"),
    ):
        with pytest.raises(Forbidden):
            await refused
    assert [one["metadata"]["name"] for one in (await node.list(PODS, field_selector="spec.nodeName=n")).items] == ["p"]
    with pytest.raises(Forbidden):
        node.watch(SECRETS, "default", resource_version="1")
    async with node.watch(SECRETS, "default", resource_version="1", field_selector="metadata.name=mine") as events:
        assert (await anext(events)).object["metadata"]["name"] == "mine"

    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": made["metadata"]["uid"]}
    token = {"spec": {"boundObjectRef": bound}}
    answer = await node.create(SERVICE_ACCOUNTS, token, "default", name="default", subresource="token")
    assert answer["status"]["token"]
    with pytest.raises(Forbidden, match="node requested token not bound to a pod"):
        await node.create(SERVICE_ACCOUNTS, {"spec": {}}, "default", name="default", subresource="token")


async def test_reviews_in_this_process(served: Served) -> None:
    spec = {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods"}}
    assert (await served.admin.create(ACCESS_REVIEWS, {"spec": spec}))["status"] == {"allowed": False}
    with pytest.raises(Invalid):
        await served.admin.create(ACCESS_REVIEWS, {"spec": {}})
