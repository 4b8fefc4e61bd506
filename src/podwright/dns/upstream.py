"""Asks the machine's own name servers what is not the cluster's. Called by `server`.

A server that does not answer is asked last from then on, so that only the first question waits for it.
Source: https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from podwright.dns.wire import answers_question, with_id


class Server(NamedTuple):
    """Where a name server listens."""

    ip: str
    port: int = 53


class Unreachable(OSError):
    """No name server has answered, or there is none, or too many questions wait already."""


class ResolvConf:
    """The name servers in a resolv.conf; `own`: addresses that are ourselves and must not be asked."""

    def __init__(self, path: Path, own: Collection[str] = (), clock: Callable[[], float] | None = None) -> None:
        self._path = path
        self._own = frozenset(own)
        self._clock = clock
        self._servers: Sequence[Server] = ()
        self._read_again_at = float("-inf")

    async def servers(self) -> Sequence[Server]:
        """The servers, in order; the file is read again after some seconds, for networks that come and go."""
        now = self._clock() if self._clock else asyncio.get_running_loop().time()
        if now >= self._read_again_at:
            self._read_again_at = now + 5.0
            self._servers = await asyncio.to_thread(self._read)
        return self._servers

    def _read(self) -> Sequence[Server]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        lines = [line.split() for line in text.splitlines()]
        found = [line[1] for line in lines if len(line) > 1 and line[0] == "nameserver"]
        return [Server(ip) for ip in found if ip not in self._own][:3]


class Forwarder:
    """Passes questions on. `patience`: seconds for one server; `most`: questions that may wait at once."""

    def __init__(
        self, servers: Callable[[], Awaitable[Sequence[Server]]], *, patience: float = 1.5, most: int = 512
    ) -> None:
        self._find_servers = servers
        self._patience = patience
        self._most = most
        self._waiting = 0
        self._silent: dict[Server, None] = {}
        """Those that did not answer when asked last."""

    async def ask(self, message: bytes, *, tcp: bool = False) -> bytes:
        """The answer to a question, under the question's own id. Raises Unreachable."""
        if self._waiting >= self._most:
            raise Unreachable(f"{self._waiting} questions wait for an answer already")
        self._waiting += 1
        try:
            return await self._ask(message, tcp)
        finally:
            self._waiting -= 1

    async def _ask(self, message: bytes, tcp: bool) -> bytes:
        servers = await self._find_servers()
        if not servers:
            raise Unreachable("this machine has no name server")
        self._silent = {s: None for s in self._silent if s in servers}
        order = [*(s for s in servers if s not in self._silent), *self._silent]
        # a lost datagram is not a lost server
        for server in order if len(order) > 1 else order * 2:
            asked = with_id(message, secrets.randbelow(65536))
            try:
                async with asyncio.timeout(self._patience):
                    answer = await (_over_tcp if tcp else _over_udp)(asked, server)
            except (OSError, EOFError):  # TimeoutError is one
                self._silent[server] = None
                continue
            self._silent.pop(server, None)
            return with_id(answer, int.from_bytes(message[:2], "big"))
        raise Unreachable(f"no answer from {', '.join(s.ip for s in order)}")


class _OneAnswer(asyncio.DatagramProtocol):
    """Waits for the answer to one question and passes over everything else, forged answers for example."""

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: object) -> None:
        if not self.answer.done() and answers_question(data, self._asked):
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _over_udp(message: bytes, server: Server) -> bytes:
    # A socket for each question: its random port is half of what a forger would have to guess.
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _OneAnswer(message), remote_addr=server)
    try:
        transport.sendto(message)
        return await protocol.answer
    finally:
        transport.close()


async def _over_tcp(message: bytes, server: Server) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not answers_question(answer, message):
        raise EOFError("an answer to another question")
    return answer
