"""The identity of a StatefulSet's Pods: name, ordinal, host name, labels, the claims they mount.

Pure. Page: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.resources import STATEFUL_SETS
from podwright.controllers.owned import controller_reference
from podwright.controllers.pod_templates import pod_from
from podwright.controllers.revisions import REVISION_LABEL

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)")


def first_ordinal(owner: Object) -> int:
    """spec.ordinals.start"""
    return ((owner.get("spec") or {}).get("ordinals") or {}).get("start") or 0


def ordinal_of(owner: Object, pod: Object) -> int | None:
    """A Pod's ordinal, None when its name is not one that the set gives."""
    found = _NAME.fullmatch(name_of(pod))
    if found is None or found[1] != name_of(owner) or str(int(found[2])) != found[2]:
        return None
    return int(found[2])


def revision_of(pod: Object) -> str:
    """The name of the revision that a Pod is of."""
    return (metadata(pod).get("labels") or {}).get(REVISION_LABEL) or ""


def claim_name(claim: Mapping[str, Any], pod_name: str) -> str:
    """The name of a Pod's claim from one of volumeClaimTemplates."""
    return f"{(claim.get('metadata') or {}).get('name')}-{pod_name}"


def new_pod(owner: Object, template: Mapping[str, Any], revision: str, ordinal: int) -> Object:
    """The Pod with this ordinal, of the revision that `template` is from."""
    name, spec = f"{name_of(owner)}-{ordinal}", owner.get("spec") or {}
    pod = pod_from(template, controller_reference(owner, STATEFUL_SETS), namespace_of(owner))
    meta, inner = pod["metadata"], pod["spec"]
    meta["name"] = name
    meta["labels"] = {**(meta.get("labels") or {}), **identity_labels(name, ordinal), REVISION_LABEL: revision}
    inner["hostname"] = name
    if spec.get("serviceName"):
        inner["subdomain"] = spec["serviceName"]
    claims = {
        (claim.get("metadata") or {}).get("name"): claim_name(claim, name)
        for claim in spec.get("volumeClaimTemplates") or ()
    }
    if claims:
        mounted = [{"name": n, "persistentVolumeClaim": {"claimName": c}} for n, c in claims.items()]
        inner["volumes"] = [*mounted, *(v for v in inner.get("volumes") or () if v.get("name") not in claims)]
    return pod


def identity_labels(name: str, ordinal: int) -> dict[str, str]:
    """The labels by which one Pod of a set is found."""
    return {POD_NAME: name, POD_INDEX: str(ordinal)}


def keeps_identity(pod: Object, ordinal: int) -> bool:
    """Whether the Pod still has the labels of its ordinal."""
    labels = metadata(pod).get("labels") or {}
    return identity_labels(name_of(pod), ordinal).items() <= labels.items()
