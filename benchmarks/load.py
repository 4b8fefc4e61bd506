"""One client process of the API server's benchmarks: one TLS connection, one request at a time, prepared bytes.

Run by `api_server` as `python -m benchmarks.load`, with what to do as JSON on standard input; writes what it counted
as JSON. It parses no more of an answer than its status and length: on a machine with few cores a client that does
more would be measured in the server's place.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """What to ask and for how long. `{n}` in path and body stands for the number of the request."""

    host: str
    port: int
    ca: str
    """PEM text"""
    certificate: str
    """path of a file with certificate and key"""
    method: str
    path: str
    body: str
    content_type: str
    accept_encoding: str
    begin: float
    """time.monotonic() at which all clients begin"""
    seconds: float


def connect(host: str, port: int, ca: str, certificate: str) -> ssl.SSLSocket:
    """A TLS connection with a client certificate."""
    context = ssl.create_default_context(cadata=ca)
    context.load_cert_chain(certificate)
    raw = socket.create_connection((host, port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname=host)


def _requests(task: Task) -> Iterator[bytes]:
    number = 0
    while True:
        path, body = (text.replace("{n}", str(number)) for text in (task.path, task.body))
        head = (
            f"{task.method} {path} HTTP/1.1\r\nHost: {task.host}\r\nAccept: application/json\r\n"
            f"Accept-Encoding: {task.accept_encoding}\r\n"
        )
        if body:
            head += f"Content-Type: {task.content_type}\r\nContent-Length: {len(body.encode())}\r\n"
        yield f"{head}\r\n{body}".encode()
        number += 1


def answer(connection: ssl.SSLSocket, buffer: bytearray) -> tuple[int, int]:
    """Read one answer: its status and the length of its body. Raises ValueError, ConnectionError."""
    view = memoryview(buffer)
    have = 0
    while (end := buffer.find(b"\r\n\r\n", 0, have)) < 0:
        got = connection.recv_into(view[have:])
        if not got:
            raise ConnectionError("the server closed the connection")
        have += got
    head = bytes(view[:end]).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    missing = length - (have - end - 4)
    while missing > 0:
        missing -= connection.recv_into(view, min(missing, len(buffer)))
    return int(head.split(b" ", 2)[1]), length


def work(task: Task) -> dict[str, Any]:
    """Ask until the time is over."""
    buffer = bytearray(1 << 18)
    requests = _requests(task)
    length = 0
    with connect(task.host, task.port, task.ca, task.certificate) as connection:
        time.sleep(max(0.0, task.begin - time.monotonic()))
        done, deadline = 0, task.begin + task.seconds
        while time.monotonic() < deadline:
            connection.sendall(next(requests))
            status, length = answer(connection, buffer)
            if status not in (200, 201):
                raise ValueError(f"{task.method} {task.path}: {status}: {bytes(buffer[:800])!r}")
            done += 1
        took = time.monotonic() - task.begin
    return {"per_second": done / took, "bytes": length}


def main() -> None:
    """One task from standard input."""
    json.dump(work(Task(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
