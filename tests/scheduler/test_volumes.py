"""What claims ask of a node."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scheduler.objects import node, pod, state

from podwright.api.objects import Object, key_of, name_of
from podwright.api.volumes import BIND_COMPLETED, SELECTED_NODE
from podwright.scheduler import volumes
from podwright.scheduler.volumes import Claims, Storage, claims_asked, obstacle_to_claims

ON_N = {
    "required": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["n"]}]}],
    }
}


def claim(name: str = "c", *, bound: str = "", phase: str = "", owner: str = "", **spec: Any) -> Object:
    annotations = spec.pop("annotations", {}) | ({BIND_COMPLETED: "yes"} if bound else {})
    meta = {"name": name, "namespace": "default", "annotations": annotations}
    meta |= {"ownerReferences": [{"uid": owner}]} if owner else {}
    given = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    given |= {"volumeName": bound} if bound else {}
    return {
        "metadata": meta,
        "spec": {**given, "storageClassName": "later", **spec},
        "status": {"phase": phase or ("Bound" if bound else "Pending")},
    }


def volume(name: str = "v", **spec: Any) -> Object:
    given = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "storageClassName": "static"}
    return {"metadata": {"name": name}, "spec": {**given, **spec}, "status": {"phase": "Available"}}


def storage_class(name: str, mode: str = "WaitForFirstConsumer", provisioner: str = "x", **fields: Any) -> Object:
    return {"metadata": {"name": name}, "volumeBindingMode": mode, "provisioner": provisioner, **fields}


CLASSES = [
    storage_class("later"),
    storage_class("now", "Immediate"),
    storage_class("static", provisioner="kubernetes.io/no-provisioner"),
    storage_class("there", allowedTopologies=[{"matchLabelExpressions": [{"key": "host", "values": ["n"]}]}]),
]


def storage(*objects: Object) -> Storage:
    return Storage(
        {key_of(o): o for o in objects if "namespace" in o["metadata"]},
        {name_of(o): o for o in objects if "namespace" not in o["metadata"]},
        {name_of(o): o for o in CLASSES},
    )


def using(*names: str, name: str = "p") -> Object:
    return pod(name, volumes=[{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in names])


EPHEMERAL = pod(volumes=[{"name": "v", "ephemeral": {}}])


@pytest.mark.parametrize(
    ("asked", "objects", "why"),
    [
        pytest.param(using("c"), [], 'persistentvolumeclaim "c" not found', id="a claim that is not there"),
        pytest.param(
            EPHEMERAL,
            [],
            'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"',
            id="one that is to be made for the Pod",
        ),
        pytest.param(
            EPHEMERAL,
            [claim("p-v")],
            "PVC default/p-v was not created for pod p (pod is not owner)",
            id="one that somebody else made",
        ),
        pytest.param(
            using("c"),
            [{**claim(), "metadata": {**claim()["metadata"], "deletionTimestamp": "x"}}],
            'persistentvolumeclaim "c" is being deleted',
            id="one that goes",
        ),
        pytest.param(
            using("c"),
            [claim(bound="v", phase="Lost")],
            'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
            id="one that lost its volume",
        ),
        pytest.param(
            using("c"),
            [claim(storageClassName="now")],
            "pod has unbound immediate PersistentVolumeClaims",
            id="one that must have its volume first",
        ),
        pytest.param(
            using("c"), [claim(storageClassName="")], "pod has unbound immediate PersistentVolumeClaims", id="no class"
        ),
    ],
)
def test_no_node_will_do(asked: Object, objects: list[Object], why: str) -> None:
    assert claims_asked(asked, storage(*objects)) == why


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        pytest.param([claim(bound="v"), volume()], "", id="a volume that is everywhere"),
        pytest.param([claim(bound="v"), volume(nodeAffinity=ON_N)], "", id="a volume that is here"),
        pytest.param(
            [claim(bound="v"), volume(nodeAffinity={"required": {"nodeSelectorTerms": []}})],
            volumes.OTHER_NODE,
            id="a volume that is elsewhere",
        ),
        pytest.param([claim(bound="v")], volumes.NO_VOLUME, id="a volume that is nowhere"),
        pytest.param([claim()], "", id="a volume that can be made"),
        pytest.param([claim(storageClassName="there")], "", id="a volume that can be made here"),
        pytest.param(
            [claim(annotations={SELECTED_NODE: "m"})], volumes.NOTHING_TO_BIND, id="one that is being made elsewhere"
        ),
        pytest.param([claim(storageClassName="static"), volume()], "", id="a volume that is free"),
        pytest.param([claim(storageClassName="static")], volumes.NOTHING_TO_BIND, id="no volume that is free"),
    ],
)
def test_a_node_will_do_or_not(objects: list[Object], why: str) -> None:
    there = storage(*objects)
    asked = claims_asked(using("c"), there)
    assert isinstance(asked, Claims)
    assert obstacle_to_claims(asked, state(node(labels={"host": "n"})), there) == why


def test_two_claims_do_not_get_the_same_volume() -> None:
    there = storage(claim("c", storageClassName="static"), claim("d", storageClassName="static"), volume())
    asked = claims_asked(using("c", "d"), there)
    assert isinstance(asked, Claims)
    assert obstacle_to_claims(asked, state(node()), there) == volumes.NOTHING_TO_BIND


def test_a_class_that_is_for_other_nodes() -> None:
    there = storage(claim(storageClassName="there"))
    asked = claims_asked(using("c"), there)
    assert isinstance(asked, Claims)
    assert obstacle_to_claims(asked, state(node(labels={"host": "m"})), there) == volumes.NOTHING_TO_BIND


def test_a_claim_for_one_pod_is_used_by_one() -> None:
    there = storage(claim(bound="v", accessModes=["ReadWriteOncePod"]), volume())
    asked = claims_asked(using("c"), there, [using("c", name="other")])
    assert isinstance(asked, Claims)
    assert obstacle_to_claims(asked, state(node()), there) == volumes.EXCLUSIVE
    assert claims_asked(using("c"), there, [using("d", name="other")]) == Claims((volume(),))
