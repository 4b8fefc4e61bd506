from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.apiserver.conftest import Served

from podwright.admission.interface import User
from podwright.api.resources import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS, SERVICES
from podwright.apiserver import pki, streams

MAPS = "/api/v1/namespaces/default/configmaps"
PODS_PATH = "/api/v1/namespaces/default/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}


def config_map(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"a": "1"}, **more}


BAD = [
    pytest.param("POST", MAPS, b"{", "application/json", 400, "unrecognized", id="malformed JSON"),
    pytest.param("POST", MAPS, b"a: [", "application/yaml", 400, "error converting YAML", id="malformed YAML"),
    pytest.param("POST", MAPS, b"[]", "application/json", 400, "must be an object", id="a list"),
    pytest.param("POST", MAPS, b'{"a":' * 90_000, "application/json", 400, "max depth", id="deep nesting"),
    pytest.param("POST", MAPS, b"[" * 9000 + b"]" * 9000, "application/yaml", 400, "max depth", id="deep YAML"),
    pytest.param("POST", MAPS, b" " * 10_000_000, "application/json", 413, "limit is 3145728", id="ten megabytes"),
    pytest.param("POST", MAPS, b"x", "application/cbor", 415, "unknown format", id="an unknown media type"),
    pytest.param("POST", MAPS, b"k8s\x00\xff", "application/vnd.kubernetes.protobuf", 400, "protobuf", id="rubbish"),
    pytest.param("POST", MAPS, {"metadata": "x"}, "", 400, "v1.ObjectMeta", id="metadata of a wrong type"),
    pytest.param("POST", MAPS, {"kind": "Pod"}, "", 400, "cannot be handled as a ConfigMap", id="another kind"),
    pytest.param("POST", MAPS, {"apiVersion": "v2"}, "", 400, "does not match the expected", id="another version"),
    pytest.param("POST", MAPS, {}, "", 422, "name or generateName is required", id="no name"),
    pytest.param("POST", MAPS, config_map("A_"), "", 422, 'metadata.name: Invalid value: "A_"', id="a bad name"),
    pytest.param("POST", MAPS, {"metadata": {"name": "a", "namespace": "x"}}, "", 400, "does not match the namespace",
                 id="another namespace"),
    pytest.param("POST", MAPS, {"metadata": {"name": "a", "resourceVersion": "1"}}, "", 400,
                 "resourceVersion should not be set", id="a revision on create"),
    pytest.param("POST", "/api/v1/namespaces/no/configmaps", config_map("a"), "", 404, 'namespaces "no" not found',
                 id="a namespace that is not there"),
    pytest.param("POST", MAPS + "?fieldValidation=Strict", config_map("a", foo=1), "", 400,
                 'strict decoding error: unknown field "foo"', id="an unknown field, strictly"),
    pytest.param("POST", MAPS + "?fieldValidation=Strict", b'{"metadata":{"name":"a"},"data":{"a":"1","a":"2"}}', "",
                 400, 'duplicate field "data.a"', id="a field twice, strictly"),
    pytest.param("POST", MAPS + "?dryRun=x", config_map("a"), "", 422, "dryRun: Unsupported value", id="an odd word"),
    pytest.param("PUT", MAPS + "/there", config_map("other"), "", 400, "does not match the name on the URL",
                 id="another name"),
    pytest.param("PUT", MAPS + "/there", {"metadata": {"name": "there", "resourceVersion": "1"}}, "", 409,
                 "the object has been modified", id="a stale update"),
    pytest.param("PUT", MAPS + "/there", {"metadata": {"name": "there", "uid": "u"}}, "", 409, "Precondition failed",
                 id="another uid"),
    pytest.param("PATCH", MAPS + "/there", {}, "application/x", 415, "application/apply-patch+yaml",
                 id="an unknown patch type"),
    pytest.param("PATCH", MAPS + "/there", {"data": []}, "application/merge-patch+json", 422,
                 'patch: Invalid value: {"data":[]}: json: cannot unmarshal', id="a patch to a wrong type"),
    pytest.param("PATCH", MAPS + "/there?fieldValidation=Strict", b'{"foo":1,"data":{"a":"1","a":"2"}}',
                 "application/strategic-merge-patch+json", 422,
                 'strict decoding error: unknown field "foo", duplicate field "data.a"', id="a patch with odd fields"),
    pytest.param("PATCH", MAPS + "/there?fieldValidation=Strict",
                 b'[{"op":"test","op":"add","path":"/foo","value":1,"x":1}]', "application/json-patch+json", 422,
                 'unknown field "foo", json patch unknown field "[0].x", json patch duplicate field "[0].op"',
                 id="an operation with odd fields"),
    pytest.param("PATCH", MAPS + "/there", [{"op": "test", "path": "/data/a", "value": "x"}],
                 "application/json-patch+json", 422, "test", id="a test that fails"),
    pytest.param("PATCH", MAPS + "/there", {"apiVersion": "v1", "kind": "ConfigMap"}, "application/apply-patch+yaml",
                 422, "fieldManager: Required value", id="apply by nobody"),
    pytest.param("PATCH", MAPS + "/there?fieldManager=m&fieldValidation=Ignore",
                 {"apiVersion": "v1", "kind": "ConfigMap", "foo": 1}, "application/apply-patch+yaml", 400,
                 ".foo: field not declared in schema", id="apply of an unknown field, ignored"),
    pytest.param("PATCH", MAPS + "/there?fieldManager=m&fieldValidation=Warn",
                 {"apiVersion": "v1", "kind": "ConfigMap", "foo": 1}, "application/apply-patch+yaml", 400,
                 ".foo: field not declared in schema", id="apply of an unknown field, warned of"),
    pytest.param("PATCH", MAPS + "/there?fieldManager=m&fieldValidation=Strict",
                 {"apiVersion": "v1", "kind": "ConfigMap", "foo": 1}, "application/apply-patch+yaml", 400,
                 ".foo: field not declared in schema", id="apply of an unknown field, strictly"),
    pytest.param("PATCH", MAPS + "/there?fieldManager=m&fieldValidation=Strict",
                 b'{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","a":"2"}}', "application/apply-patch+yaml",
                 400, 'duplicate field "data.a"', id="apply of a field twice, strictly"),
    pytest.param("PATCH", MAPS + "/there?fieldManager=m",
                 {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"uid": "u"}}, "application/apply-patch+yaml",
                 409, "Precondition failed", id="apply to another object of that name"),
    pytest.param("PATCH", MAPS + "/new?fieldManager=m",
                 {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"uid": "u"}}, "application/apply-patch+yaml",
                 409, "uid mismatch", id="apply to an object that has gone"),
    pytest.param("PATCH", MAPS + "/there?force=true", {"data": {"a": "2"}}, "application/merge-patch+json", 422,
                 "force: Forbidden", id="force where nothing is applied"),
    pytest.param("GET", MAPS + "?timeout=soon", None, "", 400, "invalid timeout specified in the request URL",
                 id="an odd time"),
    pytest.param("GET", "/version?timeout=-1s", None, "", 400, "invalid timeout specified in the request URL",
                 id="a time that has passed"),
    pytest.param("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"kind": "Pod"}, "", 400,
                 "cannot be handled as a SelfSubjectAccessReview", id="a question of another kind"),
    pytest.param("DELETE", MAPS + "/there", {"preconditions": {"uid": "u"}}, "", 409, "the UID in the precondition (u)",
                 id="a precondition that does not hold"),
    pytest.param("DELETE", MAPS + "/there", {"propagationPolicy": "Orphan", "orphanDependents": True}, "", 422,
                 "cannot be both set", id="two policies"),
    pytest.param("DELETE", MAPS + "/there?propagationPolicy=x", None, "", 422, "propagationPolicy", id="an odd policy"),
    pytest.param("GET", MAPS + "?fieldSelector=x=y", None, "", 400, "field label not supported: x", id="an odd field"),
    pytest.param("GET", MAPS + "?labelSelector=a%20in%20(", None, "", 400, "unable to parse requirement",
                 id="half a selector"),
    pytest.param("GET", MAPS + "?continue=x", None, "", 400, "continue key is not valid", id="an odd token"),
    pytest.param("GET", MAPS + "?resourceVersion=x", None, "", 422, "invalid syntax", id="an odd revision"),
    pytest.param("GET", "/api/v1/foos", None, "", 404, "could not find the requested resource", id="no such resource"),
    pytest.param("PUT", MAPS, {}, "", 405, "does not allow this method", id="a method that is not there"),
    pytest.param("POST", PODS_PATH + "/p/resize", {}, "application/json", 405, "does not allow this method",
                 id="a resize that is posted"),
]  # fmt: skip


async def test_bad_input_is_answered_and_changes_nothing(served: Served) -> None:
    await served.admin.create(CONFIG_MAPS, config_map("there"), "default")
    revision = served.store.revision
    for case in BAD:
        method, path, body, media, code, text = case.values
        answer = await served.ask(method, path, body, media or "application/json")
        status = answer.json
        assert (answer.code, status["kind"], status["code"]) == (code, "Status", code), case.id
        assert text in status["message"], case.id
    assert served.store.revision == revision


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param('{"metadata":{"name":"b"},"spec":%s,"spec":%s}', 'duplicate field "spec"', id="a spec twice"),
        pytest.param('{"metadata":{"name":"b"},"x":1,"spec":%s}', 'unknown field "x"', id="a field beside it"),
        pytest.param(
            '{"metadata":{"name":1},"spec":%s}', "Go struct field ObjectMeta.metadata.name", id="a wrong name"
        ),
    ],
)
async def test_a_spec_that_was_good_before_hides_nothing_that_is_wrong(served: Served, body: str, text: str) -> None:
    spec = '{"containers":[{"name":"c","image":"i:1"}]}'
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    good = await served.ask("POST", PODS_PATH, f'{{"metadata":{{"name":"a"}},"spec":{spec}}}'.encode())
    assert good.code == 201
    written = body.replace("%s", spec).encode()
    answer = await served.ask("POST", PODS_PATH + "?fieldValidation=Strict", written)
    assert answer.code == 400
    assert text in answer.json["message"]


async def test_warnings_name_what_was_dropped(served: Served) -> None:
    answer = await served.ask("POST", MAPS, config_map("a", foo=1))
    assert answer.code == 201
    assert answer.headers.getall("Warning") == ['299 - "unknown field \\"foo\\""']
    assert "foo" not in answer.json


async def test_warnings_come_one_by_one(served: Served) -> None:
    body = b"metadata:\n  name: a\ndata:\n  a: b\n  a: c\n  d: e\n  d: f\n"
    answer = await served.ask("POST", MAPS, body, "application/yaml")
    assert answer.headers.getall("Warning") == [
        '299 - "line 5: key \\"a\\" already set in map"',
        '299 - "line 7: key \\"d\\" already set in map"',
    ]
    patch = b'[{"op":"add","path":"/data/z","value":"1","x":1}]'
    answer = await served.ask("PATCH", MAPS + "/a", patch, "application/json-patch+json")
    assert answer.headers.getall("Warning") == ['299 - "json patch unknown field \\"[0].x\\""']


async def test_whoever_uses_what_should_not_be_used_is_told(served: Served) -> None:
    path = "/api/v1/namespaces/default/endpoints"
    told = ['299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"']
    assert (await served.ask("POST", path, {"metadata": {"name": "a"}})).headers.getall("Warning") == told
    for at in (path, path + "/a", path + "?watch=1&timeoutSeconds=1"):
        assert (await served.ask("GET", at)).headers.getall("Warning") == told
    assert "Warning" not in (await served.ask("GET", MAPS)).headers


async def test_a_dry_run_stores_nothing(served: Served) -> None:
    answer = await served.ask("POST", MAPS + "?dryRun=All", config_map("a"))
    assert answer.code == 201
    assert (await served.ask("GET", MAPS + "/a")).code == 404


async def test_lists_in_pages_stay_as_they_were(served: Served) -> None:
    for name in "abc":
        await served.admin.create(CONFIG_MAPS, config_map(name), "default")
    first = (await served.ask("GET", MAPS + "?limit=2")).json
    assert first["metadata"]["remainingItemCount"] == 1
    await served.admin.delete(CONFIG_MAPS, "c", "default")
    second = (await served.ask("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")).json
    assert [o["metadata"]["name"] for o in first["items"] + second["items"]] == ["a", "b", "c"]
    await served.admin.create(CONFIG_MAPS, config_map("d"), "default")
    await served.store.compact(served.store.revision)
    gone = await served.ask("GET", f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    assert (gone.code, gone.json["reason"]) == (410, "Expired")
    rest = (await served.ask("GET", f"{MAPS}?limit=2&continue={gone.json['metadata']['continue']}")).json
    assert [o["metadata"]["name"] for o in rest["items"]] == ["d"]


async def test_tables_and_metadata(served: Served) -> None:
    await served.admin.create(CONFIG_MAPS, config_map("a"), "default")
    table = (await served.ask("GET", MAPS, Accept=TABLE)).json
    assert (table["kind"], table["rows"][0]["cells"][0]) == ("Table", "a")
    partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    listed = (await served.ask("GET", MAPS, Accept=partial)).json
    assert listed["items"][0].keys() == {"kind", "apiVersion", "metadata"}
    assert "name: a" in (await served.ask("GET", MAPS + "/a", Accept="application/yaml")).text
    assert (await served.ask("GET", MAPS, Accept="application/vnd.kubernetes.protobuf")).code == 406
    odd = await served.ask("GET", MAPS + "?includeObject=All", Accept=TABLE)
    assert (odd.code, odd.json["details"]["causes"][0]["field"]) == (422, "includeObject")


async def lines(served: Served, path: str, count: int, **headers: str) -> list[Any]:
    async with served.session.get(served.server.url + path, headers=headers) as answer:
        return [msgspec.json.decode(await answer.content.readline()) for _ in range(count)]


async def test_watches_see_objects_enter_and_leave_a_selector(served: Served) -> None:
    start = served.store.revision
    await served.admin.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, "default")
    for value in ("y", "z"):
        await served.admin.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"x": value}}}, "default")
    seen = await lines(served, f"{MAPS}?watch=1&labelSelector=x=y&resourceVersion={start}", 2)
    assert [s["type"] for s in seen] == ["ADDED", "DELETED"]


async def test_a_watch_begins_with_what_is_there(served: Served) -> None:
    path = (
        "/api/v1/namespaces?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    )
    seen = await lines(served, path, 5)
    assert [s["type"] for s in seen] == ["ADDED"] * 4 + ["BOOKMARK"]
    ended = {"k8s.io/initial-events-end": "true"}
    assert seen[-1]["object"]["metadata"]["annotations"] == ended
    partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    told = (await lines(served, path, 5, Accept=partial))[-1]["object"]
    assert (told["kind"], told["metadata"]["annotations"]) == ("PartialObjectMetadata", ended)
    row = (await lines(served, path, 5, Accept=TABLE))[-1]["object"]["rows"][0]
    assert row["object"]["metadata"]["annotations"] == ended


async def test_a_watch_begins_with_nothing_older_than_it_asks_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podwright.apiserver.handlers.read._WAIT_FOR_REVISION", 0.05)
    query = "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    ahead = await served.ask("GET", f"{MAPS}{query}&resourceVersion={served.store.revision + 1000}")
    assert (ahead.code, ahead.json["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")


async def test_a_watch_from_forgotten_history_is_told_so(served: Served) -> None:
    await served.store.compact(served.store.revision)
    seen = await lines(served, "/api/v1/namespaces?watch=1&resourceVersion=1", 1)
    assert (seen[0]["type"], seen[0]["object"]["code"]) == ("ERROR", 410)


async def test_a_watch_ends_in_its_time(served: Served) -> None:
    assert "kube-system" in (await served.ask("GET", "/api/v1/namespaces?watch=1&timeoutSeconds=1")).text


async def test_a_client_that_goes_takes_its_watch_along(served: Served) -> None:
    def open_watches() -> int:
        return served.server.metrics.long_running["WATCH", "", "v1", "namespaces", "", "cluster"]

    answer = await served.session.get(served.server.url + "/api/v1/namespaces?watch=1")
    await answer.content.readline()
    assert open_watches() == 1
    answer.close()
    async with asyncio.timeout(5):
        while open_watches():
            await asyncio.sleep(0.01)


async def test_a_client_that_goes_as_a_change_comes_is_no_failure(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent, late = streams._send, asyncio.Event()

    async def too_late(request: web.BaseRequest, response: web.StreamResponse, lines: bytes) -> None:
        assert request.transport is not None
        request.transport.close()
        late.set()
        await sent(request, response, lines)

    monkeypatch.setattr(streams, "_send", too_late)
    answer = await served.session.get(served.server.url + "/api/v1/namespaces?watch=1")
    async with asyncio.timeout(5):
        await late.wait()
        while served.server.metrics.long_running["WATCH", "", "v1", "namespaces", "", "cluster"]:
            await asyncio.sleep(0.01)
    answer.close()
    assert not [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


async def test_the_cluster_has_its_first_objects(served: Served) -> None:
    names = [o["metadata"]["name"] for o in (await served.admin.list(NAMESPACES)).items]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    service = await served.admin.get(SERVICES, "kubernetes", "default")
    assert service["spec"]["clusterIP"] == "10.96.0.1"


async def test_tokens_are_bound_to_what_is_there(served: Served) -> None:
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    pod = await served.admin.create(PODS, POD, "default")
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": pod["metadata"]["uid"]}
    request = {"spec": {"audiences": [], "boundObjectRef": bound}}
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = (await served.ask("POST", path, request)).json["status"]["token"]
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))

    async def as_account(path: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(served.server.url + path, headers=headers, ssl=tls) as answer,
        ):
            return answer.status, await answer.text()

    assert (await as_account("/version"))[0] == 200
    code, text = await as_account(PODS_PATH)
    assert code == 403
    assert 'User \\"system:serviceaccount:default:default\\" cannot list resource \\"pods\\"' in text
    review = {"spec": {"token": token}}
    asked = (await served.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)).json
    assert asked["status"]["user"]["username"] == "system:serviceaccount:default:default"
    await served.ask("DELETE", PODS_PATH + "/p", {"gracePeriodSeconds": 0})
    assert (await as_account("/version"))[0] == 401


async def test_nobody_else_is_let_in(served: Served) -> None:
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))
    wanted = {"/healthz": 200, "/readyz?verbose": 200, "/api": 401, "/version": 401, PODS_PATH: 401}
    async with aiohttp.ClientSession() as session:
        for path, code in wanted.items():
            async with session.get(served.server.url + path, ssl=tls) as answer:
                assert answer.status == code, path


async def test_a_certificate_of_another_authority_is_not_even_listened_to(served: Served, tmp_path: Path) -> None:
    foreign = pki.ensure(tmp_path, pki.orders(("a",), "n1", ("n1",)), datetime.datetime.now(datetime.UTC))
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))
    tls.load_cert_chain(foreign.cert("admin"), foreign.key("admin"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(served.server.url + "/healthz", ssl=tls)


async def test_an_administrator_may_act_as_somebody_else(served: Served) -> None:
    answer = await served.ask("GET", MAPS, Impersonate_User="system:serviceaccount:default:x")
    assert answer.code == 403
    assert 'User "system:serviceaccount:default:x" cannot list resource "configmaps"' in answer.json["message"]
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    who = (await served.ask("POST", path, {}, Impersonate_User="jane", Impersonate_Group="dev")).json
    assert who["status"]["userInfo"] == {"username": "jane", "groups": ["dev", "system:authenticated"]}
    assert (await served.ask("GET", MAPS, Impersonate_Group="dev")).code == 400


async def test_what_may_i_do(served: Served) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    rules = (await served.ask("POST", path, {"spec": {"namespace": "default"}})).json["status"]
    assert rules["resourceRules"] == [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    asked = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    answer = (await served.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", asked)).json
    assert (answer["apiVersion"], answer["kind"]) == ("authorization.k8s.io/v1", "SelfSubjectAccessReview")


async def test_server_side_apply_knows_owners(served: Served) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
    media = "application/apply-patch+yaml"
    assert (await served.ask("PATCH", MAPS + "/a?fieldManager=one", body, media)).code == 201
    body["data"] = {"a": "2"}
    refused = await served.ask("PATCH", MAPS + "/a?fieldManager=two", body, media)
    assert (refused.code, refused.json["details"]["causes"][0]["field"]) == (409, ".data.a")
    forced = await served.ask("PATCH", MAPS + "/a?fieldManager=two&force=true", body, media)
    assert forced.json["data"] == {"a": "2"}


async def test_an_apply_changes_only_what_its_endpoint_changes(served: Served) -> None:
    media = "application/apply-patch+yaml"
    await served.admin.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    spec = {"containers": [{"name": "c", "image": "i:1"}]}
    assert (await served.ask("PATCH", PODS_PATH + "/a?fieldManager=one", {**body, "spec": spec}, media)).code == 201
    told = {**body, "status": {"conditions": [{"type": "Mine", "status": "True"}]}}
    main = await served.ask("PATCH", PODS_PATH + "/a?fieldManager=two", told, media)
    assert main.code == 200
    assert "conditions" not in main.json.get("status", {})
    # Who applied it where it does not belong does not own it there, and is in nobody's way.
    below = await served.ask("PATCH", PODS_PATH + "/a/status?fieldManager=two", {**told, "spec": {"x": 1}}, media)
    assert below.code == 400
    below = await served.ask("PATCH", PODS_PATH + "/a/status?fieldManager=two", {**told, "spec": spec}, media)
    assert below.json["status"]["conditions"] == [{"type": "Mine", "status": "True"}]
    owners = {
        (e["manager"], e.get("subresource")): e["fieldsV1"].keys() for e in below.json["metadata"]["managedFields"]
    }
    assert owners == {("one", None): {"f:spec"}, ("two", "status"): {"f:status"}}


async def test_an_answer_comes_in_its_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(await served.ask("GET", f"/version?timeout={t}")).code for t in ("0s", "32s", "1m30s", "3h")] == [200] * 4

    async def never(*args: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("podwright.apiserver.handlers.read.list_", never)
    late = await served.ask("GET", MAPS + "?timeout=10ms")
    assert (late.code, late.json["reason"]) == (504, "Timeout")


async def test_there_is_something_at_each_of_the_paths(served: Served) -> None:
    paths = (await served.ask("GET", "/")).json["paths"]
    assert paths == sorted(set(paths))
    assert {"/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/readyz/etcd", "/version"} < set(paths)
    assert {(await served.ask("GET", path)).code for path in paths} == {200}


async def test_health_is_told_check_by_check(served: Served) -> None:
    checks = ["[+]ping ok", "[+]etcd ok", "[+]bootstrap ok"]
    for path in ("/healthz", "/livez", "/readyz"):
        told = (await served.ask("GET", path + "?verbose")).text
        assert told.splitlines() == [*checks, f"{path[1:]} check passed"]
        assert (await served.ask("GET", path + "/etcd")).text == "ok"
        assert (await served.ask("GET", path + "/nothing")).code == 404
    told = (await served.ask("GET", "/readyz?verbose&exclude=etcd&exclude=x")).text
    assert "[+]etcd excluded: ok" in told
    assert 'warn: some health checks cannot be excluded: no matches for "x"' in told


async def test_a_description_is_kept_as_long_as_it_is_the_one(served: Served) -> None:
    index = (await served.ask("GET", "/openapi/v3")).json["paths"]
    path = index["apis/node.k8s.io/v1"]["serverRelativeURL"]
    assert (await served.ask("GET", path)).headers["Cache-Control"] == "public, immutable"
    bare = path.partition("?")[0]
    assert (await served.ask("GET", bare)).headers["Cache-Control"] == "no-cache, private"
    url = served.server.url + bare + "?hash=OLD"
    async with served.session.get(url, allow_redirects=False) as moved:
        assert (moved.status, moved.headers["Location"]) == (301, path)


async def test_a_failure_of_ours_is_not_shown(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(served.store, "get", broken)
    answer = await served.ask("GET", MAPS + "/a")
    assert answer.code == 500
    assert "secret detail" not in answer.text


async def test_stop_ends_open_watches(served: Served) -> None:
    user = User("admin", ("system:masters",))
    assert await served.server.local_client(user).list(NAMESPACES)
    answer = await served.session.get(served.server.url + "/api/v1/namespaces?watch=1")
    await answer.content.readline()
    async with asyncio.timeout(5):
        await served.server.stop()
    answer.close()
