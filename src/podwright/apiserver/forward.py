"""A request handed on to another HTTP server, and its answer handed back: streamed, or as an upgraded connection.

Called by `node_proxy.py` for kubelets and by `workload_proxy.py` for Pods and Services. For an upgraded connection
(SPDY/3.1 or WebSocket) the request's head is sent on, and after the server's 101 every byte passes both ways as it
is: this server need not know what is spoken.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from podwright.api.errors import InternalError, StatusError
from podwright.client.splice import Backend, Upgraded

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_HOP_HEADERS = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "authorization", "content-length", "accept-encoding")
)  # fmt: skip
"""What is said between two neighbours. Answers are not compressed here: they have a short way."""
_WEBSOCKET_HEADERS = frozenset(
    ("sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions")
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    host: str
    port: int
    path: str
    """With its query, percent-encoded."""
    tls: ssl.SSLContext | None = None
    """None: plain HTTP"""
    name: str | None = None
    """What the server is to call itself in its certificate."""

    @property
    def url(self) -> str:
        """As a client writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"


def _unreachable(error: Exception) -> StatusError:
    return InternalError(f"error dialing backend: {error}")


def kept_headers(answer: ClientResponse) -> list[tuple[str, str]]:
    """The headers of an answer that are for the client."""
    return [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_HEADERS]


async def streamed(request: web.BaseRequest, answer: ClientResponse, begun: bytes = b"") -> web.StreamResponse:
    """Hand an answer back as it comes; `begun` was read of it before."""
    response = web.StreamResponse(status=answer.status)
    for name, value in kept_headers(answer):
        response.headers.add(name, value)
    await response.prepare(request)
    await response.write(begun)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


class Forwarder:
    """Hands requests on, over connections that are kept open."""

    def __init__(self) -> None:
        self._session: Any = None

    async def close(self) -> None:
        """Close the connections that are kept open."""
        if self._session is not None:
            await self._session.close()

    async def serve(
        self,
        request: web.BaseRequest,
        target: Target,
        *,
        refused: Callable[[int, str], StatusError] | None = None,
    ) -> web.StreamResponse:
        """Answer with what the target answers. Raises StatusError.

        `refused` makes the error of an answer of 400 or more, of its code and text.
        """
        if request.headers.get("Upgrade"):
            return await self.upgraded(request, target)
        async with self.opened(request, target, refused=refused) as answer:
            return await streamed(request, answer)

    async def upgraded(
        self,
        request: web.BaseRequest,
        target: Target,
        unreachable: Callable[[Exception], StatusError] = _unreachable,
    ) -> web.StreamResponse:
        """Make the client's connection one with the target's. Raises StatusError."""
        # aiohttp does not give header names as they were sent otherwise; servers do not mind either way.
        kept = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_HEADERS or name.lower() == "upgrade"
        ]
        lines = [f"{request.method} {target.path} HTTP/1.1", f"Host: {target.name or target.host}"]
        lines += ["Connection: Upgrade", *(f"{name}: {value}" for name, value in kept)]
        if request.method == "POST":
            lines.append("Content-Length: 0")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            server = await Backend.open(target.host, target.port, target.tls, target.name if target.tls else None)
        except OSError as error:
            raise unreachable(error) from None
        try:
            answer = await server.ask(head)
            if answer.status != 101:
                content_type = answer.content_type or "text/plain"
                return web.Response(
                    status=answer.status, body=await server.body(answer), headers={"Content-Type": content_type}
                )
            if request.transport is None:
                raise ConnectionResetError
            await server.splice(answer, request.transport)
        except EOFError as error:
            raise unreachable(error) from None
        finally:
            server.close()
        return Upgraded()

    @asynccontextmanager
    async def opened(
        self,
        request: web.BaseRequest,
        target: Target,
        unreachable: Callable[[Exception], StatusError] = _unreachable,
        refused: Callable[[int, str], StatusError] | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """What the target answers, its body not yet read. Raises StatusError."""
        from aiohttp import ClientError, ClientTimeout
        from yarl import URL

        dropped = _WEBSOCKET_HEADERS | _HOP_HEADERS
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in dropped]
        body = await request.read() if request.can_read_body else None
        try:
            async with self._client().request(
                request.method,
                URL(target.url, encoded=True),
                headers=headers,
                data=body,
                ssl=target.tls or True,
                server_hostname=target.name if target.tls else None,
                allow_redirects=False,
                timeout=ClientTimeout(total=None, connect=30),
            ) as answer:
                if answer.status >= 400 and refused is not None:
                    raise refused(answer.status, (await answer.text()).strip())
                yield answer
        except ClientError as error:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError from None
            raise unreachable(error) from None

    def _client(self) -> Any:
        if self._session is None:
            from aiohttp import ClientSession, DummyCookieJar, TCPConnector

            self._session = ClientSession(
                connector=TCPConnector(limit=0, keepalive_timeout=30),
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
            )
        return self._session
