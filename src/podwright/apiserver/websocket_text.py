"""A stream of bytes over a WebSocket, one message a piece, for clients that ask for a Pod's log so.

`binary.k8s.io` (or no protocol): binary messages. `base64.binary.k8s.io`: text messages, base64 each. Called by
`node_proxy.py`. Source: k8s.io/apimachinery pkg/util/httpstream/wsstream.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

_BINARY, _BASE64 = "binary.k8s.io", "base64.binary.k8s.io"


async def over_websocket(request: web.BaseRequest, pieces: AsyncIterator[bytes]) -> web.WebSocketResponse:
    """Send `pieces` as they come, then close; ends early when the client goes. Raises aiohttp.web.HTTPException."""
    socket = web.WebSocketResponse(protocols=(_BINARY, _BASE64))
    await socket.prepare(request)
    sending = asyncio.create_task(_send(socket, pieces))
    try:
        async for _ in socket:
            pass  # nothing is expected; reading is how the client's end is heard
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await sending
    return socket


async def _send(socket: web.WebSocketResponse, pieces: AsyncIterator[bytes]) -> None:
    try:
        async for piece in pieces:
            if socket.ws_protocol == _BASE64:
                await socket.send_str(base64.b64encode(piece).decode())
            else:
                await socket.send_bytes(piece)
    finally:
        await socket.close()
