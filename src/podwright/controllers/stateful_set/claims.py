"""The claims of a StatefulSet's Pods: what each Pod needs, and whom a claim goes with.

    retention          Pod stays            Pod goes since the set shrinks
    Retain, Retain     nobody               nobody
    Delete on delete   the set              the set (the Pod, if it is also deleted on scale)
    Delete on scale    nobody               the Pod

An owner in this table is an owner reference: the garbage collector deletes the claim after it. Pure; called by
`controller`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podwright.api.objects import Object, copy_object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from podwright.controllers.owned import controller_reference
from podwright.controllers.stateful_set.identity import claim_name


def wanted_claims(owner: Object, pod_name: str) -> list[Object]:
    """The claims that the Pod of this name needs, as they are created."""
    spec = owner.get("spec") or {}
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    made = []
    for template in spec.get("volumeClaimTemplates") or ():
        meta = template.get("metadata") or {}
        body: dict[str, Any] = {
            "name": claim_name(template, pod_name),
            "namespace": namespace_of(owner),
            "labels": {**(meta.get("labels") or {}), **labels},
        }
        if meta.get("annotations"):
            body["annotations"] = dict(meta["annotations"])
        if _policy(owner, "whenDeleted") == "Delete":
            body["ownerReferences"] = [controller_reference(owner, STATEFUL_SETS)]
        made.append(
            {
                "apiVersion": PERSISTENT_VOLUME_CLAIMS.api_version,
                "kind": PERSISTENT_VOLUME_CLAIMS.kind,
                "metadata": body,
                "spec": copy_object(template.get("spec") or {}),
            }
        )
    return made


def changed_references(claim: Object, owner: Object, pod: Object, *, condemned: bool) -> list[dict[str, Any]] | None:
    """The owner references that a claim is to have, None when it has them.

    Whoever owns a claim controls it; a claim that somebody else controls is left to him, and one that is to go with an
    earlier set or Pod of the name is left to the garbage collector.
    """
    now = metadata(claim).get("ownerReferences") or []
    mine = {uid_of(owner), uid_of(pod)}
    names = {(STATEFUL_SETS.kind, name_of(owner)), (PODS.kind, name_of(pod))}
    others = [dict(r) for r in now if r.get("uid") not in mine]
    if any((r.get("kind"), r.get("name")) in names for r in others):
        return None
    is_free = not any(r.get("controller") for r in others)
    with_pod = is_free and condemned and _policy(owner, "whenScaled") == "Delete"
    with_set = is_free and _policy(owner, "whenDeleted") == "Delete" and not with_pod
    wanted = [controller_reference(owner, STATEFUL_SETS)] if with_set else []
    wanted += [controller_reference(pod, PODS)] if with_pod else []
    has = {r.get("uid"): bool(r.get("controller")) for r in now if r.get("uid") in mine}
    return None if has == {r["uid"]: True for r in wanted} else [*others, *wanted]


def is_stale(claim: Object, pod_name: str, pod_uid: str = "") -> bool:
    """Whether a claim waits to be deleted with an earlier Pod of this name."""
    return any(
        r.get("kind") == PODS.kind and r.get("name") == pod_name and r.get("uid") != pod_uid for r in _references(claim)
    )


def _references(claim: Object) -> Iterable[Mapping[str, Any]]:
    return metadata(claim).get("ownerReferences") or ()


def _policy(owner: Object, when: str) -> str:
    policy = (owner.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get(when) or "Retain"
