"""persistentVolumeClaim and ephemeral volumes: the claim's PersistentVolume, by whatever means that has.

A claim is followed, so that a Pod whose claim is bound a moment later starts at once.
Called by the manager. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes
"""

from __future__ import annotations

from dataclasses import dataclass

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from podwright.api.volumes import ephemeral_claim, source_of, spec_of
from podwright.kubelet.environment.references import missing, read_reference
from podwright.kubelet.volumes.collect import Collector, VolumeSourceError


@dataclass(frozen=True, slots=True)
class Claimed:
    """A PersistentVolume, and how the Pod's volume asks for it."""

    volume: Object
    read_only: bool


async def resolve(collector: Collector, volume: Object) -> Claimed:
    """The PersistentVolume behind a Pod's volume. Raises VolumeSourceError, UnreadableReference."""
    pod = collector.pod
    if "ephemeral" not in volume:
        source = volume["persistentVolumeClaim"]
        name, read_only = source.get("claimName") or "", bool(source.get("readOnly"))
    else:
        name, read_only = ephemeral_claim(pod, volume), False
    what = f"error processing PVC {namespace_of(pod)}/{name}"
    claim = await collector.object(PERSISTENT_VOLUME_CLAIMS, name, optional=True)
    if claim is None:
        raise VolumeSourceError(f"{what}: {missing(PERSISTENT_VOLUME_CLAIMS, name)}")
    if "ephemeral" in volume and not _owns(pod, claim):
        raise VolumeSourceError(f"{what}: PVC was not created for pod {name_of(pod)} (pod is not owner)")
    # A Pod that runs keeps its volume although the claim is to go: the claim waits for the Pod.
    has_it = volume["name"] in collector.in_place or (pod.get("status") or {}).get("phase") == "Running"
    if metadata(claim).get("deletionTimestamp") and not has_it:
        raise VolumeSourceError(f"{what}: PVC is being deleted")
    if (claim.get("status") or {}).get("phase") != "Bound" or not spec_of(claim).get("volumeName"):
        raise VolumeSourceError(f"{what}: PVC is not bound")
    bound = spec_of(claim)["volumeName"]
    found = await read_reference(collector.client, PERSISTENT_VOLUMES, "", bound)
    if found is None:
        raise VolumeSourceError(f"{what}: {missing(PERSISTENT_VOLUMES, bound)}")
    if (spec_of(found).get("claimRef") or {}).get("uid") != uid_of(claim):
        raise VolumeSourceError(f"{what}: PV {bound} is bound to another claim")
    if spec_of(found).get("volumeMode") == "Block":
        raise VolumeSourceError(f"{what}: volumeMode Block is not supported here; there are file systems only")
    kind = source_of(found)
    if kind not in ("hostPath", "local"):
        raise VolumeSourceError(f"{what}: PVs of type {kind} are not supported here; there are hostPath and local")
    return Claimed(found, read_only or bool(spec_of(found)[kind].get("readOnly")))


def _owns(pod: Object, claim: Object) -> bool:
    return any(owner.get("uid") == uid_of(pod) for owner in metadata(claim).get("ownerReferences") or ())
