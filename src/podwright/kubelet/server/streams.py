"""Exec, attach and port-forward: the runtime is asked for its streaming URL, and the client is connected to it.

The upgrade request goes on to the runtime, which decides what it speaks: containerd takes SPDY/3.1 for all three,
and WebSocket with `v4.channel.k8s.io`. kubectl from 1.31 tries `v5.channel.k8s.io` first, which is the same on the
wire but for one message more, by which a client says that its standard input has ended. Where that cannot matter the
runtime is asked for v4 and the client told v5. Where it does, the runtime's refusal is the answer, by which clients
fall back to SPDY. Called by `server`.
Page: https://kubernetes.io/docs/concepts/architecture/cri/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from podwright.client.splice import Backend, Upgraded
from podwright.cri.errors import CriError
from podwright.kubelet.server.errors import Refused, of_runtime

if TYPE_CHECKING:
    from multidict import MultiMapping

    from podwright.cri.generated import cri_pb2 as pb

_PASSED_ON = ("upgrade", "x-stream-protocol-version", "origin")
_PASSED_ON_PREFIX = "sec-websocket-"
_PROTOCOL = "sec-websocket-protocol"
_V4, _V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
_SWITCHING_PROTOCOLS = 101
_BAD_GATEWAY = 502


class StreamingRuntime(Protocol):
    """What is needed of `cri.client.RuntimeClient`."""

    async def exec(
        self, container_id: str, cmd: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> pb.ExecResponse:
        """Prepare a command."""

    async def attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> pb.AttachResponse:
        """Prepare streams of the container's own process."""

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int] = ()) -> pb.PortForwardResponse:
        """Prepare connections to a sandbox's ports."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams of a process a client asks for."""

    tty: bool
    stdin: bool
    stdout: bool
    stderr: bool


def wanted_streams(query: Mapping[str, str]) -> Wanted:
    """The streams of an exec or attach request. Raises Refused when there is none."""
    stdin, stdout, stderr, tty = (query.get(name, "") in ("1", "true") for name in ("input", "output", "error", "tty"))
    if not (stdin or stdout or stderr):
        raise Refused(400, "you must specify at least 1 of stdin, stdout, stderr")
    # A terminal has one output; runtimes refuse to be asked for two.
    return Wanted(tty, stdin, stdout, stderr and not tty)


def wanted_ports(query: MultiMapping[str]) -> Sequence[int]:
    """The ports of a port-forward request; none with SPDY, where each stream names its own. Raises Refused."""
    values = [part for value in query.getall("port", []) for part in value.split(",")]
    if not all(value.isdecimal() and 0 < int(value) < 65536 for value in values):
        raise Refused(400, "port must be a number between 1 and 65535")
    return [int(value) for value in values]


def wants_v5_alone(headers: Mapping[str, str]) -> bool:
    """Whether the client speaks WebSocket with v5 and nothing older."""
    offered = {name.strip() for name in headers.get(_PROTOCOL, "").split(",")}
    return _V5 in offered and _V4 not in offered


def request_head(method: str, url: str, headers: MultiMapping[str], *, as_v4: bool = False) -> bytes:
    """The upgrade request that goes to the runtime's URL; `as_v4`: v4 is asked for where the client offers v5."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade"]
    lines += [
        f"{name}: {value.replace(_V5, _V4) if as_v4 and name.lower() == _PROTOCOL else value}"
        for name, value in headers.items()
        if name.lower() in _PASSED_ON or name.lower().startswith(_PASSED_ON_PREFIX)
    ]
    if method != "GET":
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Streams:
    """Connects clients to processes and ports."""

    def __init__(self, runtime: StreamingRuntime) -> None:
        self._runtime = runtime

    async def exec(self, request: web.Request, container_id: str) -> web.StreamResponse:
        """Run the query's `command` with streams. Raises Refused."""
        streams, command = wanted_streams(request.query), request.query.getall("command", [])
        if not command:
            raise Refused(400, "you must specify a command")
        _check_upgrade(request)
        try:
            prepared = await self._runtime.exec(
                container_id,
                command,
                tty=streams.tty,
                stdin=streams.stdin,
                stdout=streams.stdout,
                stderr=streams.stderr,
            )
        except CriError as error:
            raise of_runtime(error) from error
        return await connect(request, prepared.url, as_v4=_needs_no_end(streams, streams.tty))

    async def attach(self, request: web.Request, container_id: str, *, tty: bool) -> web.StreamResponse:
        """Streams of the container's own process; `tty`: whether it has a terminal. Raises Refused."""
        streams = wanted_streams(request.query)
        _check_upgrade(request)
        try:
            prepared = await self._runtime.attach(
                container_id,
                tty=tty,
                stdin=streams.stdin,
                stdout=streams.stdout,
                stderr=streams.stderr and not tty,
            )
        except CriError as error:
            raise of_runtime(error) from error
        return await connect(request, prepared.url, as_v4=_needs_no_end(streams, tty))

    async def port_forward(self, request: web.Request, sandbox_id: str) -> web.StreamResponse:
        """Connections to ports of a sandbox. Raises Refused."""
        ports = wanted_ports(request.query)
        _check_upgrade(request)
        try:
            prepared = await self._runtime.port_forward(sandbox_id, ports)
        except CriError as error:
            raise of_runtime(error) from error
        return await connect(request, prepared.url)


def _needs_no_end(streams: Wanted, tty: bool) -> bool:
    """Whether the process never waits for the end of its input: it has none, or a terminal, which says so in a byte."""
    return tty or not streams.stdin


def _check_upgrade(request: web.Request) -> None:
    if not request.headers.get("Upgrade"):
        raise Refused(400, "Upgrade request required")


async def connect(request: web.Request, url: str, *, as_v4: bool = False) -> web.StreamResponse:
    """Connect a client to a streaming URL, until one of them ends; `as_v4`: v4 does for a client of v5.

    Raises Refused.
    """
    as_v4 = as_v4 and wants_v5_alone(request.headers)
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise Refused(501, f"the runtime's streaming server at {parts.scheme}://{parts.netloc} can't be used: not http")
    try:
        backend = await Backend.open(parts.hostname, parts.port or 80)
    except OSError as error:
        raise Refused(_BAD_GATEWAY, f"the runtime's streaming server can't be reached: {error}") from error
    try:
        try:
            answer = await backend.ask(request_head(request.method, url, request.headers, as_v4=as_v4))
        except (OSError, EOFError) as error:
            raise Refused(_BAD_GATEWAY, f"the runtime's streaming server failed: {error}") from error
        if answer.status != _SWITCHING_PROTOCOLS:
            return web.Response(
                status=answer.status,
                body=await backend.body(answer),
                headers={"Content-Type": answer.content_type or "text/plain"},
            )
        if as_v4:
            head, end, rest = answer.raw.partition(b"\r\n\r\n")
            answer = replace(answer, raw=head.replace(_V4.encode(), _V5.encode()) + end + rest)
        if request.transport is None:
            raise ConnectionResetError("the client has gone")
        await backend.splice(answer, request.transport)
        return Upgraded()
    finally:
        backend.close()
