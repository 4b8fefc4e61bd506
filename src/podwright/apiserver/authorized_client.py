"""The in-process client of somebody who may not everything: each call is checked as a request would be.

`server.py` makes one for the kubelet of this process, which so has the rights of every other kubelet.
Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from podwright.admission.interface import User
from podwright.api.objects import Object, name_of, namespace_of
from podwright.api.resources import Resource
from podwright.apiserver.filters.authz import Check
from podwright.apiserver.routes import Asked
from podwright.client.interface import Client, DeleteOptions, ObjectList, PatchType, WatchEvent


class AuthorizedClient:
    """`client.interface.Client` over another one, for one user. Every method may raise Forbidden."""

    def __init__(self, client: Client, user: User, check: Check) -> None:
        self._client = client
        self._user = user
        self._authorize = check

    def _check(
        self,
        verb: str,
        resource: Resource,
        namespace: str,
        name: str = "",
        *,
        subresource: str = "",
        selector: str = "",
    ) -> None:
        asked = Asked(
            verb,
            "",
            None,
            resource.group,
            resource.version,
            resource.plural,
            namespace if resource.namespaced else "",
            name,
            subresource,
        )
        self._authorize(self._user, asked, {"fieldSelector": selector} if selector else {})

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """See `Client.get`."""
        self._check("get", resource, namespace, name)
        return await self._client.get(resource, name, namespace)

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
        """See `Client.list`."""
        self._check("list", resource, namespace, selector=field_selector)
        return await self._client.list(
            resource,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            continue_token=continue_token,
        )

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """See `Client.watch`."""
        self._check("watch", resource, namespace, selector=field_selector)
        return self._client.watch(
            resource,
            namespace,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
        )

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
        """See `Client.create`."""
        self._check("create", resource, namespace or namespace_of(obj), name, subresource=subresource)
        return await self._client.create(resource, obj, namespace, name=name, subresource=subresource, dry_run=dry_run)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `Client.update`."""
        self._check("update", resource, namespace_of(obj), name_of(obj), subresource=subresource)
        return await self._client.update(resource, obj, subresource=subresource)

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
        """See `Client.patch`."""
        self._check("patch", resource, namespace, name, subresource=subresource)
        if patch_type is PatchType.APPLY and not subresource:
            self._check("create", resource, namespace, name)  # it may make the object
        return await self._client.patch(
            resource,
            name,
            body,
            namespace,
            patch_type=patch_type,
            subresource=subresource,
            field_manager=field_manager,
            force=force,
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Object:
        """See `Client.delete`."""
        self._check("delete", resource, namespace, name)
        return await self._client.delete(resource, name, namespace, options)
