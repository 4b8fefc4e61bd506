"""The binder, protection and ephemeral claims as they run, over a small API server and a real folder."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import NotFound
from podwright.api.objects import Object, copy_object
from podwright.api.resources import (
    EVENTS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
    Resource,
)
from podwright.api.volumes import PVC_PROTECTION, SELECTED_NODE
from podwright.controllers.local_provisioner import LocalStorage
from podwright.controllers.manager import Controllers

RESOURCES = [NAMESPACES, PODS, NODES, EVENTS, PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES]
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@asynccontextmanager
async def controlling(client: FakeClient, folder: Path) -> AsyncIterator[None]:
    storage = LocalStorage(folder / "volumes", "n")
    async with running(Controllers(client, RESOURCES, "PEM", lambda: NOW, storage).run()):
        await eventually(lambda: there(client, STORAGE_CLASSES, "local", ""))
        yield


@pytest.fixture
async def client() -> FakeClient:
    made = FakeClient()
    await made.create(NAMESPACES, {"metadata": {"name": "ns"}})
    await made.create(NODES, {"metadata": {"name": "n", "labels": {"kubernetes.io/hostname": "n"}}})
    return made


async def there(client: FakeClient, resource: Resource, name: str, namespace: str = "ns") -> Object | None:
    try:
        return await client.get(resource, name, namespace)
    except NotFound:
        return None


async def phase(client: FakeClient, resource: Resource, name: str, namespace: str = "ns") -> str:
    return ((await there(client, resource, name, namespace) or {}).get("status") or {}).get("phase") or ""


async def events(client: FakeClient) -> list[str]:
    return [e["reason"] for e in (await client.list(EVENTS)).items]


async def make_claim(client: FakeClient, name: str = "c", *, node: str = "n", **spec: Any) -> Object:
    annotations = {SELECTED_NODE: node} if node else {}
    given = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return await client.create(
        PERSISTENT_VOLUME_CLAIMS,
        {
            "metadata": {"name": name, "annotations": annotations, "finalizers": [PVC_PROTECTION]},
            "spec": {**given, "storageClassName": "local", **spec},
            "status": {"phase": "Pending"},
        },
        "ns",
    )


async def test_a_claim_gets_a_folder_which_goes_with_it(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client)
        name = f"pvc-{made['metadata']['uid']}"
        folder = tmp_path / "volumes" / name
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        volume = await client.get(PERSISTENT_VOLUMES, name)
        assert claim["spec"]["volumeName"] == name
        assert claim["status"] == {
            "phase": "Bound",
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
        }
        assert volume["spec"]["hostPath"] == {"path": str(folder), "type": "Directory"}
        assert volume["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]
        assert folder.stat().st_mode & 0o777 == 0o777
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        (folder / "data").write_text("x")
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        await eventually(lambda: _gone(client, PERSISTENT_VOLUMES, name))
        assert not folder.exists()
        await eventually(lambda: _told(client, "ProvisioningSucceeded"))


async def _is(client: FakeClient, resource: Resource, name: str, wanted: str) -> bool:
    return await phase(client, resource, name) == wanted


async def _gone(client: FakeClient, resource: Resource, name: str) -> bool:
    return await there(client, resource, name) is None


async def test_a_volume_that_is_deleted_first_goes_after_its_claim_with_what_it_holds(
    client: FakeClient, tmp_path: Path
) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client)
        name = f"pvc-{made['metadata']['uid']}"
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        protected = copy_object(await client.get(PERSISTENT_VOLUMES, name))
        protected["metadata"]["finalizers"].append("kubernetes.io/pv-protection")
        await client.update(PERSISTENT_VOLUMES, protected)
        await client.delete(PERSISTENT_VOLUMES, name)
        other = await make_claim(client, "other")
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "other", "Bound"))
        assert other and await phase(client, PERSISTENT_VOLUMES, name) == "Bound"
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        await eventually(lambda: _gone(client, PERSISTENT_VOLUMES, name))
        assert not (tmp_path / "volumes" / name).exists()


async def test_what_is_retained_stays(client: FakeClient, tmp_path: Path) -> None:
    await client.create(
        STORAGE_CLASSES,
        {
            "metadata": {"name": "kept"},
            "provisioner": "podwright.dev/local",
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "Immediate",
        },
    )
    async with controlling(client, tmp_path):
        made = await make_claim(client, node="", storageClassName="kept")
        name = f"pvc-{made['metadata']['uid']}"
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        await eventually(lambda: _is(client, PERSISTENT_VOLUMES, name, "Released"))
        await client.delete(PERSISTENT_VOLUMES, name)
        await eventually(lambda: _gone(client, PERSISTENT_VOLUMES, name))
        assert (tmp_path / "volumes" / name).is_dir()


async def test_a_claim_waits_for_a_node_and_then_is_bound(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        await make_claim(client, node="")
        await eventually(lambda: _told(client, "WaitForFirstConsumer"))
        assert (await client.list(PERSISTENT_VOLUMES)).items == []
        patch = {"metadata": {"annotations": {SELECTED_NODE: "n"}}}
        await client.patch(PERSISTENT_VOLUME_CLAIMS, "c", patch, "ns")
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))


async def _told(client: FakeClient, reason: str) -> bool:
    return reason in await events(client)


async def test_of_two_claims_each_gets_one_of_two_volumes(client: FakeClient, tmp_path: Path) -> None:
    for name in ("a", "b"):
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
        await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": name}, "spec": spec})
    async with controlling(client, tmp_path):
        for name in ("c", "d"):
            await make_claim(client, name, node="", storageClassName="")
        for name in ("c", "d"):
            await eventually(lambda name=name: _is(client, PERSISTENT_VOLUME_CLAIMS, name, "Bound"))  # type: ignore[misc]
        volumes = {v["metadata"]["name"]: v for v in (await client.list(PERSISTENT_VOLUMES)).items}
        assert {v["spec"]["claimRef"]["name"] for v in volumes.values()} == {"c", "d"}
        assert {v["status"]["phase"] for v in volumes.values()} == {"Bound"}


async def test_a_claim_that_is_used_goes_after_its_last_pod(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        await make_claim(client)
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
        await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "volumes": volumes}}, "ns")
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        waiting = await make_claim(client, "other")
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "other", "Bound"))
        assert waiting and await there(client, PERSISTENT_VOLUME_CLAIMS, "c")
        await client.patch(PODS, "p", {"status": {"phase": "Succeeded"}}, "ns", subresource="status")
        await client.delete(PODS, "p", "ns")
        await eventually(lambda: _gone(client, PERSISTENT_VOLUME_CLAIMS, "c"))


async def test_a_claim_that_asks_for_more_gets_it(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client)
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        patch = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        await client.patch(PERSISTENT_VOLUME_CLAIMS, "c", patch, "ns")
        await eventually(lambda: _has(client, "2Gi"))
        volume = await client.get(PERSISTENT_VOLUMES, f"pvc-{made['metadata']['uid']}")
        assert volume["spec"]["capacity"] == {"storage": "2Gi"}


async def _has(client: FakeClient, size: str) -> bool:
    claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
    return (claim["status"].get("capacity") or {}).get("storage") == size


async def test_a_claim_whose_volume_is_taken_away_is_lost(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client)
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        name = f"pvc-{made['metadata']['uid']}"
        await client.delete(PERSISTENT_VOLUMES, name)
        await client.patch(PERSISTENT_VOLUMES, name, {"metadata": {"finalizers": None}})
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Lost"))
        await eventually(lambda: _told(client, "ClaimLost"))


async def test_what_others_say_in_a_status_stays(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client, node="")
        said = {"type": "Looked", "status": "True"}
        await client.patch(
            PERSISTENT_VOLUME_CLAIMS, "c", {"status": {"conditions": [said]}}, "ns", subresource="status"
        )
        chosen = {"metadata": {"annotations": {SELECTED_NODE: "n"}}}
        await client.patch(PERSISTENT_VOLUME_CLAIMS, "c", chosen, "ns")
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        name = f"pvc-{made['metadata']['uid']}"
        claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        assert claim["status"]["conditions"] == [said] and claim["status"]["capacity"] == {"storage": "1Gi"}
        volume = await client.get(PERSISTENT_VOLUMES, name)
        assert volume["status"] == {"phase": "Bound", "lastPhaseTransitionTime": "2026-01-01T00:00:00Z"}
        await client.patch(PERSISTENT_VOLUMES, name, {"status": {"reason": "Why"}}, subresource="status")
        await client.delete(PERSISTENT_VOLUMES, name)
        await client.patch(PERSISTENT_VOLUMES, name, {"metadata": {"finalizers": None}})
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Lost"))
        claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        assert claim["status"] == {"phase": "Lost", "conditions": [said]}


async def test_a_folder_that_is_not_ours_is_not_deleted(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        made = await make_claim(client)
        name = f"pvc-{made['metadata']['uid']}"
        await eventually(lambda: _is(client, PERSISTENT_VOLUME_CLAIMS, "c", "Bound"))
        (tmp_path / "dear").mkdir()
        volume = copy_object(await client.get(PERSISTENT_VOLUMES, name))
        volume["spec"]["hostPath"]["path"] = str(tmp_path / "dear")
        await client.update(PERSISTENT_VOLUMES, volume)
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
        await eventually(lambda: _is(client, PERSISTENT_VOLUMES, name, "Failed"))
        await eventually(lambda: _told(client, "VolumeFailedDelete"))
        assert (tmp_path / "dear").is_dir()


async def test_what_cannot_be_made_is_said(client: FakeClient, tmp_path: Path) -> None:
    async with controlling(client, tmp_path):
        await make_claim(client, volumeMode="Block")
        await eventually(lambda: _told(client, "ProvisioningFailed"))
        event = next(e for e in (await client.list(EVENTS)).items if e["reason"] == "ProvisioningFailed")
    assert event["message"] == (
        'failed to provision volume with StorageClass "local": volumes of this class are folders; '
        "volumeMode Block is not supported"
    )


async def test_a_class_of_another_provisioner_is_left_to_it(client: FakeClient, tmp_path: Path) -> None:
    await client.create(STORAGE_CLASSES, {"metadata": {"name": "x"}, "provisioner": "x.example/y"})
    async with controlling(client, tmp_path):
        await make_claim(client, storageClassName="x")
        await eventually(lambda: _told(client, "ExternalProvisioning"))
        claim = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "ns")
    assert claim["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] == "x.example/y"


async def test_an_ephemeral_volume_has_a_claim_that_its_pod_owns(client: FakeClient, tmp_path: Path) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volumes = [{"name": "v", "ephemeral": {"volumeClaimTemplate": template}}]
    async with controlling(client, tmp_path):
        pod = await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"volumes": volumes}}, "ns")
        claim = await eventually(lambda: there(client, PERSISTENT_VOLUME_CLAIMS, "p-v"))
    assert claim["metadata"]["labels"] == {"a": "b"}
    assert claim["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    assert claim["spec"]["resources"] == template["spec"]["resources"]
