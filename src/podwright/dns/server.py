"""The cluster's DNS server on UDP and TCP. Started by `app.py` with the address that Pods have in resolv.conf.

Names of the cluster are answered within the call that brings the question; only what has to be asked for upstream
becomes a task, and there is a most for those, for connections and for the questions of one client.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from podwright.api.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from podwright.client.informers import Informers
from podwright.dns.directory import Directory
from podwright.dns.limit import Limiter
from podwright.dns.records import Zone
from podwright.dns.resolver import Resolver
from podwright.dns.upstream import Forwarder
from podwright.dns.wire import Malformed, name_of, parse_query

log = logging.getLogger(__name__)

_CONNECTIONS = 128
_CONNECTION_SECONDS = 10.0
"""How long a connection may be silent."""
_LONGEST_QUESTION = 4096
_QUESTIONS_PER_SECOND, _QUESTIONS_AT_ONCE, _CLIENTS = 5000.0, 2000.0, 1024

Address = tuple[str, int]


class DnsServer:
    """Serves the names of `cluster_domain` on each of `listen`, and forwards other names to `upstream`.

    `informers` is run by its owner and may be shared. `ranges`: the Pod and the Service range (CIDR), whose
    addresses nobody else has names for.
    """

    def __init__(
        self,
        informers: Informers,
        cluster_domain: str,
        listen: Sequence[Address],
        upstream: Forwarder,
        *,
        ranges: Sequence[str] = (),
    ) -> None:
        self._namespaces = informers.of(NAMESPACES)
        self._services = informers.of(SERVICES)
        self._slices = informers.of(ENDPOINT_SLICES)
        self._listen = listen
        zone = Zone(name_of(cluster_domain), [ipaddress.IPv4Network(r) for r in ranges])
        self._directory = Directory()
        self._resolver = Resolver(zone, self._directory, upstream)
        self._limiter = Limiter(_QUESTIONS_PER_SECOND, _QUESTIONS_AT_ONCE, _CLIENTS)
        self._connections = 0
        self._sockets: list[tuple[socket.socket, socket.socket]] = []

    def bind(self) -> list[Address]:
        """Take the addresses, and say which they are (for port 0). Raises OSError when one is taken.

        An address need not be there yet: the bridge it belongs to comes with the first Pod.
        """
        try:
            for address in self._listen:
                self._sockets.append(_bound(address))
        except OSError:
            self.close()
            raise
        return [udp.getsockname() for udp, _ in self._sockets]

    def close(self) -> None:
        """Give the addresses back; for one that was bound and never run."""
        for pair in self._sockets:
            for one in pair:
                one.close()
        self._sockets.clear()

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError when an address is taken."""
        if not self._sockets:
            self.bind()
        self._namespaces.add_handler(self._directory.namespace_changed)
        self._services.add_handler(self._directory.service_changed)
        self._slices.add_handler(self._directory.slice_changed)
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            for udp, tcp in self._sockets:
                await self._serve(stack, group, udp, tcp)
            self._sockets.clear()
            for informer in (self._namespaces, self._services, self._slices):
                await informer.wait_synced()
            self._resolver.ready = True
            await asyncio.get_running_loop().create_future()  # until cancelled

    async def _serve(
        self, stack: contextlib.AsyncExitStack, group: asyncio.TaskGroup, udp: socket.socket, tcp: socket.socket
    ) -> None:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._connections >= _CONNECTIONS:
                writer.close()
            else:
                self._connections += 1
                group.create_task(self._converse(reader, writer))

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self, group), sock=udp)
        stack.callback(transport.close)
        server = await asyncio.start_server(connected, sock=tcp)
        stack.callback(server.close)

    def answer(self, message: bytes, client: str, *, tcp: bool) -> bytes | Awaitable[bytes]:
        """The answer to a message; b"" for none."""
        if not self._limiter.allows(client, asyncio.get_running_loop().time()):
            return b""
        try:
            query = parse_query(message)
        except Malformed as error:
            log.debug("from %s: %s", client, error)
            return error.reply
        return self._resolver.answer(query, message, tcp=tcp)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: questions one after the other, until it is closed or silent for long."""
        client = (writer.get_extra_info("peername") or ("",))[0]
        try:
            # the client may go away at any moment; TimeoutError is an OSError
            with contextlib.suppress(OSError, EOFError):
                while True:
                    async with asyncio.timeout(_CONNECTION_SECONDS):
                        length = int.from_bytes(await reader.readexactly(2), "big")
                        if length > _LONGEST_QUESTION:
                            return
                        message = await reader.readexactly(length)
                    found = self.answer(message, client, tcp=True)
                    answer = found if isinstance(found, bytes) else await found
                    if not answer:
                        return
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    async with asyncio.timeout(_CONNECTION_SECONDS):
                        await writer.drain()
        finally:
            self._connections -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    """One UDP address of the server."""

    def __init__(self, server: DnsServer, group: asyncio.TaskGroup) -> None:
        self._server = server
        self._group = group
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        found = self._server.answer(data, addr[0], tcp=False)
        if not isinstance(found, bytes):
            self._group.create_task(self._later(found, addr))
        elif found:
            self._send(found, addr)

    async def _later(self, found: Awaitable[bytes], addr: tuple[str | Any, int]) -> None:
        self._send(await found, addr)

    def _send(self, answer: bytes, addr: tuple[str | Any, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def _bound(address: Address) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket at the same address and port. Raises OSError."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (tcp, udp):
            one.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        tcp.bind(address)
        udp.bind(tcp.getsockname())
    except OSError as error:
        tcp.close()
        udp.close()
        raise OSError(error.errno, f"DNS cannot listen on {address[0]}:{address[1]}: {error.strerror}") from error
    return udp, tcp


_IP_FREEBIND = 15
"""From linux/in.h; Python's socket module has no name for it."""
