"""Storage classes for claims that name none, protection, and growing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.admission.requests import write
from tests.fakes.client import FakeClient

from podwright.admission.default_storage_class import DefaultStorageClass
from podwright.admission.interface import Operation
from podwright.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
from podwright.admission.storage_object_in_use_protection import StorageObjectInUseProtection
from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from podwright.api.volumes import DEFAULT_CLASS


def claim(size: str = "1Gi", **spec: Any) -> Object:
    return {"metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": size}}, **spec}}


async def with_classes(**default: str) -> FakeClient:
    client = FakeClient()
    for name, made in default.items():
        meta = {"name": name, "creationTimestamp": made, "annotations": {DEFAULT_CLASS: "true"}}
        await client.create(STORAGE_CLASSES, {"metadata": meta, "provisioner": "x"})
    await client.create(STORAGE_CLASSES, {"metadata": {"name": "other"}, "provisioner": "x"})
    return client


@pytest.mark.parametrize(
    ("classes", "given", "expected"),
    [
        pytest.param({"a": "2026-01-01T00:00:00Z"}, {}, "a", id="the default one"),
        pytest.param({"a": "2026-01-01T00:00:00Z", "b": "2026-01-02T00:00:00Z"}, {}, "b", id="of several the newest"),
        pytest.param(
            {"b": "2026-01-01T00:00:00Z", "a": "2026-01-01T00:00:00Z"}, {}, "a", id="of several of one age the first"
        ),
        pytest.param({}, {}, None, id="none where there is none"),
        pytest.param({"a": "2026-01-01T00:00:00Z"}, {"storageClassName": ""}, "", id="none on purpose"),
        pytest.param({"a": "2026-01-01T00:00:00Z"}, {"storageClassName": "z"}, "z", id="one that is named"),
    ],
)
async def test_the_class_of_a_new_claim(classes: dict[str, str], given: dict[str, str], expected: str | None) -> None:
    made = claim(**given)
    await DefaultStorageClass(await with_classes(**classes)).admit(write(made, resource=PERSISTENT_VOLUME_CLAIMS))
    assert made["spec"].get("storageClassName") == expected


async def test_a_claim_that_is_changed_keeps_its_class() -> None:
    made = claim()
    plugin = DefaultStorageClass(await with_classes(a="2026-01-01T00:00:00Z"))
    await plugin.admit(write(made, Operation.UPDATE, old=claim(), resource=PERSISTENT_VOLUME_CLAIMS))
    assert "storageClassName" not in made["spec"]


async def test_claims_and_volumes_are_protected_and_nothing_else() -> None:
    plugin = StorageObjectInUseProtection()
    made = {resource: claim() for resource in (PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS)}
    for resource, obj in made.items():
        await plugin.admit(write(obj, resource=resource))
        await plugin.admit(write(obj, resource=resource))
    finalizers = [obj["metadata"].get("finalizers") for obj in made.values()]
    assert finalizers == [["kubernetes.io/pvc-protection"], ["kubernetes.io/pv-protection"], None]


@pytest.mark.parametrize(
    ("class_name", "expands", "size", "refused"),
    [
        pytest.param("local", True, "2Gi", False, id="a class that lets it"),
        pytest.param("local", False, "2Gi", True, id="a class that does not"),
        pytest.param("local", False, "1Gi", False, id="no more than before"),
        pytest.param("gone", True, "2Gi", True, id="a class that is not there"),
        pytest.param("", True, "2Gi", True, id="no class"),
    ],
)
async def test_growing(class_name: str, expands: bool, size: str, refused: bool) -> None:
    client = FakeClient()
    await client.create(STORAGE_CLASSES, {"metadata": {"name": "local"}, "allowVolumeExpansion": expands})
    old = claim(storageClassName=class_name)
    new = claim(size, storageClassName=class_name)
    asked = write(new, Operation.UPDATE, old=old, resource=PERSISTENT_VOLUME_CLAIMS, name="c")
    if not refused:
        await PersistentVolumeClaimResize(client).validate(asked)
        return
    with pytest.raises(Forbidden) as refusal:
        await PersistentVolumeClaimResize(client).validate(asked)
    assert refusal.value.message == (
        'persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass '
        "that provisions the pvc must support resize"
    )
