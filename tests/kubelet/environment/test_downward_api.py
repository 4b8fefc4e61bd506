"""The downward API: fields and resources as text."""

import pytest

from podwright.kubelet.environment.downward_api import NodeFacts, find_container, format_map, pod_field, resource_field

NODE = NodeFacts("node-1", ("192.0.2.1", "fd00::1"), {"cpu": "3500m", "memory": "1Gi", "ephemeral-storage": "10Gi"})
POD = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u-1",
        "labels": {"app": "web", "a/b": "c"},
        "annotations": {"note": 'two\nlines "quoted"'},
    },
    "spec": {"serviceAccountName": "robot", "nodeName": "node-9"},
}
IPS = ("10.1.0.5", "fd01::5")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['a/b']", "c"),
        ("metadata.labels['absent']", ""),
        ("metadata.annotations['note']", 'two\nlines "quoted"'),
        ("metadata.labels", 'a/b="c"\napp="web"'),
        ("metadata.annotations", 'note="two\\nlines \\"quoted\\""'),
        ("spec.nodeName", "node-9"),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "192.0.2.1"),
        ("status.hostIPs", "192.0.2.1,fd00::1"),
        ("status.podIP", "10.1.0.5"),
        ("status.podIPs", "10.1.0.5,fd01::5"),
    ],
)
def test_field(path: str, expected: str) -> None:
    assert pod_field(POD, path, NODE, IPS) == expected


def test_on_the_host_network_the_pod_has_the_host_addresses() -> None:
    pod = {**POD, "spec": {"hostNetwork": True}}
    assert pod_field(pod, "status.podIP", NODE, ()) == "192.0.2.1"
    assert pod_field(pod, "status.podIPs", NODE, ()) == "192.0.2.1,fd00::1"


def test_an_unknown_field_is_refused_in_the_words_of_the_api() -> None:
    with pytest.raises(ValueError, match=r"^error converting fieldPath: field label not supported: spec.image$"):
        pod_field(POD, "spec.image", NODE, IPS)


def test_maps_are_quoted_as_go_does() -> None:
    assert format_map({"k": 'a\\b\t\x01\x7fé\u200b"'}) == 'k="a\\\\b\\t\\x01\\x7fé\\u200b\\""'


CONTAINER = {
    "name": "c",
    "resources": {
        "limits": {"cpu": "250m", "hugepages-2Mi": "4Mi"},
        "requests": {"cpu": "1500m", "memory": "100Mi"},
    },
}


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        pytest.param("limits.cpu", "", "1", id="a part of a core rounds up"),
        pytest.param("limits.cpu", "0", "1", id="a divisor of zero means one"),
        pytest.param("limits.cpu", "1m", "250", id="in thousandths"),
        pytest.param("requests.cpu", "1", "2", id="one and a half rounds up"),
        pytest.param("requests.memory", "1Mi", "100", id="in mebibytes"),
        pytest.param("requests.memory", "1", "104857600", id="in bytes"),
        pytest.param("requests.ephemeral-storage", "1", "0", id="a missing request is nothing"),
        pytest.param("limits.memory", "1Mi", "1024", id="a missing limit is what the node has"),
        pytest.param("limits.ephemeral-storage", "1Gi", "10", id="also for storage"),
        pytest.param("limits.hugepages-2Mi", "1Mi", "4", id="hugepages"),
        pytest.param("limits.hugepages-1Gi", "1", "0", id="hugepages do not fall back to the node"),
    ],
)
def test_resource(resource: str, divisor: str, expected: str) -> None:
    assert resource_field(POD, CONTAINER, resource, divisor, NODE) == expected


def test_a_limit_of_the_pod_comes_before_the_node() -> None:
    pod = {"spec": {"resources": {"limits": {"memory": "64Mi"}}}}
    assert resource_field(pod, CONTAINER, "limits.memory", "1Mi", NODE) == "64"


@pytest.mark.parametrize("resource", ["limits.gpu", "cpu", "limits.", "requests.example.com/x"])
def test_an_unknown_resource_is_refused(resource: str) -> None:
    with pytest.raises(ValueError, match="unsupported container resource"):
        resource_field(POD, CONTAINER, resource, "1", NODE)


def test_containers_are_found_by_name() -> None:
    pod = {"spec": {"containers": [CONTAINER], "initContainers": [{"name": "i"}]}}
    assert find_container(pod, "i") == {"name": "i"}
    with pytest.raises(ValueError, match='container "x" not found'):
        find_container(pod, "x")
