"""The API in the same process: a function call where another room would make an HTTP request.

Authentication and the checking of JSON types are left out, admission, defaults and validation are not. Objects that
come back are those the server itself reads: shared, and never to be changed.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from podwright.admission.interface import User
from podwright.api.errors import Expired, NotFound
from podwright.api.objects import Object, copy_object, name_of, namespace_of
from podwright.api.resources import REVIEWS, Resource
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers import change, create, delete, list_options, patch, read, scale, watch
from podwright.apiserver.handlers.watch import Seen
from podwright.apiserver.registry.strategy import Row
from podwright.client.interface import DeleteOptions, ObjectList, PatchType, WatchEvent
from podwright.storage.interface import WatcherTooSlow

Reviews = Callable[[Resource, User, Object, str], Awaitable[Object]]
"""Answers what is asked by an object that is not stored, in a namespace."""
Subresources = Callable[[Call, str, Object], Awaitable[Object]]
"""Posts to a subresource that is more than a part of the object (`server.py` knows them)."""


class LocalClient:
    """`client.interface.Client` for one user of a server in this process."""

    def __init__(
        self, context: Context, user: User, subresources: Subresources, reviews: Reviews | None = None
    ) -> None:
        self._context = context
        self._user = user
        self._subresources = subresources
        self._reviews = reviews

    def _call(self, resource: Resource, namespace: str, name: str = "", subresource: str = "") -> Call:
        namespace = namespace if resource.namespaced else ""
        return Call(self._row(resource), self._user, namespace, name, subresource, field_manager=self._user.name)

    def _row(self, resource: Resource) -> Row:
        row = self._context.rows.get(resource)
        if row is None:
            raise NotFound("the server could not find the requested resource")
        return row

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """See `Client.get`."""
        call = self._call(resource, namespace, name)
        return self._context.read(call.row, read.get(self._context, call))

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
        if not (label_selector or field_selector or limit or continue_token):
            # What every write asks for, several times: without a `Call`, which only selections need.
            context, row = self._context, self._row(resource)
            page = context.store.list(context.root(row, namespace if resource.namespaced else ""))
            return ObjectList([context.read(row, entry) for entry in page.entries], str(page.revision))
        call = self._call(resource, namespace)
        selection = list_options.selection_of(label_selector, field_selector, call.row)
        options = list_options.ListOptions(selection=selection, limit=limit, continue_token=continue_token)
        listed = await read.list_(self._context, call, options)
        items = [self._context.read(call.row, entry) for entry in listed.entries]
        return ObjectList(items, str(listed.revision), listed.continue_token, listed.remaining)

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
        call = self._call(resource, namespace)
        options = list_options.ListOptions(
            selection=list_options.selection_of(label_selector, field_selector, call.row),
            revision=int(resource_version or 0),
            watch=True,
            bookmarks=True,
        )
        return self._watch(call, options)

    @asynccontextmanager
    async def _watch(self, call: Call, options: list_options.ListOptions) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        async with watch.watch(self._context, call, options) as batches:
            events = self._events(call, batches)
            try:
                yield events
            finally:
                await events.aclose()

    async def _events(self, call: Call, batches: AsyncIterator[Sequence[Seen]]) -> AsyncGenerator[WatchEvent, None]:
        try:
            async for batch in batches:
                for seen in batch:
                    yield WatchEvent(seen.type, watch.object_of(self._context, call.row, seen))
        except WatcherTooSlow as error:
            # What was missed is not kept for this watcher: it must list again.
            raise Expired(str(error)) from None

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
        if self._reviews is not None and resource in REVIEWS:
            return await self._reviews(resource, self._user, copy_object(obj), namespace)
        call = self._call(resource, namespace or namespace_of(obj), name, subresource)
        call.dry_run = dry_run
        if subresource:
            return await self._subresources(call, subresource, copy_object(obj))
        return (await create.create(self._context, call, copy_object(obj))).obj

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `Client.update`."""
        call = self._call(resource, namespace_of(obj), name_of(obj), subresource)
        if subresource == "finalize":
            return await self._subresources(call, subresource, copy_object(obj))
        if scale.is_scale(call):
            return await scale.update_scale(self._context, call, copy_object(obj))
        return (await change.update(self._context, call, copy_object(obj))).obj

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
        call = self._call(resource, namespace, name, subresource)
        call.field_manager = field_manager or call.field_manager
        if scale.is_scale(call):
            return await scale.patch_scale(self._context, call, patch_type, body, force=force)
        return (await patch.patch(self._context, call, patch_type, body, force=force)).obj

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Object:
        """See `Client.delete`."""
        call = self._call(resource, namespace, name)
        options = options or DeleteOptions()
        call.dry_run = options.dry_run
        saved = await delete.delete(self._context, call, options)
        return saved.obj
