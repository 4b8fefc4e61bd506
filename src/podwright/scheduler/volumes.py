"""What a Pod's claims ask of a node. Pure.

A claim that has its volume ties the Pod to where that can be reached; one that waits for a consumer gets its volume
when the node is known; any other must have its volume before. Called by `scheduler` and `filter`, whose texts these
are as kube-scheduler writes them.
Page: https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from podwright.api.objects import Key, Object, metadata, name_of, namespace_of, uid_of
from podwright.api.volumes import (
    NO_PROVISIONER,
    SELECTED_NODE,
    annotation,
    best_match,
    claims_of,
    class_of,
    is_bound,
    node_allows,
    spec_of,
    waits_for_consumer,
)
from podwright.scheduler.demand import NodeState

OTHER_NODE = "node(s) didn't match PersistentVolume's node affinity"
NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
EXCLUSIVE = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"


@dataclass(frozen=True, slots=True)
class Storage:
    """Every claim by its key, volume by name and class by name."""

    claims: Mapping[Key, Object]
    volumes: Mapping[str, Object]
    classes: Mapping[str, Object]


@dataclass(frozen=True, slots=True)
class Claims:
    """A Pod's claims, sorted by what they ask of a node."""

    bound: Sequence[Object] = ()
    """the volumes of those that have one"""
    lost: bool = False
    """whether one has a volume that there is not"""
    open: Sequence[Object] = ()
    """those that get a volume once there is a node"""
    exclusive: bool = False
    """whether another Pod uses one that only one Pod may use"""


def claims_asked(pod: Object, storage: Storage, others: Iterable[Object] = ()) -> Claims | str:
    """What the claims of a Pod ask, or why no node will do.

    `others`: Pods that have a node, for claims that only one Pod may use.
    """
    bound, lost, waiting, immediate, exclusive = [], False, [], False, set()
    for _, name, ephemeral in claims_of(pod):
        claim = storage.claims.get(Key(namespace_of(pod), name))
        if claim is None:
            if ephemeral:
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            return f'persistentvolumeclaim "{name}" not found'
        if ephemeral and not any(o.get("uid") == uid_of(pod) for o in metadata(claim).get("ownerReferences") or ()):
            return f"PVC {namespace_of(pod)}/{name} was not created for pod {name_of(pod)} (pod is not owner)"
        volume_name = spec_of(claim).get("volumeName") or ""
        if (claim.get("status") or {}).get("phase") == "Lost":
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume_name}"'
        if metadata(claim).get("deletionTimestamp"):
            return f'persistentvolumeclaim "{name}" is being deleted'
        if "ReadWriteOncePod" in (spec_of(claim).get("accessModes") or ()):
            exclusive.add(name)
        if is_bound(claim):
            volume = storage.volumes.get(volume_name)
            lost = lost or volume is None
            bound += [volume] if volume is not None else []
        elif not volume_name and waits_for_consumer(storage.classes.get(class_of(claim) or "")):
            waiting.append(claim)
        else:
            immediate = True
    if immediate:
        return UNBOUND
    taken = bool(exclusive) and any(exclusive & {name for _, name, _ in claims_of(other)} for other in others)
    return Claims(tuple(bound), lost, tuple(waiting), taken)


def obstacle_to_claims(claims: Claims, node: NodeState, storage: Storage) -> str:
    """Why a node will not do for the claims; "" when it will."""
    if claims.exclusive:
        return EXCLUSIVE
    if claims.lost:
        return NO_VOLUME
    if not all(node_allows(volume, node.labels, node.name) for volume in claims.bound):
        return OTHER_NODE
    free = dict(storage.volumes)
    for claim in claims.open:
        if (annotation(claim, SELECTED_NODE) or node.name) != node.name:
            return NOTHING_TO_BIND
        found = best_match(claim, free.values(), node.labels, node.name)
        if found is not None:
            del free[name_of(found)]
        elif not _can_be_made(storage.classes[class_of(claim) or ""], node):
            return NOTHING_TO_BIND
    return ""


def _can_be_made(storage_class: Object, node: NodeState) -> bool:
    if storage_class.get("provisioner") in (None, "", NO_PROVISIONER):
        return False
    terms = storage_class.get("allowedTopologies") or ()
    return not terms or any(
        all(
            node.labels.get(e.get("key") or "") in (e.get("values") or ()) for e in t.get("matchLabelExpressions") or ()
        )
        for t in terms
    )
