"""What every handler works with: the table, the store, the schema, admission, the clock, decoded objects.

One `Context` per server, made by `server.py` and handed to every handler; a `Call` is one request with its
transport left out, so that HTTP requests and in-process calls go the same way.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
import datetime
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from podwright.admission.interface import Attributes, User
from podwright.api.clock import utc_now
from podwright.api.errors import Conflict, InternalError, NotFound, UnsupportedMediaType
from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.api.schema import Schema
from podwright.apiserver.alike import Alike
from podwright.apiserver.registry.strategy import Row
from podwright.storage.interface import Encode, Entry, Store, StoreFailed

T = TypeVar("T")
_DECODED_KEPT = 2048
"""Decoded objects kept for readers that need more than the stored bytes."""


class Admission(Protocol):
    """The chain of admission plugins."""

    async def admit(self, attributes: Attributes) -> None:
        """Let the mutating plugins change `attributes.obj`; StatusError refuses."""
        ...

    async def validate(self, attributes: Attributes) -> None:
        """Let the validating plugins look at the final object; StatusError refuses."""
        ...


class NoAdmission:
    """A chain without plugins."""

    async def admit(self, attributes: Attributes) -> None:
        """Change nothing."""

    async def validate(self, attributes: Attributes) -> None:
        """Refuse nothing."""


class Claim(Protocol):
    """Addresses that one write needs: kept by `commit` once the write is durable, given back by `release`."""

    def commit(self) -> None:
        """The write was made."""
        ...

    def release(self) -> None:
        """The write was not made."""
        ...


class Allocator(Protocol):
    """Hands out what two objects of a resource may not share (service addresses, node ports)."""

    def claim(self, obj: Object, old: Object | None) -> Claim:
        """Fill in what `obj` (changed in place) needs. Raises Invalid when it asks for what another has."""
        ...

    def forget(self, obj: Object) -> None:
        """The object is gone: what it had is free."""
        ...


class FieldOwnership(Protocol):
    """Keeps metadata.managedFields; see `apiserver/patch`."""

    def track(self, call: Call, obj: Object, old: Object | None, now: datetime.datetime) -> None:
        """Note in `obj` (changed in place) which fields `call.field_manager` has just set."""
        ...

    def apply(self, call: Call, live: Object | None, wanted: Object, force: bool, now: datetime.datetime) -> Object:
        """The object after server-side apply of `wanted` (not changed). Raises ApplyConflict."""
        ...


class NoFieldOwnership:
    """Keeps what the object has."""

    def track(self, call: Call, obj: Object, old: Object | None, now: datetime.datetime) -> None:
        """Leave managedFields as they are."""

    def apply(self, call: Call, live: Object | None, wanted: Object, force: bool, now: datetime.datetime) -> Object:
        """Refuse: who owns which field is not known."""
        raise UnsupportedMediaType("this API server was built without field ownership: server-side apply is not there")


@dataclass(slots=True)
class Call:
    """One request to the generic handlers."""

    row: Row
    user: User
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    dry_run: bool = False
    field_manager: str = ""
    warnings: list[str] = field(default_factory=list)
    """Texts for `Warning:` headers, collected on the way."""
    applying: bool = False
    """Server-side apply has already kept managedFields."""
    on_creation: Callable[[], None] | None = None
    """Called before an update or an apply makes an object that is not there; raises Forbidden."""

    @property
    def resource(self) -> Resource:
        """The resource asked for."""
        return self.row.resource

    def not_found(self) -> NotFound:
        """The answer when the object of this call is not there."""
        return NotFound.of(self.resource.plural, self.name, group=self.resource.group)

    def conflict(self, why: str = Conflict.MODIFIED) -> Conflict:
        """The answer when the object of this call is not as the caller thinks."""
        return Conflict.of(self.resource.plural, self.name, why, group=self.resource.group)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a write left behind: the object, and its bytes where it was stored (a dry run has none)."""

    obj: Object
    raw: bytes | None = None
    created: bool = False
    removed: bool = False


class Decoded:
    """Objects by the revision that wrote them, decoded once and shared by all readers (read-only)."""

    def __init__(self) -> None:
        # A plain dict would look for its first key among all those that have been removed from its front.
        self._objects: OrderedDict[int, Object] = OrderedDict()
        self._decode = msgspec.json.Decoder().decode

    def get(self, revision: int, value: bytes) -> Object:
        """The object in `value`, which revision `revision` wrote."""
        found = self._objects.get(revision)
        if found is None:
            found = self._decode(value)
            self.put(revision, found)
        return found

    def put(self, revision: int, obj: Object) -> None:
        """Remember what has just been written; nobody may change `obj` from here on."""
        self._objects[revision] = obj
        if len(self._objects) > _DECODED_KEPT:
            self._objects.popitem(last=False)

    def drop(self, revision: int) -> None:
        """A newer revision has taken the place of this one."""
        self._objects.pop(revision, None)


def storage_path(resource: Resource) -> str:
    """The key prefix under which a resource's objects are: `/core/pods/`."""
    return f"/{resource.group or 'core'}/{resource.plural}/"


def storage_root(row: Row) -> str:
    """The key prefix under which a row's objects are."""
    return storage_path(row.same_storage_as or row.resource)


async def durable(write: Awaitable[T]) -> T:
    """What a write of the store gives. Raises InternalError when the disk did not take it; nothing has changed then."""
    try:
        return await write
    except StoreFailed as error:
        raise InternalError(f"Internal error occurred: {error}") from error


async def whole(write: Coroutine[Any, Any, T]) -> T:
    """What a write gives: it is carried out to its end also when who asked for it goes, or runs out of time, meanwhile.

    The disk takes what it was given anyway; what hangs on that (addresses to give back) must not be left undone.
    """
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


_encode = msgspec.json.Encoder().encode


def encode(obj: object) -> bytes:
    """JSON bytes of an object."""
    return _encode(obj)


class Context:
    """One server's parts, as the handlers use them."""

    def __init__(
        self,
        store: Store,
        rows: Sequence[Row],
        schema: Schema,
        *,
        admission: Admission | None = None,
        ownership: FieldOwnership | None = None,
        allocators: Mapping[Resource, Allocator] | None = None,
        clock: Callable[[], datetime.datetime] | None = None,
    ) -> None:
        self.store = store
        self.schema = schema
        self.rows: dict[Resource, Row] = {row.resource: row for row in rows}
        self.admission: Admission = admission or NoAdmission()
        self.ownership: FieldOwnership = ownership or NoFieldOwnership()
        self.allocators: Mapping[Resource, Allocator] = allocators or {}
        self.now = clock or utc_now
        self.decoded = Decoded()
        self.fitting: Alike[bool] = Alike()
        """specs that the schema takes as they are"""
        self._roots = {row.resource: storage_root(row) for row in rows}

    def root(self, row: Row, namespace: str = "") -> str:
        """The key prefix of a row's objects, in one namespace or in all."""
        root = self._roots.get(row.resource) or storage_root(row)
        return f"{root}{namespace}/" if namespace else root

    def key(self, row: Row, namespace: str, name: str) -> str:
        """The key of one object."""
        return self.root(row, namespace if row.resource.namespaced else "") + name

    def entry(self, row: Row, namespace: str, name: str) -> Entry | None:
        """The object as it is stored now."""
        return self.store.get(self.key(row, namespace, name))

    def read(self, row: Row, entry: Entry) -> Object:
        """The object in an entry as `row` shows it (shared, read-only)."""
        return self.view(row, self.decoded.get(entry.revision, entry.value))

    def view(self, row: Row, stored: Object) -> Object:
        """A stored object as `row` shows it."""
        return row.strategy.from_storage(stored) if row.same_storage_as else stored

    def find(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """An object by its name, None when it is not there (shared, read-only)."""
        row = self.rows[resource]
        entry = self.entry(row, namespace, name)
        return self.read(row, entry) if entry else None

    def encoder(self, obj: Object) -> Encode:
        """Gives `obj` the revision it is stored under, and its bytes; nobody may change `obj` once it is written."""
        metadata, remember = obj["metadata"], self.decoded.put

        def encoded(revision: int) -> bytes:
            metadata["resourceVersion"] = str(revision)
            # Before anybody is told of the revision: the first watcher would decode the bytes again.
            remember(revision, obj)
            return _encode(obj)

        return encoded
