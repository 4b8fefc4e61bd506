"""Claims, volumes and storage classes: what is filled in, what is wrong, what stays, what is printed."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.persistent_volume import PersistentVolumeStrategy
from podwright.apiserver.registry.persistent_volume_claim import PersistentVolumeClaimStrategy
from podwright.apiserver.registry.storage_class import StorageClassStrategy
from podwright.apiserver.registry.strategy import Strategy

NODE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}


def claim(**spec: Any) -> Object:
    given = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"metadata": {"name": "c", "namespace": "ns"}, "spec": {k: v for k, v in given.items() if v is not None}}


def volume(**spec: Any) -> Object:
    given = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/a"}, **spec}
    return {"metadata": {"name": "v"}, "spec": {k: v for k, v in given.items() if v is not None}}


def errors(strategy: Strategy, made: Object) -> list[str]:
    made = copy_object(made)
    strategy.default(made)
    return [str(e) for e in strategy.validate(made)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(claim(), [], id="size and mode"),
        pytest.param(
            claim(accessModes=None),
            ["spec.accessModes: Required value: at least 1 access mode is required"],
            id="a mode is needed",
        ),
        pytest.param(
            claim(accessModes=["RWO"]),
            [
                'spec.accessModes: Unsupported value: "RWO": supported values: "ReadOnlyMany", "ReadWriteMany", '
                '"ReadWriteOnce", "ReadWriteOncePod"'
            ],
            id="a mode that is none",
        ),
        pytest.param(
            claim(accessModes=["ReadWriteOncePod", "ReadOnlyMany"]),
            ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
            id="the exclusive mode stands alone",
        ),
        pytest.param(claim(resources=None), ["spec.resources[storage]: Required value"], id="a size is needed"),
        pytest.param(
            claim(resources={"requests": {"storage": "0"}}),
            ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
            id="more than nothing",
        ),
        pytest.param(
            claim(volumeMode="Tape"),
            ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
            id="a volume mode is one of two",
        ),
    ],
)
def test_a_new_claim(made: Object, expected: list[str]) -> None:
    assert errors(PersistentVolumeClaimStrategy(), made) == expected


IMMUTABLE = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)


@pytest.mark.parametrize(
    ("phase", "change", "expected"),
    [
        pytest.param("Pending", {"volumeName": "v"}, [], id="it gets a volume"),
        pytest.param("Pending", {"storageClassName": "x"}, [], id="it gets a class where it had none"),
        pytest.param("Pending", {"accessModes": ["ReadWriteMany"]}, [IMMUTABLE], id="its modes stay"),
        pytest.param("Bound", {"resources": {"requests": {"storage": "2Gi"}}}, [], id="a bound one grows"),
        pytest.param(
            "Pending", {"resources": {"requests": {"storage": "2Gi"}}}, [IMMUTABLE], id="an open one does not"
        ),
        pytest.param(
            "Bound",
            {"resources": {"requests": {"storage": "1Mi"}}},
            ["spec.resources.requests.storage: Forbidden: field can not be less than previous value"],
            id="none shrinks",
        ),
    ],
)
def test_a_changed_claim(phase: str, change: dict[str, Any], expected: list[str]) -> None:
    old, new = claim(), claim(**change)
    for obj in (old, new):
        PersistentVolumeClaimStrategy().default(obj)
    old["status"] = {"phase": phase}
    assert [str(e) for e in PersistentVolumeClaimStrategy().validate_update(new, old)] == expected


def test_a_claim_keeps_its_volume_and_its_class() -> None:
    old, new = claim(volumeName="v", storageClassName="a"), claim(volumeName="w", storageClassName="b")
    for obj in (old, new):
        PersistentVolumeClaimStrategy().default(obj)
    assert [str(e) for e in PersistentVolumeClaimStrategy().validate_update(new, old)] == [IMMUTABLE]


def test_a_new_claim_has_nothing_yet_and_says_what_has_no_effect() -> None:
    made = claim(dataSource={"kind": "VolumeSnapshot", "name": "s"}) | {"status": {"phase": "Bound"}}
    strategy = PersistentVolumeClaimStrategy()
    strategy.default(made)
    strategy.prepare_for_create(made)
    assert (made["spec"]["volumeMode"], made["status"]) == ("Filesystem", {"phase": "Pending"})
    assert strategy.warnings(made, None) == ["spec.dataSource is not acted on: volumes are made empty here"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(volume(), [], id="size, mode and source"),
        pytest.param(volume(capacity=None), ["spec.capacity: Required value"], id="a size is needed"),
        pytest.param(
            volume(capacity={"storage": "1", "cpu": "1"}),
            [
                'spec.capacity: Unsupported value: {"storage":"1","cpu":"1"}: supported values: "storage"',
            ],
            id="only storage has a size",
        ),
        pytest.param(
            volume(hostPath=None), ["spec: Required value: must specify a volume type"], id="a source is needed"
        ),
        pytest.param(
            volume(nfs={"server": "s", "path": "/"}),
            ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
            id="one source",
        ),
        pytest.param(
            volume(hostPath=None, local={"path": "/a"}),
            ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
            id="a local one says where",
        ),
        pytest.param(
            volume(hostPath=None, local={"path": "/a"}, nodeAffinity={"required": NODE}), [], id="a local one on a node"
        ),
        pytest.param(
            volume(hostPath=None, local={"path": "../a"}, nodeAffinity={"required": NODE}),
            ["spec.local.path: Invalid value: \"../a\": must not contain '..'"],
            id="no way up",
        ),
        pytest.param(
            volume(nodeAffinity={}),
            ["spec.nodeAffinity.required: Required value: must specify required node constraints"],
            id="an affinity asks for something",
        ),
        pytest.param(
            volume(hostPath={"path": "/"}, persistentVolumeReclaimPolicy="Recycle"),
            ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
            id="nobody empties the host",
        ),
    ],
)
def test_a_new_volume(made: Object, expected: list[str]) -> None:
    assert errors(PersistentVolumeStrategy(), made) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"claimRef": {"name": "c"}}, [], id="it gets a claim"),
        pytest.param({"persistentVolumeReclaimPolicy": "Delete"}, [], id="what follows may be changed"),
        pytest.param(
            {"hostPath": {"path": "/b"}},
            ["spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation"],
            id="the data stay where they are",
        ),
        pytest.param(
            {"nodeAffinity": None},
            ["spec.nodeAffinity: Invalid value: null: field is immutable"],
            id="and on the node where they are",
        ),
    ],
)
def test_a_changed_volume(change: dict[str, Any], expected: list[str]) -> None:
    old, new = volume(nodeAffinity={"required": NODE}), volume(**{"nodeAffinity": {"required": NODE}, **change})
    for obj in (old, new):
        PersistentVolumeStrategy().default(obj)
    assert [str(e) for e in PersistentVolumeStrategy().validate_update(new, old)] == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param({"provisioner": "a.b/c"}, [], id="a provisioner is enough"),
        pytest.param({}, ["provisioner: Required value"], id="and is needed"),
        pytest.param(
            {"provisioner": "x", "reclaimPolicy": "Recycle"},
            ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
            id="a policy is one of two",
        ),
        pytest.param(
            {"provisioner": "x", "volumeBindingMode": "Later"},
            ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
            id="a mode is one of two",
        ),
    ],
)
def test_a_new_class(made: Object, expected: list[str]) -> None:
    assert errors(StorageClassStrategy(), {"metadata": {"name": "x"}, **made}) == expected


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param("provisioner", "y", "provisioner: Forbidden: updates to provisioner are forbidden.", id="who"),
        pytest.param("parameters", {"a": "b"}, "parameters: Forbidden: updates to parameters are forbidden.", id="how"),
        pytest.param(
            "reclaimPolicy",
            "Retain",
            "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
            id="how long",
        ),
        pytest.param(
            "volumeBindingMode",
            "WaitForFirstConsumer",
            'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
            id="when",
        ),
        pytest.param("allowVolumeExpansion", True, "", id="growing may be allowed later"),
    ],
)
def test_a_changed_class(field: str, value: Any, expected: str) -> None:
    old: Object = {"metadata": {"name": "x"}, "provisioner": "x"}
    new = {**old, field: value}
    for obj in (old, new):
        StorageClassStrategy().default(obj)
    assert [str(e) for e in StorageClassStrategy().validate_update(new, old)] == ([expected] if expected else [])


def row(strategy: Strategy, obj: Object) -> dict[str, Any]:
    return {c.name: c.cell(obj, 0.0) for c in strategy.columns if c.name != "Age"}


def test_what_get_prints_of_a_bound_claim() -> None:
    bound = claim(volumeName="v", storageClassName="local", volumeMode="Filesystem")
    bound["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    assert row(PersistentVolumeClaimStrategy(), bound) == {
        "Name": "c",
        "Status": "Bound",
        "Volume": "v",
        "Capacity": "1Gi",
        "Access Modes": "RWO",
        "StorageClass": "local",
        "VolumeAttributesClass": "<unset>",
        "VolumeMode": "Filesystem",
    }


def test_what_get_prints_of_a_volume_and_a_class() -> None:
    bound = volume(
        claimRef={"namespace": "ns", "name": "c"},
        persistentVolumeReclaimPolicy="Delete",
        accessModes=["ReadWriteMany", "ReadWriteOnce"],
        volumeMode="Filesystem",
    ) | {"status": {"phase": "Released"}}
    assert row(PersistentVolumeStrategy(), bound) == {
        "Name": "v",
        "Capacity": "1Gi",
        "Access Modes": "RWO,RWX",
        "Reclaim Policy": "Delete",
        "Status": "Released",
        "Claim": "ns/c",
        "StorageClass": "",
        "VolumeAttributesClass": "<unset>",
        "Reason": "",
        "VolumeMode": "Filesystem",
    }
    bound["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert row(PersistentVolumeStrategy(), bound)["Status"] == "Terminating"
    default = {"metadata": {"name": "x", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
    shown = row(StorageClassStrategy(), {**default, "provisioner": "p", "reclaimPolicy": "Delete"})
    assert (shown["Name"], shown["AllowVolumeExpansion"]) == ("x (default)", False)
