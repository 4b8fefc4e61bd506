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
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS, Resource
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
            body["ownerReferences"] = [_reference(owner, STATEFUL_SETS)]
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
    """The owner references that a claim is to have, None when it has them."""
    with_pod = condemned and _policy(owner, "whenScaled") == "Delete"
    with_set = _policy(owner, "whenDeleted") == "Delete" and not with_pod
    now = metadata(claim).get("ownerReferences") or []
    kept = [dict(r) for r in now if r.get("uid") not in (uid_of(owner), uid_of(pod))]
    has = {r.get("uid") for r in now}
    if (uid_of(owner) in has, uid_of(pod) in has) == (with_set, with_pod):
        return None
    if with_set:
        kept.append(_reference(owner, STATEFUL_SETS))
    if with_pod:
        kept.append(_reference(pod, PODS))
    return kept


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


def _reference(obj: Object, resource: Resource) -> dict[str, Any]:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "name": name_of(obj), "uid": uid_of(obj)}
