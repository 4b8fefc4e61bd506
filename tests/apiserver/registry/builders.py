"""Pods for the tables of these tests: one that is whole, and edits by path."""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object
from podwright.apiserver.registry.pod import PodStrategy

GONE = object()
"""As a value of an edit: the field is removed."""


def raw_pod(edits: dict[str, Any] | None = None) -> Object:
    """A small Pod as a user writes it, with `edits`: values by path (`spec.containers.0.image`)."""
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default", "uid": "u"},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
    }
    for path, value in (edits or {}).items():
        set_at(pod, path, value)
    return pod


def pod(edits: dict[str, Any] | None = None) -> Object:
    """The same, defaulted, as validation sees it."""
    made = raw_pod(edits)
    PodStrategy().default(made)
    return made


def set_at(obj: Any, path: str, value: Any) -> None:
    """Set the value at a dotted path, where numbers are list positions; what is missing on the way is made."""
    *way, last = path.split(".")
    for name in way:
        if isinstance(obj, list):
            while len(obj) <= int(name):
                obj.append({})
            obj = obj[int(name)]
        else:
            obj = obj.setdefault(name, {})
    if value is GONE:
        del obj[last]
    elif isinstance(obj, list):
        if int(last) < len(obj):
            obj[int(last)] = value
        else:
            obj.append(value)
    else:
        obj[last] = value
