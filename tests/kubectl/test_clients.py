"""The Python clients that people use: each creates a Pod, watches it, runs a command in it and deletes it."""

from __future__ import annotations

import json
from typing import Any

import kr8s
import kubernetes.client
import kubernetes.config
import kubernetes.stream
import kubernetes.watch
import lightkube
import pytest
from kr8s.asyncio.objects import Pod as Kr8sPod
from lightkube.core.exceptions import ApiError
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod as LightPod
from tests.kubectl.tool import SLEEP, Kubectl, manifest

pytestmark = [
    # The clients leave closing their connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # kr8s says which versions it was tried with when it was released.
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning"),
]


def pod(name: str) -> dict[str, Any]:
    """A Pod as a mapping."""
    parsed: dict[str, Any] = json.loads(manifest(name, SLEEP))
    return parsed


def test_kubernetes(kubectl: Kubectl) -> None:
    with kubernetes.config.new_client_from_config(str(kubectl.kubeconfig)) as connection:
        api = kubernetes.client.CoreV1Api(connection)
        api.create_namespaced_pod(kubectl.namespace, pod("p"))
        watch = kubernetes.watch.Watch()
        for event in watch.stream(api.list_namespaced_pod, kubectl.namespace, timeout_seconds=20):
            conditions = event["object"].status.conditions or []
            if any(one.type == "Ready" and one.status == "True" for one in conditions):
                watch.stop()
        assert [one.metadata.name for one in api.list_namespaced_pod(kubectl.namespace).items] == ["p"]
        said = kubernetes.stream.stream(
            api.connect_get_namespaced_pod_exec, "p", kubectl.namespace, command=["echo", "hello"],
            stdout=True, stderr=True, stdin=False, tty=False,
        )  # fmt: skip
        assert said == "hello\n"
        assert api.read_namespaced_pod_log("p", kubectl.namespace) == ""
        assert api.delete_namespaced_pod("p", kubectl.namespace).metadata.deletion_timestamp is not None


async def test_kr8s(kubectl: Kubectl) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(kubectl.kubeconfig), namespace=kubectl.namespace)
    one = await Kr8sPod(pod("p"), namespace=kubectl.namespace, api=api)
    await one.create()
    await one.wait("condition=Ready", timeout=20)
    assert [found.name async for found in api.get("pods")] == ["p"]
    done = await one.exec(["echo", "hello"])
    assert done.stdout == b"hello\n"
    await one.delete()
    await one.wait("delete", timeout=20)


def test_lightkube(kubectl: Kubectl) -> None:
    config = lightkube.KubeConfig.from_file(str(kubectl.kubeconfig))
    client = lightkube.Client(config, namespace=kubectl.namespace)
    made = pod("p")
    client.create(LightPod(metadata=ObjectMeta(name="p"), spec=PodSpec.from_dict(made["spec"])))
    client.wait(LightPod, "p", for_conditions=["Ready"])
    assert [found.metadata.name for found in client.list(LightPod) if found.metadata] == ["p"]
    for change, found in client.watch(LightPod, fields={"metadata.name": "p"}):
        assert found.metadata and found.metadata.name == "p" and change == "ADDED"
        break
    client.delete(LightPod, "p")
    try:
        client.get(LightPod, "ghost")
    except ApiError as error:
        assert error.status.code == 404 and error.status.reason == "NotFound"


def test_lightkube_applies_a_scale(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=podwright/busybox:1", "--replicas=0", "--", "sleep", "1000")
    client = lightkube.Client(lightkube.KubeConfig.from_file(str(kubectl.kubeconfig)), namespace=kubectl.namespace)
    scale = Deployment.Scale(
        apiVersion="autoscaling/v1", kind="Scale", metadata=ObjectMeta(name="web"), spec=ScaleSpec(replicas=1)
    )
    with pytest.raises(ApiError) as refused:
        client.apply(scale, field_manager="scaler")
    assert 'conflict with "kubectl-create" using autoscaling/v1: .spec.replicas' in str(refused.value)
    applied = client.apply(scale, field_manager="scaler", force=True)
    assert applied.spec and applied.spec.replicas == 1
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    entries = json.loads(kubectl("get", "deployment", "web", "--show-managed-fields", "-o", "json"))
    (mine,) = [e for e in entries["metadata"]["managedFields"] if e.get("subresource") == "scale"]
    assert (mine["manager"], mine["operation"], mine["apiVersion"]) == ("scaler", "Apply", "apps/v1")
    assert mine["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
