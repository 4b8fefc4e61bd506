"""What stands between the node and a registry in the tests: it asks who comes, and delays, cuts, spoils or refuses."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import aiohttp
from aiohttp import web
from tests.node.registry import Registry

from podwright.containerd.oci_image import Image

_HOP = {"connection", "transfer-encoding", "content-length", "host", "authorization"}


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    user: str
    """who it proved to be, "" for nobody"""
    answer: int
    at: float = field(default_factory=time.monotonic)


@dataclass
class Faults:
    """What goes wrong with downloads of layers; changed by a test while the proxy runs."""

    bytes_per_second: float = 0.0
    """of each download; 0: as fast as it goes"""
    hold: asyncio.Event | None = None
    """no layer is sent until it is set"""
    cuts: int = 0
    """so many downloads end in the middle"""
    spoil: bool = False
    """the last byte is another one"""


@dataclass
class Door:
    """Who is let in, and how they must show it. No users: everybody."""

    users: dict[str, str] = field(default_factory=dict)
    bearer: bool = False
    """by a token server (at /token) instead of basic auth"""
    may: Callable[[str, str], bool] = lambda user, path: True
    """whether this user is shown this path"""


class RegistryProxy:
    """Forwards to a registry."""

    def __init__(
        self, backend: Registry, door: Door | None = None, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._backend = backend
        self._tls = tls
        self.door = door or Door()
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.most_at_once = 0
        """images (repositories) of which layers were sent at the same time"""
        self._busy: Counter[str] = Counter()
        self._tokens: dict[str, str] = {}
        self._socket = socket.create_server(("127.0.0.1", port))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        await self._listen(self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        if self._session is not None:
            await self._session.close()

    async def refuse(self) -> None:
        """From now on nothing listens at the address."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def accept(self) -> None:
        """Listen again."""
        host, _, port = self.address.partition(":")
        await self._listen(socket.create_server((host, int(port))))

    async def _listen(self, listening: socket.socket) -> None:
        app = web.Application()
        app.router.add_route("*", "/token", self._token)
        app.router.add_route("*", "/{rest:.*}", self._forward)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, ssl_context=self._tls).start()

    async def push(self, name: str, image: Image | Sequence[Image]) -> str:
        """Push an image as `path:tag` past the proxy; the full name by which it is had through it."""
        return (await self._backend.push(name, image)).replace(self._backend.address, self.address)

    def layers_sent(self, digest: str) -> int:
        """How often a layer was asked for with GET."""
        return sum(1 for one in self.asked if one.method == "GET" and one.path.endswith(digest))

    def _basic(self, request: web.Request) -> str | None:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user if user in self.door.users and self.door.users[user] == password else None

    async def _token(self, request: web.Request) -> web.Response:
        user = self._basic(request)
        self.asked.append(Asked(request.method, request.path, user or "", 200 if user else 401))
        if user is None:
            return web.Response(status=401)
        token = secrets.token_hex()
        self._tokens[token] = user
        return web.json_response({"token": token, "expires_in": 300})

    def _who(self, request: web.Request) -> str | None:
        if not self.door.users:
            return ""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.get(value) if kind == "Bearer" and self.door.bearer else self._basic(request)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        user = self._who(request)
        refused = 401 if user is None else 0 if self.door.may(user, request.path) else 403
        if refused:
            self.asked.append(Asked(request.method, request.path, user or "", refused))
            scheme = "https" if self._tls else "http"
            realm = f'Bearer realm="{scheme}://{self.address}/token",service="tests"'
            return web.Response(
                status=refused, headers={"WWW-Authenticate": realm if self.door.bearer else 'Basic realm="tests"'}
            )
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = f"http://{self._backend.address}{request.path_qs}"
        try:
            async with self._session.request(request.method, url, headers=headers, allow_redirects=False) as answer:
                self.asked.append(Asked(request.method, request.path, user or "", answer.status))
                return await self._send(request, answer)
        except aiohttp.ClientConnectorError:
            return web.Response(status=502)

    async def _send(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        sent = web.StreamResponse(status=answer.status, headers=headers)
        sent.content_length = answer.content_length
        if request.method == "HEAD" or "/blobs/" not in request.path:
            await sent.prepare(request)
            if request.method != "HEAD":
                await sent.write(await answer.read())
            return sent
        repository = request.path.partition("/blobs/")[0]
        self._busy[repository] += 1
        self.most_at_once = max(self.most_at_once, len(+self._busy))
        try:
            return await self._send_layer(request, answer, sent)
        finally:
            self._busy[repository] -= 1

    async def _send_layer(
        self, request: web.Request, answer: aiohttp.ClientResponse, sent: web.StreamResponse
    ) -> web.StreamResponse:
        if self.faults.hold is not None:
            await self.faults.hold.wait()
        cut = self.faults.cuts > 0 and (answer.content_length or 0) > 100_000
        if cut:
            self.faults.cuts -= 1
        await sent.prepare(request)
        left = (answer.content_length or 0) // 2 if cut else answer.content_length or 0
        async for chunk in answer.content.iter_chunked(65536):
            part = chunk[:left]
            left -= len(part)
            if self.faults.spoil and not left:
                part = part[:-1] + bytes([part[-1] ^ 1])
            if self.faults.bytes_per_second:
                # first the wait: whoever has the last byte is done
                await asyncio.sleep(len(part) / self.faults.bytes_per_second)
            await sent.write(part)
            if cut and not left:
                assert request.transport is not None
                request.transport.close()
                break
        return sent


@asynccontextmanager
async def proxied(
    backend: Registry, door: Door | None = None, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[RegistryProxy]:
    """A proxy that serves until the block ends."""
    async with RegistryProxy(backend, door, tls, port) as proxy:
        yield proxy
