"""Reading the ConfigMaps and Secrets that a Pod names.

Always the object as it stands now: who changes a ConfigMap and then makes a Pod finds the change in it. `sources.py`
reads for variables, `volumes/` for files (which then follow changes by a watch of their own).
Page: https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from __future__ import annotations

import base64
import binascii

from podwright.api.errors import NotFound, StatusError
from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.client.interface import Client


class UnreadableReference(Exception):
    """The object could not be read; the text is what the Pod's owner sees."""


async def read_reference(client: Client, resource: Resource, namespace: str, name: str) -> Object | None:
    """The object, or None when there is none. Raises UnreadableReference when the API does not answer or refuses."""
    try:
        return await client.get(resource, name, namespace)
    except NotFound:
        return None
    except (StatusError, OSError) as error:
        raise UnreadableReference(f"couldn't get {resource.kind} {namespace}/{name}: {error}") from None


def missing(resource: Resource, name: str) -> str:
    """`configmap "a" not found`, as the kubelet says it."""
    return f'{resource.kind.lower()} "{name}" not found'


def contents(obj: Object) -> dict[str, bytes]:
    """All that a ConfigMap (`data`, `binaryData`) or a Secret (`data`) holds, by key.

    Raises UnreadableReference for what is not base64 where it must be.
    """
    data = obj.get("data") or {}
    if obj.get("kind") == "Secret":
        return {key: _decoded(key, value) for key, value in data.items()}
    binary = obj.get("binaryData") or {}
    return {key: value.encode() for key, value in data.items()} | {key: _decoded(key, v) for key, v in binary.items()}


def _decoded(key: str, value: str | None) -> bytes:
    try:
        return base64.b64decode(value or "", validate=True)
    except binascii.Error:
        raise UnreadableReference(f"the value of key {key} is not base64") from None
