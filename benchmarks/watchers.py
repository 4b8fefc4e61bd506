"""One process of watchers for `fan_out`: many watches, each a TLS connection, and when an event has reached all.

Run as `python -m benchmarks.watchers` with the task as JSON in the first line of standard input; then each further
line is a marker to look for, and the answer the time.monotonic() at which the last watch had it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import Any, cast

import uvloop


class Watcher(asyncio.Protocol):
    """One watch."""

    def __init__(self, group: Watchers) -> None:
        self._group = group
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._group.request)

    def data_received(self, data: bytes) -> None:
        seen = self._tail + data
        if self._group.marker in seen:
            self._tail = b""
            self._group.one_more()
        else:
            self._tail = seen[-64:]

    def connection_lost(self, error: Exception | None) -> None:
        self._group.lost(error)


class Watchers:
    """All watches of this process."""

    def __init__(self, request: bytes, count: int) -> None:
        self.request = request
        self.marker = b"HTTP/1.1 200"
        self._count = count
        self._seen = 0
        self._all: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def look_for(self, marker: bytes) -> asyncio.Future[float]:
        """When the last watch has had these bytes."""
        self.marker, self._seen = marker, 0
        self._all = asyncio.get_running_loop().create_future()
        return self._all

    def one_more(self) -> None:
        """A watch has them."""
        self._seen += 1
        if self._seen == self._count:
            self._all.set_result(time.monotonic())

    def lost(self, error: Exception | None) -> None:
        """A watch ended."""
        if not self._all.done():
            self._all.set_exception(error or ConnectionError("a watch ended"))


async def serve() -> None:
    """Connect, then answer every line."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    task: dict[str, Any] = json.loads(await lines.readline())
    context = ssl.create_default_context(cadata=task["ca"])
    context.load_cert_chain(task["certificate"])
    request = f"GET {task['path']} HTTP/1.1\r\nHost: {task['host']}\r\nAccept: application/json\r\n\r\n".encode()
    watchers = Watchers(request, task["count"])
    reached = watchers.look_for(b"HTTP/1.1 200")
    for _ in range(task["count"]):
        await loop.create_connection(lambda: Watcher(watchers), task["host"], task["port"], ssl=context)
    print(await reached, flush=True)
    while line := await lines.readline():
        reached = watchers.look_for(line.strip())
        print("looking", flush=True)
        print(await reached, flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
