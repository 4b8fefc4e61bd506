"""From a template to a Pod, and whether two templates are the same.

Pure; called by the controllers that make Pods. Page:
https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from podwright.api.objects import Object, copy_object

POD_TEMPLATE_HASH = "pod-template-hash"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digits that look like letters, so that no hash is a word."""
_HASH_LENGTH = 10
_MAPPINGS = frozenset({"labels", "annotations", "nodeSelector", "limits", "requests", "overhead", "matchLabels"})
"""Fields in which an empty mapping is the same as none; elsewhere (`emptyDir: {}`) it is a choice."""

_encode = msgspec.json.Encoder(order="sorted").encode


def pod_from(template: Mapping[str, Any], reference: Mapping[str, Any], namespace: str) -> Object:
    """A Pod, without its name, that `reference` (of its controller) owns."""
    meta, made = template.get("metadata") or {}, {"namespace": namespace, "ownerReferences": [dict(reference)]}
    for field in ("labels", "annotations", "finalizers"):
        if meta.get(field):
            made[field] = copy_object(meta[field])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": copy_object(template.get("spec") or {})}


def without_hash(template: Mapping[str, Any]) -> Any:
    """What a template says, in the one form in which templates are compared."""
    plain = _plain(template)
    meta = dict(plain.get("metadata") or {})
    meta.pop("creationTimestamp", None)
    labels = {k: v for k, v in (meta.pop("labels", None) or {}).items() if k != POD_TEMPLATE_HASH}
    return {**plain, "metadata": {**meta, **({"labels": labels} if labels else {})}}


def same_template(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two templates make the same Pods, the hash label aside."""
    return one == other or without_hash(one) == without_hash(other)


def template_hash(template: Mapping[str, Any], collisions: int | None = None) -> str:
    """Ten characters that stand for a template; `collisions`: how often they stood for another one already."""
    return content_hash(without_hash(template), collisions)


def content_hash(content: Any, collisions: int | None = None) -> str:
    """Ten characters that stand for JSON data."""
    data = _encode(content) + (str(collisions).encode() if collisions else b"")
    number = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
    letters = []
    for _ in range(_HASH_LENGTH):
        number, at = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[at])
    return "".join(letters)


def _plain(value: Any, field: str = "") -> Any:
    if isinstance(value, Mapping):
        made = {k: p for k, v in value.items() if (p := _plain(v, k)) is not None}
        return made or (None if field in _MAPPINGS else {})
    if isinstance(value, list):
        return [_plain(v) for v in value] or None
    return value
