"""Manifests in a folder become Pods."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from podwright.kubelet.config import FILE, Op, PodConfig, PodUpdate
from podwright.kubelet.static_defaults import default_pull_policy, with_defaults
from podwright.kubelet.static_pods import ManifestError, StaticPods, read_manifest

Object = dict[str, Any]
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def manifest(**spec: Any) -> Object:
    containers = spec.pop("containers", [{"name": "a", "image": "a:1"}])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": containers, **spec},
    }


def read(given: Object, path: str = "/m/web.yaml", node: str = "Node1") -> Object:
    return read_manifest(json.dumps(given).encode(), path, node)


def test_a_manifest_becomes_a_pod_of_this_node() -> None:
    pod = read(manifest())
    meta = pod["metadata"]
    assert (meta["name"], meta["namespace"]) == ("web-node1", "default")
    assert meta["annotations"]["kubernetes.io/config.source"] == "file"
    assert meta["annotations"]["kubernetes.io/config.hash"] == meta["uid"]
    assert meta["generation"] == 1
    assert pod["spec"]["nodeName"] == "Node1"
    assert pod["spec"]["tolerations"] == [{"operator": "Exists", "effect": "NoExecute"}]


@pytest.mark.parametrize(
    ("path", "node", "spec", "same"),
    [
        pytest.param("/m/web.yaml", "Node1", {}, True, id="the same again"),
        pytest.param("/m/b.yaml", "Node1", {}, False, id="another file"),
        pytest.param("/m/web.yaml", "Node2", {}, False, id="another node"),
        pytest.param("/m/web.yaml", "Node1", {"hostNetwork": True}, False, id="another content"),
    ],
)
def test_the_uid_follows_the_content(path: str, node: str, spec: Object, same: bool) -> None:
    assert (read(manifest())["metadata"]["uid"] == read(manifest(**spec), path, node)["metadata"]["uid"]) is same


REFERENCES = {
    "a service account": ({"serviceAccountName": "x"}, "serviceaccounts"),
    "a pull secret": ({"imagePullSecrets": [{"name": "x"}]}, "secrets"),
    "a secret volume": ({"volumes": [{"name": "v", "secret": {"secretName": "x"}}]}, "secrets"),
    "a projected token": (
        {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
        "serviceaccounts",
    ),
    "a config map in the environment": (
        {"containers": [{"name": "a", "image": "a", "envFrom": [{"configMapRef": {"name": "x"}}]}]},
        "configmaps",
    ),
    "a secret's key": (
        {
            "containers": [
                {
                    "name": "a",
                    "image": "a",
                    "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}],
                }
            ]
        },
        "secrets",
    ),
}


@pytest.mark.parametrize(("spec", "kind"), REFERENCES.values(), ids=REFERENCES.keys())
def test_what_only_the_api_has_is_refused(spec: Object, kind: str) -> None:
    with pytest.raises(ManifestError, match=f"static pods may not reference {kind}"):
        read(manifest(**spec))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: [", "neither YAML nor JSON", id="no YAML"),
        pytest.param(b"kind: Service\napiVersion: v1", "expected one object", id="another kind"),
        pytest.param(b"kind: Pod\napiVersion: v1\nspec: {}", "spec.containers: Required", id="no containers"),
        pytest.param(
            b"kind: Pod\napiVersion: v1\nspec: {containers: [{name: a}]}", "metadata.name: Required", id="no name"
        ),
    ],
)
def test_a_broken_manifest_says_why(content: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(content, "f", "n")


def test_defaults_are_those_of_the_api_server() -> None:
    probe = {"httpGet": {"port": 80}}
    given = manifest(
        hostNetwork=True,
        containers=[
            {
                "name": "a",
                "image": "a",
                "ports": [{"containerPort": 80}],
                "livenessProbe": probe,
                "resources": {"limits": {"cpu": "1"}},
            }
        ],
        volumes=[{"name": "v"}],
    )
    spec = with_defaults(given)["spec"]
    container = spec["containers"][0]
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"], spec["dnsPolicy"]) == (
        "Always",
        30,
        "ClusterFirst",
    )
    assert container["imagePullPolicy"] == "Always"
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP", "hostPort": 80}]
    assert container["livenessProbe"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    assert container["livenessProbe"]["failureThreshold"] == 3
    assert container["resources"]["requests"] == {"cpu": "1"}
    assert spec["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert "restartPolicy" not in given["spec"]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("reg:5000/a", "Always"),
        ("reg:5000/a:1", "IfNotPresent"),
        ("a@sha256:1", "IfNotPresent"),
        ("a:latest@sha256:1", "IfNotPresent"),
    ],
)
def test_default_pull_policy(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy


@pytest.fixture
def told() -> list[PodUpdate]:
    return []


def folder_of(tmp_path: Path, told: list[PodUpdate]) -> StaticPods:
    return StaticPods(tmp_path, "n", PodConfig([FILE], told.append), lambda: NOW)


async def test_a_folder_is_followed(tmp_path: Path, told: list[PodUpdate]) -> None:
    pods = folder_of(tmp_path, told)
    file = tmp_path / "web.json"
    file.write_text(json.dumps(manifest()))
    await pods.look()
    await pods.look()
    file.write_text(json.dumps(manifest(hostNetwork=True)))
    await pods.look()
    file.unlink()
    await pods.look()
    assert [u.op for u in told] == [Op.ADD, Op.REMOVE, Op.ADD, Op.REMOVE]
    assert told[0].pod["metadata"]["annotations"]["kubernetes.io/config.seen"] == "2026-01-02T00:00:00.000000Z"


async def test_a_file_that_is_only_touched_is_the_same_pod(tmp_path: Path, told: list[PodUpdate]) -> None:
    pods = folder_of(tmp_path, told)
    file = tmp_path / "web.json"
    file.write_text(json.dumps(manifest()))
    await pods.look()
    file.write_text(json.dumps(manifest(), indent=1))
    await pods.look()
    assert [u.op for u in told] == [Op.ADD]


async def test_a_broken_file_leaves_the_others_alone(
    tmp_path: Path, told: list[PodUpdate], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / ".hidden.json").write_text(json.dumps(manifest()))
    (tmp_path / "b.json").write_text(json.dumps(manifest()))
    await folder_of(tmp_path, told).look()
    assert len(told) == 1
    assert "a.json is not used" in caplog.text


async def test_a_folder_that_is_not_there_has_no_pods(tmp_path: Path, told: list[PodUpdate]) -> None:
    config = PodConfig([FILE], told.append)
    await StaticPods(tmp_path / "none", "n", config, lambda: NOW).look()
    assert config.complete
