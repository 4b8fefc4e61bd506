"""Two connections made one: after a server's 101, bytes pass both ways as they are, at the pace of the slower side.

    head sent --status 101--> spliced --either side ends--> closed
        head sent --any other status--> a plain answer, read to its end

What is spoken (SPDY/3.1, WebSocket) need not be known. Called by the API server's way to
kubelets and by the kubelet's way to the runtime.
Page: https://www.rfc-editor.org/rfc/rfc9110#section-7.8
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 64 * 1024
_HEAD_END = b"\r\n\r\n"
_ALL = 1 << 20
"""More than a reader ever holds: a read of so much leaves nothing behind in it."""
BODY_PATIENCE = 5.0
"""Seconds for the body of a refusal to arrive."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer to an upgrade, and what came with it."""

    status: int
    content_type: str
    content_length: int | None
    raw: bytes
    """the head and all that has come after it"""

    @property
    def rest(self) -> bytes:
        """What came after the head."""
        return self.raw.partition(_HEAD_END)[2]


def parse_answer(raw: bytes) -> Answer:
    """Read an answer's head from its first bytes; status 502 when it is not HTTP."""
    first, *lines = raw.partition(_HEAD_END)[0].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 502
    length = headers.get("content-length", "")
    return Answer(status, headers.get("content-type", ""), int(length) if length.isdigit() else None, raw)


class _Side(asyncio.Protocol):
    """One end: what it receives, the other end sends."""

    def __init__(self, transport: asyncio.Transport, ended: asyncio.Event) -> None:
        self.transport = transport
        self._ended = ended
        self.other: _Side | None = None
        self.before: asyncio.BaseProtocol | None = None
        """Whose connection it was; it has to hear of the end to forget it."""

    def data_received(self, data: bytes) -> None:
        if self.other and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other:
            # close() still sends what is buffered: the last output of a command is not cut off.
            self.other.transport.close()
        self._ended.set()
        if self.before is not None:
            self.before.connection_lost(exc)


class Backend:
    """A connection to the server that is asked. `open` it, send one head, then `splice` or `body`, `close`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None = None, name: str | None = None) -> Backend:
        """Connect; with `tls` the server must prove to be `name`. Raises OSError."""
        return cls(*await asyncio.open_connection(host, port, limit=HEAD_LIMIT, ssl=tls, server_hostname=name))

    def close(self) -> None:
        """Close the connection; what is buffered is still sent."""
        self._writer.close()

    async def ask(self, head: bytes) -> Answer:
        """Send a request's head and wait for the answer's. Raises OSError, EOFError."""
        self._writer.write(head)
        await self._writer.drain()
        raw = b""
        while _HEAD_END not in raw:
            if len(raw) > HEAD_LIMIT:
                raise EOFError("the head of the answer is too long")
            more = await self._reader.read(_ALL)
            if not more:
                raise EOFError("the connection was closed without an answer")
            raw += more
        return parse_answer(raw)

    async def body(self, answer: Answer) -> bytes:
        """The body of an answer that is no upgrade, as far as it comes in time."""
        body = answer.rest
        wanted = BODY_LIMIT if answer.content_length is None else min(answer.content_length, BODY_LIMIT)
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(BODY_PATIENCE):
                while len(body) < wanted and (more := await self._reader.read(wanted - len(body))):
                    body += more
        return body

    async def splice(self, answer: Answer, client: asyncio.Transport) -> None:
        """Send the head on, at once after `ask`, and pass bytes until either side ends; both are closed then."""
        ended = asyncio.Event()
        transport = cast(asyncio.Transport, self._writer.transport)
        backend_side, client_side = _Side(transport, ended), _Side(client, ended)
        backend_side.other, client_side.other = client_side, backend_side
        backend_side.before, client_side.before = transport.get_protocol(), client.get_protocol()
        client.write(answer.raw)
        client.set_protocol(client_side)
        transport.set_protocol(backend_side)
        client.resume_reading()
        transport.resume_reading()
        try:
            if not client.is_closing() and not transport.is_closing():
                await ended.wait()
        finally:
            client.close()
            transport.close()
