"""The GET requests of hooks and probes.

Straight to the address: no proxy, no check of the certificate, no cookies, a connection for each request. Redirects are
followed on the same host only, and of a body only the beginning is read. Errors are worded as Go words them, since
people look for those words.

Written on a bare protocol: a node with many Pods does little else than probing while it is idle, and each time that it
has to wake up for one costs as much as the work itself. SO_LINGER, which the kubelet sets for its probes, is not set:
with it the end of a connection may hold up the whole loop.
Called by `handlers.py` and `prober/runners.py`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import ssl
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote as percent_encode
from urllib.parse import urljoin, urlsplit

from podwright.kubelet.environment.quoting import quote
from podwright.kubelet.lifecycle.dial import dial_error
from podwright.kubelet.lifecycle.http_answer import AnswerReader, EndedEarly, MalformedAnswer
from podwright.kubelet.lifecycle.target import HttpTarget, join_host_port

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_TIMEOUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
_PLAIN_ANSWER = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE", "PACKET_LENGTH_TOO_LONG")
_TLS_GOODBYE = 1.0
"""Seconds that the other side has to end TLS in good order."""
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNRESERVED = "/?:@!$&'()*+,;=-._~%[]"


class HttpError(Exception):
    """There was no answer; the text is Go's: `Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: ...`."""


class PlainAnswerError(HttpError):
    """An HTTPS request was answered without TLS."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The status, the beginning of the body, and whether it is a redirect to another host that was not followed."""

    status: int
    body: bytes
    redirect: bool = False


async def http_get(target: HttpTarget, timeout: float | None = None) -> HttpAnswer:
    """The answer, after redirects on the same host. `timeout` in seconds for all of it.

    Raises HttpError; PlainAnswerError for an HTTPS request that got an answer in clear.
    """
    url = target.url
    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise HttpError(f"parse {quote(url)}: {error}") from None
    try:
        async with asyncio.timeout(timeout):
            for _ in range(_MAX_REDIRECTS):
                answer, location = await _once(url, target)
                if location is None:
                    return answer
                try:
                    there = urljoin(url, location)
                    elsewhere = urlsplit(there).hostname != host
                except ValueError:
                    raise HttpError(f'Get "{url}": failed to parse Location header {quote(location)}') from None
                url = there
                if elsewhere:
                    return HttpAnswer(answer.status, answer.body, redirect=True)
    except TimeoutError:
        raise HttpError(f'Get "{url}": {_TIMEOUT}') from None
    raise HttpError(f'Get "{url}": stopped after {_MAX_REDIRECTS} redirects')


async def _once(url: str, target: HttpTarget) -> tuple[HttpAnswer, str | None]:
    """One request: the answer, and where it sends us (None: nowhere)."""
    where = urlsplit(url)
    try:
        port = where.port or (443 if where.scheme == "https" else 80)
    except ValueError:
        raise HttpError(f'Get "{url}": invalid port') from None
    if where.scheme not in ("http", "https") or not where.hostname:
        raise HttpError(f'Get "{url}": unsupported protocol scheme {quote(where.scheme)}')
    exchange = _Exchange(_request(url, target))
    peer = join_host_port(where.hostname, port)
    try:
        reader = await exchange.run(where.hostname, port, secure=where.scheme == "https")
    except ssl.SSLError as error:
        if any(word in str(error) for word in _PLAIN_ANSWER):
            raise PlainAnswerError(f'Get "{url}": http: server gave HTTP response to HTTPS client') from None
        raise HttpError(f'Get "{url}": remote error: tls: {error.reason or error}') from None
    except MalformedAnswer as error:
        raise HttpError(f'Get "{url}": net/http: HTTP/1.x transport connection broken: {error}') from None
    except EndedEarly as error:
        raise HttpError(f'Get "{url}": {error}') from None
    except UnicodeError:
        raise HttpError(f'Get "{url}": dial tcp: lookup {where.hostname}: no such host') from None
    except TimeoutError:
        raise
    except OSError as error:
        if exchange.connected:
            text = os.strerror(error.errno).lower() if error.errno else str(error)
            raise HttpError(f'Get "{url}": read tcp {peer}: read: {text}') from None
        # A refused handshake ends the connection, which is not a failure to connect.
        if where.scheme == "https" and isinstance(error, ConnectionResetError):
            raise HttpError(f'Get "{url}": EOF') from None
        raise HttpError(f'Get "{url}": {dial_error(error, peer)}') from None
    head = reader.head
    assert head is not None
    location = head.headers.get("location") if head.status in _REDIRECTS else None
    return HttpAnswer(head.status, reader.body), location or None


class _Exchange(asyncio.Protocol):
    """One request over a connection of its own, and the answer to it."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._reader = AnswerReader()
        self._over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """what went wrong, once the answer is there or will not come"""
        self._transport: asyncio.Transport | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection was made, TLS included."""
        return self._transport is not None

    async def run(self, host: str, port: int, *, secure: bool) -> AnswerReader:
        """The answer. Raises MalformedAnswer, EndedEarly, OSError (ssl.SSLError among them)."""
        answered = False
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self,
                host,
                port,
                ssl=_unverified() if secure else None,
                ssl_shutdown_timeout=_TLS_GOODBYE if secure else None,
            )
            error = await self._over
            if error is not None:
                raise error
            answered = True
        finally:
            if self._transport is not None:
                # What may be left to send is of no use to a server that did not answer.
                self._transport.close() if answered else self._transport.abort()
        return self._reader

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Listen, until all is said."""
        if self._over.done():
            return
        try:
            if self._reader.feed(data):
                self._over.set_result(None)
        except MalformedAnswer as error:
            self._over.set_result(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; a body may end so."""
        if self._over.done():
            return
        try:
            if exc is None:
                self._reader.end()
            self._over.set_result(exc)
        except (MalformedAnswer, EndedEarly) as error:
            self._over.set_result(error)


def _request(url: str, target: HttpTarget) -> bytes:
    """The request as it goes over the wire. Raises HttpError for a header that would break it apart."""
    where = urlsplit(url)
    path = percent_encode(where.path or "/", safe=_UNRESERVED)
    if where.query:
        path += "?" + percent_encode(where.query, safe=_UNRESERVED)
    host = next((value for name, value in target.headers if name.lower() == "host" and value), where.netloc)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    for name, value in target.headers:
        if not _TOKEN.fullmatch(name):
            raise HttpError(f'Get "{url}": net/http: invalid header field name {quote(name)}')
        if _CONTROL.search(value):
            raise HttpError(f'Get "{url}": net/http: invalid header field value for {quote(name)}')
        if name.lower() not in ("host", "connection"):
            lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


@functools.cache
def _unverified() -> ssl.SSLContext:
    """TLS that trusts whoever answers, as the kubelet does for hooks and probes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
