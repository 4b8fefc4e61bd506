"""The subresource scale and the workloads' status, over HTTP and in the process."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import Served

from podwright.api.errors import BadRequest, Conflict, Invalid
from podwright.api.resources import DEPLOYMENTS
from podwright.client.interface import PatchType

AT = "/apis/apps/v1/namespaces/default/deployments"
WEB: Any = {
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}},
    },
}
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
SCALE: Any = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}}


async def test_a_scale_is_read_replaced_and_patched(served: Served) -> None:
    await served.ask("POST", AT, WEB)
    got = (await served.ask("GET", f"{AT}/web/scale")).json
    assert (got["kind"], got["apiVersion"], got["metadata"]["name"]) == ("Scale", "autoscaling/v1", "web")
    assert got["spec"] == {"replicas": 1} and got["status"] == {"replicas": 0, "selector": "app=web"}
    got["spec"]["replicas"] = 4
    put = await served.ask("PUT", f"{AT}/web/scale", got)
    assert (put.code, put.json["spec"]["replicas"]) == (200, 4)
    stored = (await served.ask("GET", f"{AT}/web")).json
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (4, 2)
    assert {e.get("subresource", "") for e in stored["metadata"]["managedFields"]} == {"", "scale"}
    patched = await served.ask("PATCH", f"{AT}/web/scale", {"spec": {"replicas": 2}}, MERGE)
    assert (patched.code, patched.json["spec"]["replicas"]) == (200, 2)
    old = await served.ask("PUT", f"{AT}/web/scale", got)
    assert (old.code, old.json["reason"]) == (409, "Conflict")


async def owners(served: Served) -> dict[str, Any]:
    """Who owns the replicas of the Deployment: operation and subresource by name."""
    meta = (await served.ask("GET", f"{AT}/web")).json["metadata"]
    return {
        entry["manager"]: (entry["operation"], entry["apiVersion"], entry.get("subresource", ""))
        for entry in meta["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }


async def test_a_scale_is_applied_and_its_owner_kept(served: Served) -> None:
    template = WEB["spec"]["template"]
    spec = {"selector": WEB["spec"]["selector"], "template": template, "replicas": 1}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    assert (await served.ask("PATCH", f"{AT}/web?fieldManager=chart", web, APPLY)).code == 201
    assert await owners(served) == {"chart": ("Apply", "apps/v1", "")}

    scale = f"{AT}/web/scale?fieldManager=scaler"
    refused = await served.ask("PATCH", scale, {**SCALE, "spec": {"replicas": 3}}, APPLY)
    assert (refused.code, refused.json["reason"]) == (409, "Conflict")
    assert refused.json["message"] == 'Apply failed with 1 conflict: conflict with "chart": .spec.replicas'
    assert refused.json["details"]["causes"][0]["field"] == ".spec.replicas"

    same = await served.ask("PATCH", scale, {**SCALE, "spec": {"replicas": 1}}, APPLY)
    assert (same.code, same.json["kind"], same.json["spec"]["replicas"]) == (200, "Scale", 1)
    assert "managedFields" not in same.json["metadata"]
    assert await owners(served) == {"chart": ("Apply", "apps/v1", ""), "scaler": ("Apply", "apps/v1", "scale")}

    forced = await served.ask("PATCH", f"{scale}&force=true", {**SCALE, "spec": {"replicas": 3}}, APPLY)
    assert (forced.code, forced.json["spec"]["replicas"]) == (200, 3)
    assert await owners(served) == {"scaler": ("Apply", "apps/v1", "scale")}
    stored = (await served.ask("GET", f"{AT}/web")).json
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (3, 2)
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"] == "i:1"

    # Applied once more it is what it was, and nothing is written.
    again = await served.ask("PATCH", scale, {**SCALE, "spec": {"replicas": 3}}, APPLY)
    assert again.json["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]
    # The chart without replicas leaves them to the scaler; with them it is in conflict.
    del spec["replicas"]
    assert (await served.ask("PATCH", f"{AT}/web?fieldManager=chart", web, APPLY)).json["spec"]["replicas"] == 3
    spec["replicas"] = 1
    refused = await served.ask("PATCH", f"{AT}/web?fieldManager=chart", web, APPLY)
    assert 'conflict with "scaler" with subresource "scale": .spec.replicas' in refused.json["message"]


async def test_who_updated_replicas_is_named_in_the_version_of_scales(served: Served) -> None:
    await served.ask("POST", f"{AT}?fieldManager=maker", WEB)
    scale = f"{AT}/web/scale?fieldManager=scaler"
    refused = await served.ask("PATCH", scale, {**SCALE, "spec": {"replicas": 3}}, APPLY)
    assert 'conflict with "maker" using autoscaling/v1: .spec.replicas' in refused.json["message"]
    dry = await served.ask("PATCH", f"{scale}&force=true&dryRun=All", {**SCALE, "spec": {"replicas": 3}}, APPLY)
    assert (dry.code, dry.json["spec"]["replicas"]) == (200, 3)
    assert await owners(served) == {"maker": ("Update", "apps/v1", "")}


@pytest.mark.parametrize(
    ("query", "body", "code", "message"),
    [
        pytest.param("", SCALE, 422, "fieldManager: Required value", id="no manager"),
        pytest.param("?fieldManager=m", {**SCALE, "kind": "Deployment"}, 400, "Deployment", id="another kind"),
        pytest.param(
            "?fieldManager=m&fieldValidation=Strict",
            {**SCALE, "spec": {"paused": True}},
            400,
            "spec.paused",
            id="no such field",
        ),
        pytest.param(
            "?fieldManager=m&force=true",
            {**SCALE, "spec": {"replicas": -1}},
            422,
            "spec.replicas",
            id="fewer than none",
        ),
        pytest.param(
            "?fieldManager=m", {**SCALE, "metadata": {"name": "other"}}, 400, "does not match", id="another name"
        ),
        pytest.param(
            "?fieldManager=m",
            {**SCALE, "metadata": {"name": "web", "resourceVersion": "1"}},
            409,
            "has been modified",
            id="an older version",
        ),
    ],
)
async def test_what_cannot_be_applied(served: Served, query: str, body: Any, code: int, message: str) -> None:
    await served.ask("POST", AT, WEB)
    answer = await served.ask("PATCH", f"{AT}/web/scale{query}", body, APPLY)
    assert answer.code == code
    assert message in answer.json["message"]
    assert (await served.ask("GET", f"{AT}/web")).json["spec"]["replicas"] == 1
    assert (await served.ask("PATCH", f"{AT}/ghost/scale?fieldManager=m", {**SCALE, "metadata": {}}, APPLY)).code == 404


@pytest.mark.parametrize(
    ("change", "code", "reason", "message"),
    [
        pytest.param(
            {"spec": {"replicas": -1}},
            422,
            "Invalid",
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            id="fewer than none",
        ),
        pytest.param({"spec": {"replicas": "many"}}, 422, "Invalid", "patch: Invalid value", id="a word"),
        pytest.param({"kind": "Deployment"}, 400, "BadRequest", "cannot be handled as a Scale", id="another kind"),
        pytest.param({"metadata": {"uid": "other"}}, 409, "Conflict", "Precondition failed: UID", id="another object"),
    ],
)
async def test_a_scale_that_is_none(served: Served, change: Any, code: int, reason: str, message: str) -> None:
    await served.ask("POST", AT, WEB)
    answer = await served.ask("PATCH", f"{AT}/web/scale", change, MERGE)
    assert (answer.code, answer.json["reason"]) == (code, reason)
    assert message in answer.json["message"]
    assert (await served.ask("GET", f"{AT}/web")).json["spec"]["replicas"] == 1


async def test_what_has_no_scale_says_so(served: Served) -> None:
    await served.ask("POST", AT, WEB)
    assert (await served.ask("GET", f"{AT}/ghost/scale")).code == 404
    assert (await served.ask("GET", "/apis/apps/v1/namespaces/default/daemonsets/web/scale")).code == 404
    assert (await served.ask("POST", f"{AT}/web/scale", {})).code == 405


async def test_it_is_told_in_discovery_and_as_a_table(served: Served) -> None:
    await served.ask("POST", AT, WEB)
    listed = (await served.ask("GET", "/apis/apps/v1")).json["resources"]
    scale = next(r for r in listed if r["name"] == "deployments/scale")
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    table = (await served.ask("GET", f"{AT}/web/scale", Accept=accept)).json
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["web", 1, 0]


async def test_in_the_process_it_is_the_same(served: Served) -> None:
    made = await served.admin.create(DEPLOYMENTS, WEB, "default")
    change = {"spec": {"replicas": 3}}
    scale = await served.admin.patch(DEPLOYMENTS, "web", change, "default", subresource="scale")
    assert (scale["kind"], scale["spec"]["replicas"]) == ("Scale", 3)
    scale = await served.admin.update(DEPLOYMENTS, {**scale, "spec": {"replicas": 5}}, subresource="scale")
    assert (await served.admin.get(DEPLOYMENTS, "web", "default"))["spec"]["replicas"] == 5
    with pytest.raises(Conflict):
        meta = {**scale["metadata"], "resourceVersion": made["metadata"]["resourceVersion"]}
        await served.admin.update(DEPLOYMENTS, {**scale, "metadata": meta}, subresource="scale")
    with pytest.raises(Invalid):
        await served.admin.update(DEPLOYMENTS, {**scale, "spec": {"replicas": -5}}, subresource="scale")
    with pytest.raises(BadRequest):
        await served.admin.update(DEPLOYMENTS, {**scale, "kind": "Deployment"}, subresource="scale")
    applied = await served.admin.patch(
        DEPLOYMENTS, "web", {**SCALE, "spec": {"replicas": 7}}, "default",
        subresource="scale", patch_type=PatchType.APPLY, field_manager="m", force=True,
    )  # fmt: skip
    assert applied["spec"]["replicas"] == 7


async def test_status_changes_the_status_alone_and_annotations(served: Served) -> None:
    made = await served.admin.create(DEPLOYMENTS, WEB, "default")
    body = {**made, "spec": {**made["spec"], "replicas": 9}, "status": {"replicas": 2, "observedGeneration": 1}}
    body["metadata"] = {**made["metadata"], "annotations": {"deployment.kubernetes.io/revision": "1"}}
    new = await served.admin.update(DEPLOYMENTS, body, subresource="status")
    assert (new["spec"]["replicas"], new["status"]["replicas"], new["metadata"]["generation"]) == (1, 2, 1)
    assert new["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    plain = await served.admin.update(DEPLOYMENTS, {**new, "status": {"replicas": 7}})
    assert plain["status"]["replicas"] == 2


async def test_an_update_without_the_policy_keeps_it(served: Served) -> None:
    await served.ask("POST", AT, WEB)
    changed: Any = {**WEB, "spec": {**WEB["spec"]}}
    container = {"name": "c", "image": "i:latest"}
    changed["spec"]["template"] = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    put = await served.ask("PUT", f"{AT}/web", changed)
    (got,) = put.json["spec"]["template"]["spec"]["containers"]
    assert (got["image"], got["imagePullPolicy"]) == ("i:latest", "IfNotPresent")


async def test_a_replication_controller_leaves_its_pods_unless_it_is_told_otherwise(served: Served) -> None:
    spec = {"template": WEB["spec"]["template"], "replicas": 0}
    made = {"metadata": {"name": "old", "finalizers": ["a/b"]}, "spec": spec}
    at = "/api/v1/namespaces/default/replicationcontrollers"
    await served.ask("POST", at, made)
    await served.ask("DELETE", f"{at}/old")
    assert "orphan" in (await served.ask("GET", f"{at}/old")).json["metadata"]["finalizers"]
    await served.ask("POST", AT, {**WEB, "metadata": {"name": "web", "finalizers": ["a/b"]}})
    await served.ask("DELETE", f"{AT}/web")
    assert (await served.ask("GET", f"{AT}/web")).json["metadata"]["finalizers"] == ["a/b"]
