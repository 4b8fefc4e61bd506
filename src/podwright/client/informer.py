"""A local, always current copy of one resource: list, then watch, then keep.

    listing --listed--> watching --ended--> watching again from the last version seen
       ^                   | Expired
       +-------------------+          any error: the same step again after a back-off

Every room that follows a resource uses one. Handlers run in the event loop, synchronously and in order: they note
what has changed (usually in a work queue) and return.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from podwright.api.errors import Expired, StatusError
from podwright.api.objects import Key, Object, key_of, resource_version_of, uid_of
from podwright.api.resources import Resource
from podwright.client.backoff import Backoff
from podwright.client.interface import Client, WatchEvent

log = logging.getLogger(__name__)

_BACKOFF = Backoff(base=0.05, cap=30.0)


class OnChange(Protocol):
    """Told of every change: `old` is None for a new object, `new` is None for one that is gone."""

    def __call__(self, old: Object | None, new: Object | None, /) -> None: ...


Indexer = Callable[[Object], Iterable[str]]
"""Gives the values under which an object is to be found."""


class Informer:
    """Follows one resource in one namespace ("" for all); what it returns is shared and must not be changed."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        indexers: Mapping[str, Indexer] | None = None,
    ) -> None:
        self.resource = resource
        self._client = client
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._objects: dict[Key, Object] = {}
        self._handlers: list[OnChange] = []
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[Key, Object]]] = {name: {} for name in self._indexers}
        self._synced = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether the first list is in."""
        return self._synced.is_set()

    def get(self, name: str, namespace: str = "") -> Object | None:
        """One object as last seen."""
        return self._objects.get(Key(namespace, name))

    def by_key(self, key: Key) -> Object | None:
        """One object as last seen."""
        return self._objects.get(key)

    def items(self) -> Iterable[Object]:
        """All objects as last seen, in no order; not to be held over an await."""
        return self._objects.values()

    def by_index(self, index: str, value: str) -> Iterator[Object]:
        """The objects whose indexer gave `value`. Raises KeyError for an index that was not declared."""
        return iter(self._indexes[index].get(value, {}).values())

    def add_handler(self, on_change: OnChange) -> None:
        """From now on tell `on_change`; first of what is already here, as new."""
        self._handlers.append(on_change)
        for obj in self._objects.values():
            on_change(None, obj)

    async def wait_synced(self) -> None:
        """Return once the first list is in and handlers have been told of it."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow the resource until cancelled. What a handler raises ends it."""
        version, failures = "", 0
        while True:
            try:
                if not version:
                    version = await self._list()
                seen = await self._watch(version)
                # A server that ends every watch at once must not be asked again at once.
                failures = 0 if seen != version else failures + 1
                version = seen
            except Expired:
                version, failures = "", failures + 1
            except (StatusError, OSError) as error:
                failures += 1
                log.warning("following %s: %s", self.resource.plural, error)
            if failures:
                await asyncio.sleep(_BACKOFF.delay(failures, random.random()))

    async def _list(self) -> str:
        listed = await self._client.list(
            self.resource,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        present = set()
        for obj in listed.items:
            key = key_of(obj)
            present.add(key)
            known = self._objects.get(key)
            if known is None or resource_version_of(known) != resource_version_of(obj):
                self._store(key, obj)
        for key in [key for key in self._objects if key not in present]:
            self._remove(key, self._objects[key])
        self._synced.set()
        return listed.resource_version

    async def _watch(self, version: str) -> str:
        """Follow one watch to its end; the last version seen."""
        watch = self._client.watch(
            self.resource,
            self._namespace,
            resource_version=version,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        try:
            async with watch as events:
                async for event in events:
                    self._take(event)
                    version = resource_version_of(event.object) or version
        except Expired:
            raise
        except (StatusError, OSError) as error:
            # What was seen is not lost: the next watch begins there.
            log.info("watch of %s broke off: %s", self.resource.plural, error)
        return version

    def _take(self, event: WatchEvent) -> None:
        key = key_of(event.object)
        if event.type == "DELETED":
            if key in self._objects:
                self._remove(key, event.object)
        elif event.type != "BOOKMARK":
            self._store(key, event.object)

    def _store(self, key: Key, obj: Object) -> None:
        old = self._objects.get(key)
        if old is not None and uid_of(old) != uid_of(obj):
            # It was deleted and made again while nobody looked; handlers are to see both.
            self._remove(key, old)
            old = None
        self._objects[key] = obj
        for name, indexer in self._indexers.items():
            self._index(name, key, () if old is None else indexer(old), obj, indexer(obj))
        for handler in self._handlers:
            handler(old, obj)

    def _remove(self, key: Key, final: Object) -> None:
        old = self._objects.pop(key)
        for name, indexer in self._indexers.items():
            self._index(name, key, indexer(old), old, ())
        for handler in self._handlers:
            handler(final, None)

    def _index(self, name: str, key: Key, before: Iterable[str], obj: Object, after: Iterable[str]) -> None:
        """Find `obj` by the values `after`, and no longer by those that were there `before`."""
        index = self._indexes[name]
        values = set(after)
        for value in before:
            if value not in values and (found := index.get(value)) is not None:
                found.pop(key, None)
                if not found:
                    del index[value]
        for value in values:
            index.setdefault(value, {})[key] = obj
