"""Whole JSON objects, and typed read views over them.

The store and the wire carry whole JSON objects (`Object`), so that no field is ever lost; a room that wants
to read one safely takes a typed view of it (`view(obj, core_v1.Pod)`) with the published models.
Objects that come out of a client, an informer or the store are shared: read them, never change them in place;
take `copy_object` first.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

Object = dict[str, Any]
"""One Kubernetes object as it stands in JSON."""

T = TypeVar("T")


class Key(NamedTuple):
    """The name of an object within its resource; `namespace` is "" for cluster-scoped ones."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def view(obj: Object, model: type[T]) -> T:
    """A typed view of `obj` as one of the published models (lightkube.models), unknown fields left aside.

    Raises msgspec.ValidationError, with the path of the field, when a field has the wrong JSON type.
    """
    return msgspec.convert(obj, model, strict=False)


def metadata(obj: Object) -> dict[str, Any]:
    """The object's metadata, or an empty mapping (not attached to the object) when it has none."""
    return obj.get("metadata") or {}


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    meta = metadata(obj)
    return Key(meta.get("namespace") or "", meta.get("name") or "")


def name_of(obj: Object) -> str:
    """metadata.name, "" when unset."""
    return cast(str, metadata(obj).get("name") or "")


def namespace_of(obj: Object) -> str:
    """metadata.namespace, "" when unset or cluster-scoped."""
    return cast(str, metadata(obj).get("namespace") or "")


def uid_of(obj: Object) -> str:
    """metadata.uid, "" when unset."""
    return cast(str, metadata(obj).get("uid") or "")


def resource_version_of(obj: Object) -> str:
    """metadata.resourceVersion, "" when unset."""
    return cast(str, metadata(obj).get("resourceVersion") or "")


def copy_object(obj: T) -> T:
    """A deep copy of JSON data."""
    # Done in C: four times as fast as a walk in Python, and every write makes a copy.
    return cast(T, msgspec.to_builtins(obj))


def rfc3339(moment: datetime.datetime) -> str:
    """metav1.Time on the wire: UTC, whole seconds, `Z`."""
    return f"{moment.astimezone(datetime.UTC).isoformat(timespec='seconds')[:-6]}Z"


def rfc3339_micro(moment: datetime.datetime) -> str:
    """metav1.MicroTime on the wire: UTC, six decimals, `Z`."""
    return f"{moment.astimezone(datetime.UTC).isoformat(timespec='microseconds')[:-6]}Z"


def parse_time(text: str) -> datetime.datetime:
    """A metav1.Time or MicroTime from the wire, as an aware datetime. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no zone")
    return moment
