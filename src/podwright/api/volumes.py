"""What PersistentVolumeClaims and PersistentVolumes say of each other. Pure.

Read by the API server (columns, admission), the binder in `controllers`, the scheduler and the kubelet's volumes, so
that all four agree on which volume fits which claim. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.quantity import parse_quantity
from podwright.api.selectors import label_selector_from, requirement_from

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
"""Annotation that was used before there was a field; it still wins over the field."""
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
PVC_PROTECTION = "kubernetes.io/pvc-protection"
PV_PROTECTION = "kubernetes.io/pv-protection"
PV_CONTROLLER = "kubernetes.io/pv-controller"
"""Finalizer of a volume that was made for its claim: it goes after what it holds, whoever is deleted first."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_NOT_SOURCES = frozenset({
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
})  # fmt: skip


def spec_of(obj: Object) -> Mapping[str, Any]:
    """spec, or nothing."""
    return obj.get("spec") or {}


def annotation(obj: Object, key: str) -> str | None:
    """One annotation; None when it is not there."""
    value = (metadata(obj).get("annotations") or {}).get(key)
    return None if value is None else str(value)


def class_of(obj: Object) -> str | None:
    """The storage class of a claim or volume; "" for none on purpose, None when a claim leaves it open."""
    beta = annotation(obj, BETA_CLASS)
    if beta is not None:
        return beta
    name = spec_of(obj).get("storageClassName")
    return None if name is None else str(name)


def source_of(volume: Object) -> str:
    """The type of a PersistentVolume, the name of the field that its source stands in; "" without one."""
    return next((key for key in spec_of(volume) if key not in _NOT_SOURCES), "")


def requested(claim: Object) -> Decimal:
    """Bytes that a claim asks for."""
    return parse_quantity(((spec_of(claim).get("resources") or {}).get("requests") or {}).get("storage") or "0")


def capacity(volume: Object) -> Decimal:
    """Bytes that a volume says it has."""
    return parse_quantity((spec_of(volume).get("capacity") or {}).get("storage") or "0")


def modes(names: Iterable[str] | None) -> str:
    """Access modes as `kubectl get` shows them, `RWO,ROX`."""
    there = set(names or ())
    return ",".join(short for long, short in _SHORT_MODES.items() if long in there)


def waits_for_consumer(storage_class: Object | None) -> bool:
    """Whether claims of a class are bound only when a Pod that uses them has a node."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def is_default(storage_class: Object) -> bool:
    """Whether claims without a class get this one."""
    return "true" in (annotation(storage_class, DEFAULT_CLASS), annotation(storage_class, BETA_DEFAULT_CLASS))


def default_class(classes: Iterable[Object]) -> Object | None:
    """The class for claims that name none: of several default ones the newest, then the first by name."""
    marked = sorted((c for c in classes if is_default(c)), key=name_of)
    return max(marked, key=lambda c: metadata(c).get("creationTimestamp") or "", default=None)


def is_bound(claim: Object) -> bool:
    """Whether the binding of a claim is complete, from both sides."""
    return bool(spec_of(claim).get("volumeName")) and annotation(claim, BIND_COMPLETED) is not None


def is_meant_for(volume: Object, claim: Object) -> bool:
    """Whether spec.claimRef of a volume is this claim; without a UID any claim of that name."""
    reference = spec_of(volume).get("claimRef") or {}
    return (
        reference.get("name") == name_of(claim)
        and reference.get("namespace") == namespace_of(claim)
        and reference.get("uid") in (None, "", uid_of(claim))
    )


def mismatch(claim: Object, volume: Object) -> str:
    """Why a volume that a claim names cannot be its; "" when it can. The words are kube-controller-manager's."""
    if capacity(volume) < requested(claim):
        return "requested PV is too small"
    if (class_of(volume) or "") != (class_of(claim) or ""):
        return "storageClassName does not match"
    if _volume_mode(claim) != _volume_mode(volume):
        return "incompatible volumeMode"
    if not _modes_fit(claim, volume):
        return "incompatible accessMode"
    return ""


def _volume_mode(obj: Object) -> str:
    return spec_of(obj).get("volumeMode") or "Filesystem"


def _modes_fit(claim: Object, volume: Object) -> bool:
    return set(spec_of(claim).get("accessModes") or ()) <= set(spec_of(volume).get("accessModes") or ())


def best_match(
    claim: Object, volumes: Iterable[Object], node: Mapping[str, str] | None = None, node_name: str = ""
) -> Object | None:
    """The volume for a claim without one: that which is kept for it, else the smallest that fits and is free.

    `node`: labels of the node that it must be reachable from; None for any.
    """
    fitting = []
    selector = spec_of(claim).get("selector")
    wanted = label_selector_from(selector) if selector else None
    for volume in volumes:
        if metadata(volume).get("deletionTimestamp") or mismatch(claim, volume):
            continue
        if node is not None and not node_allows(volume, node, node_name):
            continue
        if spec_of(volume).get("claimRef"):
            if is_meant_for(volume, claim):
                return volume
            continue
        if (volume.get("status") or {}).get("phase") in (None, "", "Pending", "Released", "Failed"):
            continue  # not free yet, or not any more
        if wanted is None or wanted.matches(metadata(volume).get("labels") or {}):
            fitting.append(volume)
    return min(fitting, key=lambda volume: (capacity(volume), name_of(volume)), default=None)


def node_allows(volume: Object, labels: Mapping[str, str], node_name: str) -> bool:
    """Whether a volume can be reached from a node, by its node affinity."""
    required = (spec_of(volume).get("nodeAffinity") or {}).get("required")
    if not required:
        return True
    return any(_meets(term, labels, node_name) for term in required.get("nodeSelectorTerms") or ())


def _meets(term: Mapping[str, Any], labels: Mapping[str, str], node_name: str) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    try:
        return all(requirement_from(e).matches(labels) for e in expressions) and all(
            requirement_from(f).matches({"metadata.name": node_name}) for f in fields
        )
    except ValueError:
        return False


def claims_of(pod: Object) -> Iterator[tuple[str, str, bool]]:
    """Volume, claim, and whether the claim is made for the Pod (`ephemeral`), of each volume that is one."""
    for volume in spec_of(pod).get("volumes") or ():
        if source := volume.get("persistentVolumeClaim"):
            yield volume.get("name") or "", source.get("claimName") or "", False
        elif "ephemeral" in volume:
            yield volume.get("name") or "", ephemeral_claim(pod, volume), True


def ephemeral_claim(pod: Object, volume: Object) -> str:
    """The name of the claim behind an `ephemeral` volume."""
    return f"{name_of(pod)}-{volume.get('name') or ''}"
