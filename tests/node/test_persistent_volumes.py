"""Claims on a real node: a folder of the node that outlives Pods and goes with the claim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.node.pods import Pods, container, job, pod, status_of
from tests.node.running_node import RunningNode

from podwright.api.errors import NotFound
from podwright.api.objects import Object
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES, Resource

LAST = "/dev/termination-log"


def claim(name: str, **spec: Any) -> Object:
    given = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": given}


def uses(name: str) -> dict[str, Any]:
    """Parts of a Pod and its container that have a claim at /data."""
    return {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]}


MOUNT = [{"name": "v", "mountPath": "/data"}]


async def until(pods: Pods, resource: Resource, name: str, wanted: Callable[[Object | None], Any]) -> Object | None:
    """The object, None when it is gone, once it is as wanted."""
    namespace = pods.namespace if resource.namespaced else ""
    found: Object | None = None
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    found = await pods.client.get(resource, name, namespace)
                except NotFound:
                    found = None
                if wanted(found):
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{resource.plural} {name} did not come to what was wanted: {found}") from None


def phase(obj: Object | None) -> str:
    return str(((obj or {}).get("status") or {}).get("phase") or "")


async def test_data_outlive_their_pod_and_go_with_their_claim(node: RunningNode, pods: Pods) -> None:
    made = await pods.client.create(PERSISTENT_VOLUME_CLAIMS, claim("c"), pods.namespace)
    assert (made["spec"]["storageClassName"], made["status"]) == ("local", {"phase": "Pending"})
    nobody = {"securityContext": {"runAsUser": 65534}}
    writer = job("writer", "", **uses("c"), **nobody)
    writer["spec"]["containers"] = [container(f"echo kept > /data/file; ls /data > {LAST}", volumeMounts=MOUNT)]
    assert await pods.message(writer) == "file\n"
    bound = await pods.client.get(PERSISTENT_VOLUME_CLAIMS, "c", pods.namespace)
    volume = await pods.client.get(PERSISTENT_VOLUMES, bound["spec"]["volumeName"])
    folder = Path(volume["spec"]["hostPath"]["path"])
    assert folder.parent == node.data_dir / "volumes"
    assert (phase(bound), phase(volume), bound["status"]["capacity"]) == ("Bound", "Bound", {"storage": "1Gi"})
    await pods.delete("writer")
    await pods.gone("writer")

    reader = pod("reader", container("cat /data/file; sleep 1000", volumeMounts=MOUNT), **uses("c"))
    await pods.create(reader)
    await pods.ready("reader")
    await pods.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", pods.namespace)
    late = job("late", "true", **uses("c"))
    await pods.create(late)
    refused = await pods.until("late", lambda one: _unscheduled(one))
    assert 'persistentvolumeclaim "c" is being deleted' in _unscheduled(refused)
    assert (folder / "file").read_text() == "kept\n"
    await pods.delete("reader")
    await until(pods, PERSISTENT_VOLUME_CLAIMS, "c", lambda found: found is None)
    await until(pods, PERSISTENT_VOLUMES, volume["metadata"]["name"], lambda found: found is None)
    assert not folder.exists()


def _unscheduled(one: Object) -> str:
    conditions = one["status"].get("conditions") or ()
    return next(
        (c.get("message") or "" for c in conditions if c["type"] == "PodScheduled" and c["status"] == "False"), ""
    )


async def test_claims_bound_at_once_by_hand_and_not_at_all(pods: Pods, tmp_path: Path) -> None:
    """Side by side: a class without delay, a volume made by hand, and a claim that nothing fits."""
    meta = {"name": f"{pods.namespace}-now"}
    now = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta, "reclaimPolicy": "Retain"}
    await pods.client.create(STORAGE_CLASSES, {**now, "provisioner": "podwright.dev/local"})
    by_hand = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{pods.namespace}-hand"},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": pods.namespace,
            "local": {"path": str(tmp_path)},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
                    ]
                }
            },
        },
    }
    (tmp_path / "file").write_text("by hand")
    await pods.client.create(PERSISTENT_VOLUMES, by_hand)
    for one in (
        claim("now", storageClassName=meta["name"]),
        claim("hand", storageClassName=pods.namespace),
        claim("none", storageClassName=""),
    ):
        await pods.client.create(PERSISTENT_VOLUME_CLAIMS, one, pods.namespace)
    said = container(f"cat /data/file > {LAST}", volumeMounts=MOUNT)
    await pods.create(pod("hand", said, restartPolicy="Never", **uses("hand")))
    await pods.create(pod("none", said, restartPolicy="Never", **uses("none")))
    kept = await until(pods, PERSISTENT_VOLUME_CLAIMS, "now", lambda found: phase(found) == "Bound")
    assert kept is not None
    assert status_of(await pods.ended("hand"))["state"]["terminated"]["message"] == "by hand"
    waits = await pods.until("none", _unscheduled)
    assert _unscheduled(waits) == (
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    await pods.until_told("none", "FailedBinding")
    await pods.client.delete(PERSISTENT_VOLUME_CLAIMS, "now", pods.namespace)
    name = kept["spec"]["volumeName"]
    left = await until(pods, PERSISTENT_VOLUMES, name, lambda found: phase(found) == "Released")
    assert left is not None and Path(left["spec"]["hostPath"]["path"]).is_dir()
    await pods.client.delete(PERSISTENT_VOLUMES, name)
    await until(pods, PERSISTENT_VOLUMES, name, lambda found: found is None)
    await pods.delete("hand")
    await pods.gone("hand")
    await pods.client.delete(PERSISTENT_VOLUME_CLAIMS, "hand", pods.namespace)
    await until(pods, PERSISTENT_VOLUMES, by_hand["metadata"]["name"], lambda found: phase(found) == "Released")
    await pods.client.delete(PERSISTENT_VOLUMES, by_hand["metadata"]["name"])
    await pods.client.delete(STORAGE_CLASSES, meta["name"])
    assert (tmp_path / "file").read_text() == "by hand"
