"""Get and list: what is there now, or was there at a revision.

Reads never decode more than they must: entries go out as they are stored.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from podwright.api.errors import BadRequest, Expired, Timeout
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers.list_options import ListOptions, Token
from podwright.storage.interface import Compacted, Entry, Page

_TOO_OLD_LIST = "The resourceVersion for the provided list is too old."
_TOO_OLD_TOKEN = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_WAIT_FOR_REVISION = 3.0
"""Seconds that a read waits for a revision that is yet to come."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list."""

    entries: Sequence[Entry]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


def get(context: Context, call: Call) -> Entry:
    """One object as it stands now. Raises NotFound."""
    entry = context.entry(call.row, call.namespace, call.name)
    if entry is None:
        raise call.not_found()
    return entry


async def reach(context: Context, revision: int | None) -> None:
    """Wait a little until the store is at `revision`. Raises Timeout when it does not come."""
    if not revision or revision <= context.store.revision:
        return
    try:
        await asyncio.wait_for(context.store.wait_for(revision), _WAIT_FOR_REVISION)
    except TimeoutError:
        why = f"Too large resource version: {revision}, current: {context.store.revision}"
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        raise Timeout(why, {"retryAfterSeconds": 1, "causes": causes}) from None


async def list_(context: Context, call: Call, options: ListOptions) -> Listed:
    """The objects of a namespace, or of all ("" or cluster-scoped). Raises BadRequest, Expired, Timeout."""
    prefix = context.root(call.row, call.namespace if call.resource.namespaced else "")
    revision, after, limit = 0, "", options.limit
    if options.continue_token:
        if options.revision:
            raise BadRequest("specifying resource version is not allowed when using continue")
        token = Token.decode(options.continue_token, prefix)
        revision, after = max(token.revision, 0), token.after
    else:
        await reach(context, options.revision)
        if options.exact:
            revision = options.revision or 0
        elif not options.revision and options.revision is not None:
            limit = 0  # "any" revision comes whole, as from upstream's watch cache
    start = _Start(prefix, revision, after, limit)
    if options.selection:
        return _selected(context, call, options, start)
    page = _page(context, start)
    token_text = Token(page.revision, page.entries[-1].key).encode() if page.more else ""
    return Listed(page.entries, page.revision, token_text, page.remaining if page.more else None)


@dataclass(frozen=True, slots=True)
class _Start:
    """Which keys a page takes: those below `prefix` and after `after`, as at `revision` (0: now)."""

    prefix: str
    revision: int
    after: str
    limit: int


def _page(context: Context, start: _Start) -> Page:
    prefix, revision, after, limit = start.prefix, start.revision, start.after, start.limit
    if not revision:
        return context.store.list(prefix, after=after, limit=limit)
    try:
        return context.store.list_at(prefix, revision, after=after, limit=limit)
    except Compacted:
        if not after:
            raise Expired(_TOO_OLD_LIST) from None
        expired = Expired(_TOO_OLD_TOKEN)
        expired.metadata = {"continue": Token(-1, after).encode()}
        raise expired from None
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _single(context: Context, call: Call, options: ListOptions) -> str | None:
    """The key, when the selector asks for one object by its name."""
    name = options.selection.fields.value_of("metadata.name")
    namespace = call.namespace or options.selection.fields.value_of("metadata.namespace") or ""
    if not name or (call.resource.namespaced and not namespace):
        return None
    return context.key(call.row, namespace, name)


def _selected(context: Context, call: Call, options: ListOptions, start: _Start) -> Listed:
    row, selection, prefix, limit = call.row, options.selection, start.prefix, start.limit
    single = None if start.revision or start.after else _single(context, call, options)
    if single is not None:
        entry = context.store.get(single)
        found = (
            [entry] if entry and single.startswith(prefix) and selection.matches(row, context.read(row, entry)) else []
        )
        return Listed(found, context.store.revision)
    page = _page(context, replace(start, limit=0))
    chosen: list[Entry] = []
    for entry in page.entries:
        if selection.matches(row, context.read(row, entry)):
            if limit and len(chosen) == limit:
                return Listed(chosen, page.revision, Token(page.revision, chosen[-1].key).encode())
            chosen.append(entry)
    return Listed(chosen, page.revision)


def list_metadata(listed: Listed) -> dict[str, Any]:
    """metav1.ListMeta of a page."""
    meta: dict[str, Any] = {"resourceVersion": str(listed.revision)}
    if listed.continue_token:
        meta["continue"] = listed.continue_token
        if listed.remaining is not None:
            meta["remainingItemCount"] = listed.remaining
    return meta
