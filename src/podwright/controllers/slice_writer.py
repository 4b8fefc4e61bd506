"""Makes the EndpointSlices that are there those that are wanted, changing as few as possible.

Called by `endpoint_slice` and `endpoint_slice_mirroring`.
Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#distribution-of-endpointslices
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api.errors import NotFound
from podwright.api.objects import Key, Object, metadata, name_of, namespace_of
from podwright.api.resources import ENDPOINT_SLICES, Resource
from podwright.client.interface import Client
from podwright.controllers.owned import controller_reference

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MAX_ENDPOINTS = 100
"""Endpoints of one slice, at most."""


def new_slice(
    owner: Object,
    kind: Resource,
    manager: str,
    *,
    labels: Mapping[str, str],
    family: str,
    endpoints: Sequence[Object],
    ports: Sequence[Object],
) -> dict[str, Any]:
    """An EndpointSlice without its name, which `manager` keeps for `owner`: a Service, or Endpoints of its name."""
    own = {SERVICE_NAME: name_of(owner), MANAGED_BY: manager}
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {
            "namespace": namespace_of(owner),
            "labels": {**labels, **own},
            "ownerReferences": [controller_reference(owner, kind)],
        },
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": list(ports),
    }


def kept_for(endpoint_slice: Object, manager: str) -> Key:
    """Whose slice it is, if `manager` keeps it; no name for somebody else's."""
    labels = metadata(endpoint_slice).get("labels") or {}
    ours = labels.get(MANAGED_BY) == manager
    return Key(namespace_of(endpoint_slice), labels.get(SERVICE_NAME, "") if ours else "")


async def reconcile(
    client: Client, wanted: Sequence[Object], seen: Sequence[Object], selector: str, space: str
) -> None:
    """Create, change and delete until there is what is wanted, and nothing else.

    `wanted`: whole slices but for their names; `seen`: those of the same kind that the caller knows of; `selector`
    finds them all in the namespace `space`. Raises StatusError.
    """
    if not _differ(wanted, seen):
        return
    # What was written a moment ago may not have been seen yet, and must not be written a second time.
    left = list((await client.list(ENDPOINT_SLICES, space, label_selector=selector)).items)
    missing = []
    for body in wanted:
        same = next((s for s in left if _content(s) == _content(body)), None)
        if same is None:
            missing.append(body)
        else:
            left.remove(same)
    for body in missing:
        reusable = next((s for s in left if s.get("addressType") == body["addressType"]), None)
        if reusable is None:
            name = f"{body['metadata']['labels'][SERVICE_NAME]}-"
            await client.create(
                ENDPOINT_SLICES, {**body, "metadata": {**body["metadata"], "generateName": name}}, space
            )
        else:
            left.remove(reusable)
            await client.update(ENDPOINT_SLICES, {**body, "metadata": {**reusable["metadata"], **body["metadata"]}})
    await remove(client, left)


async def remove(client: Client, slices: Sequence[Object]) -> None:
    """Delete these; one that is gone already is as good. Raises StatusError."""
    for one in slices:
        try:
            await client.delete(ENDPOINT_SLICES, name_of(one), namespace_of(one))
        except NotFound:
            continue


def _differ(wanted: Sequence[Object], present: Sequence[Object]) -> bool:
    return sorted(map(str, map(_content, wanted))) != sorted(map(str, map(_content, present)))


def _content(endpoint_slice: Object) -> object:
    """What a slice says, however a server writes what is empty, and whose it is: an owner may have come back anew."""
    meta = metadata(endpoint_slice)
    return (
        endpoint_slice.get("addressType"),
        endpoint_slice.get("endpoints") or [],
        endpoint_slice.get("ports") or [],
        meta.get("labels"),
        [owner["uid"] for owner in meta.get("ownerReferences") or () if owner.get("controller")],
    )
