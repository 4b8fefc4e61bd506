"""What becomes of one claim, and of one volume."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.api.volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, PROVISIONED_BY, SELECTED_NODE
from podwright.controllers.volume_decision import Cluster, Do, Reclaim, decide_claim, decide_volume

OURS = "podwright.dev/local"
MINE = {"namespace": "ns", "name": "c", "uid": "cu"}
ON_N = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["n"]}]}]}}


def claim(size: str = "1Gi", *, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"name": "c", "namespace": "ns", "uid": "cu", "annotations": annotations or {}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec},
    }


def volume(name: str = "v", size: str = "1Gi", *, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    modes = ["ReadWriteOnce", "ReadWriteMany"]
    return {
        "metadata": {"name": name, "annotations": annotations or {}, "labels": {"name": name}},
        "spec": {"accessModes": modes, "capacity": {"storage": size}, **spec},
        "status": {"phase": "Available"},
    }


def storage_class(name: str, *, waits: bool = False, provisioner: str = OURS) -> Object:
    mode = "WaitForFirstConsumer" if waits else "Immediate"
    return {"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode}


CLASSES = {
    c["metadata"]["name"]: c
    for c in (
        storage_class("now"),
        storage_class("later", waits=True),
        storage_class("static", waits=True, provisioner="kubernetes.io/no-provisioner"),
        storage_class("static-now", provisioner="kubernetes.io/no-provisioner"),
    )
}


def cluster(*volumes: Object, default: str = "") -> Cluster:
    nodes = {"n": {"host": "n"}, "m": {"host": "m"}}
    return Cluster({v["metadata"]["name"]: v for v in volumes}, CLASSES, CLASSES.get(default), nodes)


@pytest.mark.parametrize(
    ("made", "volumes", "bound_to"),
    [
        pytest.param(claim(), [volume("a", "3Gi"), volume("b", "2Gi")], "b", id="the smallest that is large enough"),
        pytest.param(claim(), [volume("a", "1Mi")], "", id="none that is too small"),
        pytest.param(claim(accessModes=["ReadOnlyMany"]), [volume()], "", id="none with other modes"),
        pytest.param(claim(volumeMode="Block"), [volume()], "", id="none of another kind"),
        pytest.param(claim(), [volume(storageClassName="x")], "", id="none of another class"),
        pytest.param(
            claim(selector={"matchLabels": {"name": "b"}}), [volume("a"), volume("b", "9Gi")], "b", id="as it selects"
        ),
        pytest.param(
            claim(), [volume("a", "9Gi", claimRef={"namespace": "ns", "name": "c"}), volume("b")], "a", id="kept for it"
        ),
        pytest.param(
            claim(), [volume(claimRef={"namespace": "ns", "name": "other"})], "", id="none that is kept for another"
        ),
        pytest.param(claim(), [{**volume(), "status": {"phase": "Released"}}], "", id="none that was left"),
        pytest.param(claim(volumeName="b"), [volume("a"), volume("b", "9Gi")], "b", id="the one that it names"),
        pytest.param(
            claim(storageClassName="static", annotations={SELECTED_NODE: "n"}),
            [volume(storageClassName="static", nodeAffinity=ON_N)],
            "v",
            id="one on the node that was selected",
        ),
        pytest.param(
            claim(storageClassName="static", annotations={SELECTED_NODE: "m"}),
            [volume(storageClassName="static", nodeAffinity=ON_N)],
            "",
            id="none on another node",
        ),
        pytest.param(
            claim(storageClassName="later"), [volume(storageClassName="later")], "", id="none before there is a node"
        ),
    ],
)
def test_which_volume_a_claim_gets(made: Object, volumes: list[Object], bound_to: str) -> None:
    decision = decide_claim(made, cluster(*volumes))
    assert (decision.do is Do.BIND) == bool(bound_to)
    assert bound_to == (decision.volume["metadata"]["name"] if decision.volume else "")


@pytest.mark.parametrize(
    ("made", "volumes", "do", "reason", "message"),
    [
        pytest.param(
            claim(),
            [],
            Do.WAIT,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
            id="no class, no volume",
        ),
        pytest.param(
            claim(storageClassName="x"),
            [],
            Do.WAIT,
            "ProvisioningFailed",
            'storageclass.storage.k8s.io "x" not found',
            id="a class that is not there",
        ),
        pytest.param(
            claim(storageClassName="later"),
            [],
            Do.WAIT,
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
            id="nobody uses it yet",
        ),
        pytest.param(claim(storageClassName="now"), [], Do.PROVISION, "", "", id="made at once"),
        pytest.param(
            claim(storageClassName="later", annotations={SELECTED_NODE: "n"}),
            [],
            Do.PROVISION,
            "",
            "",
            id="made on the node that was selected",
        ),
        pytest.param(
            claim(storageClassName="static", annotations={SELECTED_NODE: "n"}),
            [],
            Do.DESELECT,
            "",
            "",
            id="nobody makes one: another node may have one",
        ),
        pytest.param(
            claim(storageClassName="static-now"),
            [],
            Do.WAIT,
            "ProvisioningFailed",
            "no volume plugin matched name: kubernetes.io/no-provisioner",
            id="nobody makes one",
        ),
        pytest.param(
            claim(volumeName="v"),
            [volume(size="1Mi")],
            Do.WAIT,
            "VolumeMismatch",
            'Cannot bind to requested volume "v": requested PV is too small',
            id="the one that it names does not fit",
        ),
        pytest.param(
            claim(volumeName="v"),
            [volume(claimRef={"namespace": "x", "name": "y"})],
            Do.WAIT,
            "FailedBinding",
            'volume "v" already bound to a different claim.',
            id="the one that it names is another's",
        ),
        pytest.param(
            claim(volumeName="v"),
            [{**volume(), "metadata": {"name": "v", "deletionTimestamp": "2026-01-01T00:00:00Z"}}],
            Do.WAIT,
            "FailedBinding",
            'volume "v" is being deleted',
            id="the one that it names goes",
        ),
        pytest.param(
            claim(volumeName="v", annotations={BIND_COMPLETED: "yes"}),
            [],
            Do.LOSE,
            "ClaimLost",
            "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
            id="its volume is gone",
        ),
    ],
)
def test_what_a_claim_waits_for(made: Object, volumes: list[Object], do: Do, reason: str, message: str) -> None:
    decision = decide_claim(made, cluster(*volumes))
    assert (decision.do, decision.reason, decision.message) == (do, reason, message)


def test_a_claim_without_a_class_gets_the_default_one_when_there_is_one() -> None:
    decision = decide_claim(claim(), cluster(volume(), default="later"))
    assert (decision.do, decision.storage_class) == (Do.GIVE_CLASS, CLASSES["later"])
    assert decide_claim(claim(storageClassName=""), cluster(volume(), default="later")).do is Do.BIND


BOUND = claim(volumeName="v", annotations={BIND_COMPLETED: "yes"})


@pytest.mark.parametrize(
    ("made", "its_claim", "phase", "reclaim"),
    [
        pytest.param(volume(), None, "Available", Reclaim.NOTHING, id="free"),
        pytest.param(
            volume(claimRef={"namespace": "ns", "name": "c"}), None, "Available", Reclaim.NOTHING, id="kept for a claim"
        ),
        pytest.param(volume(claimRef=MINE), BOUND, "Bound", Reclaim.NOTHING, id="in use"),
        pytest.param(volume(claimRef=MINE), claim(), "", Reclaim.NOTHING, id="on its way to its claim"),
        pytest.param(
            volume(claimRef=MINE, persistentVolumeReclaimPolicy="Retain"), None, "Released", Reclaim.NOTHING, id="kept"
        ),
        pytest.param(
            volume(claimRef=MINE, persistentVolumeReclaimPolicy="Delete", annotations={PROVISIONED_BY: OURS}),
            None,
            "Released",
            Reclaim.DELETE,
            id="made here, deleted here",
        ),
        pytest.param(
            volume(claimRef=MINE, persistentVolumeReclaimPolicy="Delete", annotations={PROVISIONED_BY: "csi"}),
            None,
            "Released",
            Reclaim.NOTHING,
            id="made elsewhere, deleted there",
        ),
        pytest.param(
            volume(claimRef=MINE, persistentVolumeReclaimPolicy="Delete"),
            None,
            "Failed",
            Reclaim.REFUSE,
            id="made by hand: nobody deletes it",
        ),
        pytest.param(
            volume(claimRef=MINE, persistentVolumeReclaimPolicy="Recycle"),
            None,
            "Failed",
            Reclaim.REFUSE,
            id="nothing is recycled",
        ),
    ],
)
def test_what_becomes_of_a_volume(made: Object, its_claim: Object | None, phase: str, reclaim: Reclaim) -> None:
    decision = decide_volume(made, its_claim, OURS)
    assert (decision.phase, decision.reclaim) == (phase, reclaim)


def test_a_volume_whose_claim_took_another_is_free_again() -> None:
    other = claim(volumeName="w")
    by_us = volume(claimRef=MINE, annotations={BOUND_BY_CONTROLLER: "yes"})
    assert decide_volume(by_us, other, OURS).forget_claim
    assert not decide_volume(volume(claimRef=MINE), other, OURS).forget_claim
