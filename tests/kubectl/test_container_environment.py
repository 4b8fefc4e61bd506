"""The page "Container Environment", a test for each of its sentences: what kubectl shows of one real container.

Page: https://kubernetes.io/docs/concepts/containers/container-environment/
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.kubectl.tool import Kubectl
from tests.node.running_node import RunningNode

from podwright.containerd.example_image import busybox_image
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, Image, archive

IMAGE = "docker.io/podwright/environment:1"
NAMESPACE, OTHER = "environment", "environment-other"
DATA = {"greeting": "Good day"}


def service(name: str, port: int) -> dict[str, Any]:
    ports = [{"port": port, "targetPort": 8080}]
    spec = {"selector": {"app": "env"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def pod() -> dict[str, Any]:
    def fact(name: str, path: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    env = [{"name": "OF_POD", "value": "pod"}, {"name": "OF_BOTH", "value": "pod"}]
    env += [fact("MY_POD_NAME", "metadata.name"), fact("MY_POD_NAMESPACE", "metadata.namespace")]
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"],
        "env": env,
        "volumeMounts": [{"name": "config", "mountPath": "/config"}, {"name": "scratch", "mountPath": "/scratch"}],
    }
    volumes = [{"name": "config", "configMap": {"name": "data"}}, {"name": "scratch", "emptyDir": {}}]
    meta = {"name": "the-pod", "labels": {"app": "env"}}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


@pytest.fixture(scope="module")
def here(node: RunningNode, newest_kubectl: Kubectl) -> Iterator[Kubectl]:
    """A Pod `the-pod`, two Services made before it and one after, and one in another namespace."""
    example = busybox_image(Path("/bin/busybox"))
    environment = ["PATH=/usr/bin:/bin", "OF_IMAGE=image", "OF_BOTH=image"]
    layers = [*example.layers, {"/of-image": File(b"from the image\n")}]
    image = Image(layers=layers, config={**example.config, "Env": environment})
    asyncio.run(ManagedContainerd(node.data_dir).import_image(archive({IMAGE: image})))
    for name in (NAMESPACE, OTHER):
        newest_kubectl("create", "namespace", name)
    here, other = (replace(newest_kubectl, namespace=name) for name in (NAMESPACE, OTHER))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "data"}, "data": DATA}
    other("create", "-f", "-", stdin=json.dumps(service("elsewhere", 80)))
    for one in (config, service("foo", 8765), service("redis-primary", 6379)):
        here("create", "-f", "-", stdin=json.dumps(one))
    here("create", "-f", "-", stdin=json.dumps(pod()))
    here("wait", "pod/the-pod", "--for=condition=Ready", "--timeout=60s")
    here("create", "-f", "-", stdin=json.dumps(service("late", 80)))
    yield here
    here("delete", "namespace", NAMESPACE, OTHER, "--wait=false")


def inside(here: Kubectl, *command: str) -> str:
    return here("exec", "the-pod", "--", *command)


def variables(here: Kubectl) -> dict[str, str]:
    return dict(line.split("=", 1) for line in inside(here, "env").splitlines())


def test_its_file_system_is_an_image_and_volumes(here: Kubectl) -> None:
    assert inside(here, "cat", "/of-image", "/config/greeting") == "from the image\nGood day"
    inside(here, "sh", "-c", "echo kept > /scratch/file")
    assert inside(here, "cat", "/scratch/file") == "kept\n"
    kinds = {line.split()[1] for line in inside(here, "cat", "/proc/mounts").splitlines()}
    assert {"/", "/config", "/scratch"} <= kinds


def test_its_hostname_is_the_name_of_the_pod(here: Kubectl) -> None:
    assert inside(here, "hostname") == "the-pod\n"
    # what gethostname(2) answers
    assert inside(here, "uname", "-n") == "the-pod\n"


def test_name_and_namespace_are_variables_by_the_downward_api(here: Kubectl) -> None:
    seen = variables(here)
    assert (seen["MY_POD_NAME"], seen["MY_POD_NAMESPACE"]) == ("the-pod", NAMESPACE)


def test_variables_of_the_pod_are_seen_and_those_of_the_image(here: Kubectl) -> None:
    seen = variables(here)
    assert {"OF_POD": "pod", "OF_IMAGE": "image", "OF_BOTH": "pod", "PATH": "/usr/bin:/bin"}.items() <= seen.items()


def test_services_that_there_were_when_it_was_made_are_variables(here: Kubectl) -> None:
    """Those of its namespace, and the API's; none that came later, none of another namespace."""
    hosts = {name.removesuffix("_SERVICE_HOST") for name in variables(here) if name.endswith("_SERVICE_HOST")}
    assert hosts == {"FOO", "REDIS_PRIMARY", "KUBERNETES"}


def test_what_the_variables_of_a_service_say(here: Kubectl) -> None:
    seen = variables(here)
    address = here("get", "service", "foo", "-o", "jsonpath={.spec.clusterIP}")
    assert (seen["FOO_SERVICE_HOST"], seen["FOO_SERVICE_PORT"]) == (address, "8765")
    assert seen["REDIS_PRIMARY_PORT_6379_TCP"].endswith(f"{seen['REDIS_PRIMARY_SERVICE_HOST']}:6379")


def test_services_have_addresses_of_their_own_and_names(here: Kubectl) -> None:
    addresses = [here("get", "service", name, "-o", "jsonpath={.spec.clusterIP}") for name in ("foo", "late")]
    assert len(set(addresses)) == 2
    for name, address in zip(("foo", "late"), addresses, strict=True):
        assert address in inside(here, "nslookup", f"{name}.{NAMESPACE}.svc.cluster.local")
    assert f"search {NAMESPACE}.svc.cluster.local svc.cluster.local cluster.local" in inside(
        here, "cat", "/etc/resolv.conf"
    )
