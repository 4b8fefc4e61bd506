"""Watch: what has changed since a revision, for one watcher.

The store tells of every change once; here it becomes what this watcher asked for: an object that leaves its selector
is DELETED, one that enters it is ADDED. Frames for the wire are built once a change and shared by all watchers.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import msgspec

from podwright.api.errors import Expired
from podwright.api.objects import Object
from podwright.apiserver.context import Call, Context, encode
from podwright.apiserver.handlers.list_options import ListOptions, Selection
from podwright.apiserver.registry.strategy import Row
from podwright.client.interface import WatchType
from podwright.storage.interface import Compacted, StoreEvent

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_FRAMES_KEPT = 256


class Seen(NamedTuple):
    """One change as a watcher sees it. For a bookmark `raw` is the whole bookmark object."""

    type: WatchType
    revision: int
    raw: bytes


def transition(was: bool, now: bool, deleted: bool) -> WatchType | None:
    """What a change means to a watcher that saw (`was`), and would see (`now`), the object; None: nothing."""
    if deleted:
        return "DELETED" if was else None
    if now:
        return "MODIFIED" if was else "ADDED"
    return "DELETED" if was else None


def bookmark(row: Row, revision: int, *, initial_end: bool = False) -> Seen:
    """A bookmark at a revision; `initial_end`: it tells that the initial events are all there."""
    meta: dict[str, object] = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial_end:
        meta["annotations"] = {INITIAL_EVENTS_END: "true"}
    resource = row.resource
    return Seen(
        "BOOKMARK",
        revision,
        encode({"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}),
    )


def seen_in(context: Context, row: Row, selection: Selection, event: StoreEvent) -> Seen | None:
    """What a store event means to a watcher with a selection; None: nothing."""
    deleted = event.entry is None
    if event.entry is not None:
        raw, revision = event.entry.value, event.revision
    else:
        raw, revision = event.final or b"{}", event.revision
    if not selection:
        return Seen("DELETED" if deleted else "MODIFIED" if event.previous else "ADDED", revision, raw)
    was = event.previous is not None and selection.matches(row, context.read(row, event.previous))
    now = not deleted and selection.matches(row, context.view(row, context.decoded.get(revision, raw)))
    kind = transition(was, now, deleted)
    return Seen(kind, revision, raw) if kind else None


def starts_with_state(options: ListOptions) -> bool:
    """Whether the watcher first gets what is there: when it asks for it, or names no revision to go on from."""
    if options.send_initial_events is not None:
        return options.send_initial_events
    return not options.revision


def watch(
    context: Context, call: Call, options: ListOptions
) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Seen]]]:
    """Batches of what changes, in order; an empty store batch becomes a bookmark where bookmarks are allowed.

    Raises Expired on entering when the revision is no longer kept, WatcherTooSlow while iterating.
    """
    return _watch(context, call, options)


@asynccontextmanager
async def _watch(context: Context, call: Call, options: ListOptions) -> AsyncIterator[AsyncIterator[Sequence[Seen]]]:
    prefix = context.root(call.row, call.namespace if call.resource.namespaced else "")
    initial: list[Seen] = []
    if starts_with_state(options):
        page = context.store.list(prefix)
        after = page.revision
        initial += [
            Seen("ADDED", entry.revision, entry.value)
            for entry in page.entries
            if not options.selection or options.selection.matches(call.row, context.read(call.row, entry))
        ]
        if options.send_initial_events and options.bookmarks:
            initial.append(bookmark(call.row, after, initial_end=True))
    else:
        after = options.revision or context.store.revision
    subscription = context.store.watch(prefix, after)
    try:
        changes = await subscription.__aenter__()
    except Compacted:
        raise Expired(f"too old resource version: {after} ({context.store.compacted})") from None
    stream = _seen(context, call, options, initial, changes)
    try:
        yield stream
    finally:
        await stream.aclose()
        await subscription.__aexit__(None, None, None)


async def _seen(
    context: Context,
    call: Call,
    options: ListOptions,
    initial: Sequence[Seen],
    changes: AsyncIterator[Sequence[StoreEvent]],
) -> AsyncGenerator[Sequence[Seen], None]:
    if initial:
        yield initial
    row, selection = call.row, options.selection
    newest = 0
    async for batch in changes:
        if not batch:
            # Nothing is on its way to this watcher, so it is as far as the store is.
            if options.bookmarks:
                yield [bookmark(row, max(context.store.revision, newest))]
            continue
        newest = batch[-1].revision
        found = [seen for event in batch if (seen := seen_in(context, row, selection, event))]
        if found:
            yield found


def object_of(context: Context, row: Row, seen: Seen) -> Object:
    """The object of a change (shared, read-only)."""
    if seen.type == "BOOKMARK":
        whole: Object = msgspec.json.decode(seen.raw)
        return whole
    return context.view(row, context.decoded.get(seen.revision, seen.raw))


class Frames:
    """The wire's frames of recent changes, so that many watchers share the bytes."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, int, str], bytes] = {}

    def get(self, context: Context, row: Row, seen: Seen) -> bytes:
        """`{"type":...,"object":...}` and a line feed."""
        if seen.type == "BOOKMARK":
            return frame(seen.type, seen.raw)
        key = (seen.type, seen.revision, row.resource.group)
        found = self._frames.get(key)
        if found is None:
            raw = encode(object_of(context, row, seen)) if row.same_storage_as else seen.raw
            found = self._frames[key] = frame(seen.type, raw)
            if len(self._frames) > _FRAMES_KEPT:
                del self._frames[next(iter(self._frames))]
        return found


def frame(kind: str, raw: bytes) -> bytes:
    """One line of a watch stream."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), raw)
