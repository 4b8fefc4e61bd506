"""Two connections made one: after an upgrade, bytes pass both ways as they are, at the pace of the slower side.

    head sent --status 101--> spliced --either side ends--> closed
        head sent --any other status--> a plain answer, read to its end

Called by `node_proxy.py`. Page: https://www.rfc-editor.org/rfc/rfc9110#section-7.8
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

from aiohttp import web

_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 1024 * 1024


class Upgraded(web.StreamResponse):
    """What a handler returns when the connection is no longer HTTP: nothing more is written to it."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> Any:
        """The head was the other server's."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """The connection is closed already."""


class _Side(asyncio.Protocol):
    """One end of the splice: what it receives, the other end sends."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        # close() still sends what is buffered; it does not cut the answer short.
        if self.other and self.other.transport:
            self.other.transport.close()
        if not self._ended.done():
            self._ended.set_result(None)


class _Backend(_Side):
    """The side towards the other server, which first answers with a head."""

    def __init__(self, ended: asyncio.Future[None], headed: asyncio.Future[None]) -> None:
        super().__init__(ended)
        self._headed = headed
        self.buffer = bytearray()
        self.passing = False
        self._arrived = asyncio.Event()

    async def until(self, size: int) -> None:
        """Wait for so many bytes, or the end."""
        while len(self.buffer) < size and not self._ended.done():
            self._arrived.clear()
            await self._arrived.wait()

    async def until_end_with(self, mark: bytes) -> None:
        """Wait until `mark` is the last that has come, or the end."""
        while not self.buffer.endswith(mark) and not self._ended.done():
            self._arrived.clear()
            await self._arrived.wait()

    def data_received(self, data: bytes) -> None:
        if self.passing:
            super().data_received(data)
            return
        self.buffer += data
        self._arrived.set()
        if self._headed.done():
            if len(self.buffer) > _BODY_LIMIT and self.transport:
                self.transport.abort()
        elif b"\r\n\r\n" in self.buffer:
            self._headed.set_result(None)
        elif len(self.buffer) > _HEAD_LIMIT:
            self._headed.set_exception(EOFError("the answer's head is too long"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._headed.done():
            self._headed.set_exception(exc or EOFError("the connection was closed without an answer"))
        super().connection_lost(exc)
        self._arrived.set()


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body, as far as it came."""
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if not length:
            break
        content, body = content + body[:length], body[length + 2 :]
    return content


class Other:
    """The other server's answer to an upgrade."""

    def __init__(self, backend: _Backend, ended: asyncio.Future[None]) -> None:
        self._backend = backend
        self._ended = ended
        head, _, self._tail = bytes(backend.buffer).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self._head = head + b"\r\n\r\n"
        words = first.split(" ", 2)
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 502
        self._headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}

    def header(self, name: str) -> str:
        """A header of the answer, "" when it is not there; `name` in lower case."""
        return self._headers.get(name, "")

    def close(self) -> None:
        """Give the connection up."""
        if self._backend.transport:
            self._backend.transport.abort()

    async def rest(self) -> bytes:
        """The body of an answer that is no upgrade, read until its length or the connection's end."""
        length = self.header("content-length")
        start = len(self._head)
        wanted = int(length) if length.isdigit() else None
        if wanted is not None:
            await self._backend.until(start + wanted)
        elif self.header("transfer-encoding"):
            await self._backend.until_end_with(b"0\r\n\r\n")
        else:
            await asyncio.wait((self._ended,))
        self.close()
        body = bytes(self._backend.buffer[start:])
        return body[:wanted] if wanted is not None else unchunked(body) if self.header("transfer-encoding") else body

    async def splice(self, client: asyncio.Transport) -> None:
        """Send the head on and pass bytes until either side ends."""
        backend = self._backend
        side = _Side(self._ended)
        side.transport = client
        side.other, backend.other = backend, side
        client.set_protocol(side)
        client.write(self._head + self._tail)
        backend.passing = True
        client.resume_reading()
        if client.is_closing():
            side.connection_lost(None)
        try:
            await self._ended
        finally:
            client.close()
            if backend.transport:
                backend.transport.close()


async def connect_upgraded(host: str, port: int, tls: ssl.SSLContext, name: str, head: bytes) -> Other:
    """Send a request's head to a server that proves to be `name`. Raises OSError, EOFError."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    headed: asyncio.Future[None] = loop.create_future()
    backend = _Backend(ended, headed)
    transport, _ = await loop.create_connection(lambda: backend, host, port, ssl=tls, server_hostname=name)
    transport.write(head)
    try:
        await headed
    except BaseException:
        transport.abort()
        raise
    return Other(backend, ended)
