"""A watch as an endless HTTP answer: one JSON line a change.

Called by `front.py`. Ends when its time is over, when the client goes, or when the client does not keep up.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from aiohttp import HttpVersion11, web

from podwright.api.errors import Expired, InternalError, StatusError
from podwright.apiserver.context import Call, Context, encode
from podwright.apiserver.handlers.list_options import ListOptions
from podwright.apiserver.handlers.watch import Frames, Seen, frame, object_of, watch
from podwright.apiserver.negotiation import JSON
from podwright.apiserver.responses import Renderer, View, quoted_warning
from podwright.storage.interface import WatcherTooSlow

_SHORTEST, _LONGEST = 1800, 3600
"""Seconds that a watch lasts when its client does not say; spread, so that clients do not come back all at once."""


class Watches:
    """The watches of one server over HTTP."""

    def __init__(self, context: Context, renderer: Renderer) -> None:
        self._context = context
        self._renderer = renderer
        self._frames = Frames()

    def _writer(self, call: Call, view: View) -> Callable[[Sequence[Seen]], bytes]:
        context, row = self._context, call.row
        if view.accepted.plain:
            frames = self._frames

            def plain(batch: Sequence[Seen]) -> bytes:
                if len(batch) == 1:
                    return frames.get(context, row, batch[0])
                return b"".join([frames.get(context, row, seen) for seen in batch])

            return plain

        first = True

        def rendered(batch: Sequence[Seen]) -> bytes:
            nonlocal first
            lines = []
            for seen in batch:
                shown = view if first else replace(view, headers=False)
                first = False
                value = self._renderer.value(call, object_of(context, row, seen), shown)
                lines.append(frame(seen.type, encode(value)))
            return b"".join(lines)

        return rendered

    async def serve(self, request: web.BaseRequest, call: Call, options: ListOptions, view: View) -> web.StreamResponse:
        """Stream changes until the watch ends."""
        response = web.StreamResponse(headers={"Content-Type": JSON, "Cache-Control": "no-cache, private"})
        for text in call.warnings:
            response.headers.add("Warning", quoted_warning(text))
        if request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        # Who has gone is not told anything, and no failure of ours: it ends a watch as its time does.
        with suppress(ConnectionError):
            await response.prepare(request)
            await self._stream(request, response, call, options, view)
            await response.write_eof()
        return response

    async def _stream(
        self, request: web.BaseRequest, response: web.StreamResponse, call: Call, options: ListOptions, view: View
    ) -> None:
        """Write changes until the watch ends. Raises ConnectionError when the client has gone."""
        write = self._writer(call, view)
        lasts = options.timeout or random.uniform(_SHORTEST, _LONGEST)
        try:
            async with asyncio.timeout(lasts):
                async with watch(self._context, call, options) as batches:
                    async for batch in batches:
                        await _send(request, response, write(batch))
        except TimeoutError:
            pass  # the ordinary end of a watch
        except WatcherTooSlow:
            # Too late to tell: the client has not even read what was sent before. It lists again.
            if request.transport is not None:
                request.transport.abort()
        except Expired as error:
            await response.write(frame("ERROR", encode(error.status())))
        except StatusError as error:
            await response.write(frame("ERROR", encode(InternalError(error.message).status())))


async def _send(request: web.BaseRequest, response: web.StreamResponse, lines: bytes) -> None:
    """Write lines of a stream that has begun. Raises ConnectionError when the client has gone."""
    transport = request.transport
    if not response.chunked:
        await response.write(lines)  # HTTP/1.0 knows no chunks
    elif transport is None or transport.is_closing():
        raise ConnectionResetError("the client has gone")
    else:
        # Straight to the connection: the layers in between are a quarter of what an event costs a watcher.
        transport.write(b"%x\r\n%b\r\n" % (len(lines), lines))
        await request.writer.drain()
