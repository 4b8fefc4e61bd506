"""Discovery as kubectl and client-go read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from podwright.api import resources
from podwright.api.resources import Resource
from podwright.apiserver.discovery import Discovery
from podwright.apiserver.registry.strategy import Row, Strategy

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
REVIEW = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False)


@pytest.fixture
def discovery() -> Discovery:
    rows = [
        Row(resources.PODS, Strategy(), "x.Pod", "pod", ("po",), ("all",), ("status",)),
        Row(resources.LEASES, Strategy(), "x.Lease", "lease"),
    ]
    return Discovery(rows, [Row(REVIEW, Strategy(), "x.Review", "selfsubjectaccessreview")], address="127.0.0.1:1")


def content(discovery: Discovery, path: str, accept: str = "application/json") -> Any:
    document = discovery.answer(path, accept)
    assert document is not None
    return json.loads(document.body)


def test_the_versions_of_the_core(discovery: Discovery) -> None:
    assert content(discovery, "/api") == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:1"}],
    }


def test_the_groups(discovery: Discovery) -> None:
    groups = content(discovery, "/apis/")["groups"]
    assert [group["name"] for group in groups] == ["coordination.k8s.io", "authorization.k8s.io"]
    assert content(discovery, "/apis/coordination.k8s.io") == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "coordination.k8s.io",
        "versions": [{"groupVersion": "coordination.k8s.io/v1", "version": "v1"}],
        "preferredVersion": {"groupVersion": "coordination.k8s.io/v1", "version": "v1"},
    }


def test_the_resources_of_a_version(discovery: Discovery) -> None:
    listed = {r["name"]: r for r in content(discovery, "/api/v1")["resources"]}
    assert listed["pods"] == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["po"],
        "categories": ["all"],
    }
    assert listed["pods/eviction"]["group"] == "policy"
    assert list(listed) == sorted(listed)
    review = content(discovery, "/apis/authorization.k8s.io/v1")
    assert review["groupVersion"] == "authorization.k8s.io/v1"
    assert review["resources"][0]["verbs"] == ["create"]


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_everything_at_once(discovery: Discovery, version: str) -> None:
    accept = f"{AGGREGATED.format(version)},application/json"
    document = discovery.answer("/api", accept)
    assert document is not None
    assert document.content_type == AGGREGATED.format(version)
    answer = json.loads(document.body)
    assert (answer["kind"], answer["apiVersion"]) == ("APIGroupDiscoveryList", f"apidiscovery.k8s.io/{version}")
    (pods,) = answer["items"][0]["versions"][0]["resources"]
    assert pods["responseKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert pods["scope"] == "Namespaced"
    subresources = {s["subresource"]: s["responseKind"]["kind"] for s in pods["subresources"]}
    assert subresources["status"] == "Pod"
    assert subresources["exec"] == "PodExecOptions"
    assert [i["metadata"]["name"] for i in content(discovery, "/apis", accept)["items"]] == [
        "coordination.k8s.io",
        "authorization.k8s.io",
    ]


def test_the_plain_form_when_it_is_asked_for_first(discovery: Discovery) -> None:
    assert content(discovery, "/api", f"application/json,{AGGREGATED.format('v2')}")["kind"] == "APIVersions"


def test_the_etag_is_that_of_the_content(discovery: Discovery) -> None:
    first, again = discovery.answer("/api", ""), discovery.answer("/api", "")
    other = discovery.answer("/apis", "")
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.etag == again.etag != other.etag


@pytest.mark.parametrize("path", ["/api/v2", "/apis/nope", "/apis/coordination.k8s.io/v2", "/apis/a/b/c", "/version"])
def test_what_is_not_there(discovery: Discovery, path: str) -> None:
    assert discovery.answer(path, "") is None
