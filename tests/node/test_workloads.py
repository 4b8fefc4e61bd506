"""Deployments and StatefulSets of real containers: rolled under load, and over the end of the program."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.waiting import eventually
from tests.node.pods import IMAGE, SLEEP, Pods, container
from tests.node.running_node import RunningNode
from tests.node.test_services import answers, asked, with_service

from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import DEPLOYMENTS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STATEFUL_SETS
from podwright.client.http import HttpClient
from podwright.containerd.example_image import busybox_image
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive

REPLICAS = int(os.environ.get("ROLLED_REPLICAS", "6"))
"""More of them take longer and prove the same; 50 were tried."""
CLIENTS = 3
NEW_IMAGE = "podwright/busybox:rolled"
SERVE = "mkdir /tmp/w; echo $VERSION > /tmp/w/name; httpd -f -p 8080 -h /tmp/w & trap 'exit 0' TERM; wait"


def web(version: str, image: str) -> Object:
    """A Deployment whose Pods serve their version; they serve on for a while when they are told to end."""
    # A busy machine may answer late: that a Pod is slow is no reason to take it out.
    probe = {"httpGet": {"path": "/name", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 10}
    one = container(
        SERVE,
        image=image,
        ports=[{"name": "web", "containerPort": 8080}],
        env=[{"name": "VERSION", "value": version}],
        readinessProbe=probe,
        lifecycle={"preStop": {"sleep": {"seconds": 5}}},
    )
    labels = {"app": "web"}
    spec = {"containers": [one], "terminationGracePeriodSeconds": 15}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


async def rolled(pods: Pods, version: str) -> bool:
    """Whether every Pod is of the version and available, as the status says, and no other one is left."""
    found = await pods.client.get(DEPLOYMENTS, "web", pods.namespace)
    status, meta = found.get("status") or {}, metadata(found)
    counts = [status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    seen = status.get("observedGeneration") == meta["generation"]
    template = found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    return template == version and seen and counts == [REPLICAS] * 3


async def test_a_deployment_is_rolled_to_a_new_image_and_back_under_load_and_no_request_is_lost(
    node: RunningNode, pods: Pods
) -> None:
    await ManagedContainerd(node.data_dir).import_image(archive({NEW_IMAGE: busybox_image(Path("/bin/busybox"))}))
    service = await with_service(pods)
    address = service["spec"]["clusterIP"]
    await pods.client.create(DEPLOYMENTS, web("1", IMAGE), pods.namespace)
    await eventually(lambda: rolled(pods, "1"), 60 + REPLICAS)
    await eventually(lambda: answers(address, 80), 20)
    heard: list[str] = []
    stop = asyncio.Event()

    async def load() -> None:
        # What is lost ends the test: the answer breaks off, or nobody is there.
        while not stop.is_set():
            heard.append(await asked(address, 80))
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(load())
        for version, image in (("2", NEW_IMAGE), ("1", IMAGE)):
            before = len(heard)
            await pods.client.patch(DEPLOYMENTS, "web", {"spec": web(version, image)["spec"]}, pods.namespace)
            await eventually(lambda version=version: rolled(pods, version), 60 + 2 * REPLICAS)  # type: ignore[misc]
            assert set(heard[before:]) == {"1", "2"}
        stop.set()
    assert len(heard) > 100


CLAIM: Object = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}
NAMES = [f"db-{number}" for number in range(3)]
NOTE = 'cut -d" " -f1 /proc/uptime >> /data/$HOSTNAME; ' + SLEEP


def database() -> Object:
    """A StatefulSet whose Pods note in their volume when they start."""
    labels = {"app": "db"}
    one = container(NOTE, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    spec = {"containers": [one], "terminationGracePeriodSeconds": 2}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "replicas": len(NAMES),
            "serviceName": "db",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            "volumeClaimTemplates": [CLAIM],
        },
    }


async def ready_uids(client: HttpClient) -> dict[str, str] | None:
    """The Pods by name, when all are ready and none is being deleted."""
    listed = (await client.list(PODS, "default")).items
    found = await client.get(STATEFUL_SETS, "db", "default")
    status: Any = found.get("status") or {}
    if status.get("readyReplicas") != len(NAMES) or any(metadata(pod).get("deletionTimestamp") for pod in listed):
        return None
    return {name_of(pod): metadata(pod)["uid"] for pod in listed}


@pytest.fixture
def stateful(node_folder: Path) -> Iterator[RunningNode]:
    """A node of the test's own: it is killed."""
    running = RunningNode.below(node_folder, "stateful")
    running.up()
    try:
        running.import_example_image()
        yield running
    finally:
        print(running.log_end())  # shown when a test fails
        running.down(purge=True)
    assert running.leftovers() == []


async def test_a_stateful_set_keeps_names_order_and_volumes_through_deletion_and_kill_9(stateful: RunningNode) -> None:
    async with HttpClient.from_kubeconfig(stateful.kubeconfig) as client:
        await client.create(STATEFUL_SETS, database(), "default")
        first = await eventually(lambda: ready_uids(client), 60)
        assert list(first) == NAMES
        volumes = {one["metadata"]["name"]: one["spec"]["volumeName"] for one in await _claims(client)}
        # In the middle of replacing all of them the program is killed.
        for name in NAMES:
            await client.delete(PODS, name, "default")
    stateful.kill()
    stateful.up()
    async with HttpClient.from_kubeconfig(stateful.kubeconfig) as client:

        async def others() -> dict[str, str] | None:
            uids = await ready_uids(client)
            return uids if uids and not set(uids.values()) & set(first.values()) else None

        second = await eventually(others, 60)
        assert list(second) == NAMES
        assert {one["metadata"]["name"]: one["spec"]["volumeName"] for one in await _claims(client)} == volumes
        starts = {name: await _starts(client, stateful, volumes[f"data-{name}"], name) for name in NAMES}
    assert [len(times) for times in starts.values()] == [2, 2, 2], starts
    for round_ in range(2):
        times = [starts[name][round_] for name in NAMES]
        assert times == sorted(times), "each started after the one before it"


async def _claims(client: HttpClient) -> list[Object]:
    return list((await client.list(PERSISTENT_VOLUME_CLAIMS, "default")).items)


async def _starts(client: HttpClient, node: RunningNode, volume: str, name: str) -> list[float]:
    """When the Pod of this name started, as its volume tells."""
    spec = (await client.get(PERSISTENT_VOLUMES, volume))["spec"]
    folder = Path((spec.get("local") or spec.get("hostPath") or {})["path"])
    return [float(line) for line in (folder / name).read_text().split()]
