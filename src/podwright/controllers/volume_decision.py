"""What is to become of one PersistentVolumeClaim, or of one PersistentVolume. Pure.

    claim    Pending --bind, or provision and bind--> Bound --volume gone--> Lost
    volume   Pending -> Available --claim--> Bound --claim gone--> Released --Delete--> gone
                                                                     |  \\--Retain--> stays, until somebody looks at it
                                                                     +--cannot be reclaimed--> Failed

Called by `persistent_volumes`. Reasons and messages are kube-controller-manager's.
Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from podwright.api.objects import Object, metadata, name_of
from podwright.api.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    PROVISIONED_BY,
    SELECTED_NODE,
    annotation,
    best_match,
    class_of,
    is_meant_for,
    mismatch,
    spec_of,
    waits_for_consumer,
)


class Do(enum.Enum):
    """What to do for a claim."""

    NOTHING = "nothing"
    BIND = "bind to `volume`"
    PROVISION = "have a volume of `storage_class` made"
    GIVE_CLASS = "give it `storage_class`, the default"
    DESELECT = "have the scheduler select a node again: there is no volume for it on the one it selected"
    WAIT = "stay Pending and say why"
    LOSE = "say that its volume is lost"


@dataclass(frozen=True, slots=True)
class ClaimDecision:
    """One claim's next step; `reason` and `message` make an event."""

    do: Do
    volume: Object | None = None
    storage_class: Object | None = None
    reason: str = ""
    message: str = ""
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a claim's step depends on beside the claim."""

    volumes: Mapping[str, Object]
    classes: Mapping[str, Object]
    default_class: Object | None
    node_labels: Mapping[str, Mapping[str, str]]


def decide_claim(claim: Object, cluster: Cluster) -> ClaimDecision:
    """The next step for a claim that is not being deleted."""
    completed = annotation(claim, BIND_COMPLETED) is not None
    wanted = spec_of(claim).get("volumeName") or ""
    if not wanted:
        return _decide_open(claim, cluster)
    volume = cluster.volumes.get(wanted)
    if volume is None:
        if completed:
            text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            return ClaimDecision(Do.LOSE, reason="ClaimLost", message=text, warns=True)
        return ClaimDecision(Do.WAIT, reason="FailedBinding", message=f'volume "{wanted}" does not exist yet')
    if metadata(volume).get("deletionTimestamp") and not completed:
        return ClaimDecision(Do.WAIT, reason="FailedBinding", message=f'volume "{wanted}" is being deleted', warns=True)
    if is_meant_for(volume, claim):
        return ClaimDecision(Do.BIND, volume)
    if spec_of(volume).get("claimRef"):
        if completed:
            text = "Two claims are bound to the same volume, this one is bound incorrectly"
            return ClaimDecision(Do.LOSE, reason="ClaimMisbound", message=text, warns=True)
        text = f'volume "{wanted}" already bound to a different claim.'
        return ClaimDecision(Do.WAIT, reason="FailedBinding", message=text, warns=True)
    if completed:
        # The volume forgot the claim; the claim's word is as good.
        return ClaimDecision(Do.BIND, volume)
    if why := mismatch(claim, volume):
        text = f'Cannot bind to requested volume "{wanted}": {why}'
        return ClaimDecision(Do.WAIT, reason="VolumeMismatch", message=text, warns=True)
    return ClaimDecision(Do.BIND, volume)


def _decide_open(claim: Object, cluster: Cluster) -> ClaimDecision:
    """A claim that names no volume."""
    name = class_of(claim)
    if name is None and cluster.default_class is not None:
        return ClaimDecision(Do.GIVE_CLASS, storage_class=cluster.default_class)
    storage_class = cluster.classes.get(name) if name else None
    waits = waits_for_consumer(storage_class)
    selected = annotation(claim, SELECTED_NODE) or ""
    labels = cluster.node_labels.get(selected) if waits and selected else None
    found = best_match(claim, cluster.volumes.values(), labels, selected)
    if found is not None and (not waits or selected or spec_of(found).get("claimRef")):
        return ClaimDecision(Do.BIND, found)
    if not name:
        text = "no persistent volumes available for this claim and no storage class is set"
        return ClaimDecision(Do.WAIT, reason="FailedBinding", message=text)
    if storage_class is None:
        text = f'storageclass.storage.k8s.io "{name}" not found'
        return ClaimDecision(Do.WAIT, reason="ProvisioningFailed", message=text, warns=True)
    if waits and not selected:
        text = "waiting for first consumer to be created before binding"
        return ClaimDecision(Do.WAIT, reason="WaitForFirstConsumer", message=text)
    if storage_class.get("provisioner") == NO_PROVISIONER:
        if waits:
            return ClaimDecision(Do.DESELECT)
        text = f"no volume plugin matched name: {NO_PROVISIONER}"
        return ClaimDecision(Do.WAIT, reason="ProvisioningFailed", message=text, warns=True)
    return ClaimDecision(Do.PROVISION, storage_class=storage_class)


class Reclaim(enum.Enum):
    """What to do with the data of a volume whose claim is gone."""

    NOTHING = "nothing"
    DELETE = "delete what it holds, and the volume"
    REFUSE = "say that it cannot be reclaimed"


@dataclass(frozen=True, slots=True)
class VolumeDecision:
    """One volume's next step; `phase` "" means that it stays as it is."""

    phase: str = ""
    reclaim: Reclaim = Reclaim.NOTHING
    look_at_claim: bool = False
    """whether its claim has something to do"""
    forget_claim: bool = False
    """whether its claimRef is to go: the claim has another volume"""
    reason: str = ""
    message: str = ""


def decide_volume(volume: Object, claim: Object | None, own_provisioner: str) -> VolumeDecision:
    """The next step for a volume that is not being deleted.

    `claim`: the one that its claimRef means, by UID where it has one; None when there is no such claim (any more).
    """
    reference = spec_of(volume).get("claimRef")
    if not reference:
        return VolumeDecision("Available")
    if not reference.get("uid"):
        return VolumeDecision("Available", look_at_claim=claim is not None)
    if claim is None:
        return _decide_left(volume, own_provisioner)
    given = spec_of(claim).get("volumeName") or ""
    if given == name_of(volume):
        return VolumeDecision("Bound", look_at_claim=annotation(claim, BIND_COMPLETED) is None)
    if not given:
        return VolumeDecision(look_at_claim=True)
    if annotation(volume, PROVISIONED_BY) == own_provisioner and _policy(volume) == "Delete":
        return VolumeDecision("Released", Reclaim.DELETE)
    return VolumeDecision("Available", forget_claim=annotation(volume, BOUND_BY_CONTROLLER) is not None)


def _policy(volume: Object) -> str:
    return spec_of(volume).get("persistentVolumeReclaimPolicy") or "Retain"


def _decide_left(volume: Object, own_provisioner: str) -> VolumeDecision:
    provisioner = annotation(volume, PROVISIONED_BY)
    match _policy(volume):
        case "Delete" if provisioner == own_provisioner:
            return VolumeDecision("Released", Reclaim.DELETE)
        case "Delete" if provisioner:
            return VolumeDecision("Released")  # whoever made it takes it away
        case "Delete":
            text = f'error getting deleter volume plugin for volume "{name_of(volume)}": it was not provisioned here'
            return VolumeDecision("Failed", Reclaim.REFUSE, reason="VolumeFailedDelete", message=text)
        case "Recycle":
            text = "recycling is not supported here; use Delete or Retain"
            return VolumeDecision("Failed", Reclaim.REFUSE, reason="VolumeFailedRecycle", message=text)
        case _:
            return VolumeDecision("Released")
