"""The client interface: what a room may ask of the Kubernetes API.

Two implementations, one contract suite: `client/http.py` (TLS, any API server) and
`apiserver/local_client.py` (a function call). Both raise `podwright.api.errors` exceptions.
Objects that come back are shared and must not be changed in place (see `api/objects.py`).

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from podwright.api.objects import Object
from podwright.api.resources import Resource

WatchType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


class PatchType(enum.Enum):
    """The patch formats; the value is the media type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


class ObjectList(NamedTuple):
    """One page of a list."""

    items: Sequence[Object]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


class WatchEvent(NamedTuple):
    """One change. For BOOKMARK only metadata.resourceVersion of `object` means something."""

    type: WatchType
    object: Object


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """metav1.DeleteOptions; None and "" mean "not given"."""

    grace_period_seconds: int | None = None
    uid: str = ""
    resource_version: str = ""
    propagation_policy: str = ""
    dry_run: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


class Client(Protocol):
    """The verbs of the API. Every method may raise a StatusError, or OSError when the server is out of reach."""

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """One object, as it stands now. Raises NotFound."""
        ...

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        """The objects of one namespace, or of all. Raises Expired for a continue token that is too old."""
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """Every change after `resource_version`, in order; bookmarks included.

        The iterator ends when the server ends the watch (watch again from the last version seen) and raises
        Expired when the version is no longer kept (list again).
        """
        ...

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Create an object, or post to a subresource of `name` (binding, eviction, token)."""
        ...

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Replace an object; Conflict when its resourceVersion is not the newest."""
        ...

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
    ) -> Object:
        """Change parts of an object. `body` is a mapping, or a list for PatchType.JSON."""
        ...

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Object:
        """Delete, gracefully where the resource knows grace; the answer is the object or a Status."""
        ...
