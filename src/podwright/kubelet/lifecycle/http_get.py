"""The GET requests of hooks and probes.

Straight to the address: no proxy, no check of the certificate, no cookies, a connection for each request. Redirects are
followed on the same host only, and of a body only the beginning is read. Errors are worded as Go words them, since
people look for those words.

Written on plain streams: a probe costs less than half the processor time that aiohttp's client takes for it (200
against 480 microseconds), and a node with many Pods does little else while it is idle.
Called by `handlers.py` and `prober/runners.py`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import re
import ssl
from dataclasses import dataclass
from urllib.parse import quote as percent_encode
from urllib.parse import urljoin, urlsplit

from podwright.kubelet.environment.quoting import quote
from podwright.kubelet.lifecycle.http_answer import BODY_LIMIT, HEAD_LIMIT, Head, MalformedAnswer, parse_head, unchunk
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


def dial_error(error: OSError, target: str) -> str:
    """`dial tcp 10.0.0.1:80: connect: connection refused`"""
    code = error.errno or 0
    if isinstance(error, TimeoutError) or code == errno.ETIMEDOUT:
        return f"dial tcp {target}: i/o timeout"
    if code <= 0 or code not in errno.errorcode:
        return f"dial tcp {target}: {error.strerror or error}"
    return f"dial tcp {target}: connect: {os.strerror(code).lower()}"


async def http_get(target: HttpTarget, timeout: float | None = None) -> HttpAnswer:
    """The answer, after redirects on the same host. `timeout` in seconds for all of it.

    Raises HttpError; PlainAnswerError for an HTTPS request that got an answer in clear.
    """
    url, host = target.url, urlsplit(target.url).hostname
    try:
        async with asyncio.timeout(timeout):
            for _ in range(_MAX_REDIRECTS):
                answer, location = await _once(url, target)
                if location is None:
                    return answer
                url = urljoin(url, location)
                if urlsplit(url).hostname != host:
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
    request = _request(url, target)
    peer = join_host_port(where.hostname, port)
    secure = where.scheme == "https"
    try:
        reader, writer = await asyncio.open_connection(
            where.hostname,
            port,
            limit=HEAD_LIMIT,
            ssl=_unverified() if secure else None,
            ssl_shutdown_timeout=_TLS_GOODBYE if secure else None,
        )
    except ssl.SSLError as error:
        if any(word in str(error) for word in _PLAIN_ANSWER):
            raise PlainAnswerError(f'Get "{url}": http: server gave HTTP response to HTTPS client') from None
        raise HttpError(f'Get "{url}": remote error: tls: {error.reason or error}') from None
    except TimeoutError:
        raise
    except OSError as error:
        # A refused handshake ends the connection, which is not a failure to connect.
        if secure and isinstance(error, ConnectionResetError):
            raise HttpError(f'Get "{url}": EOF') from None
        raise HttpError(f'Get "{url}": {dial_error(error, peer)}') from None
    try:
        writer.write(request)
        head = await _head(reader)
        answer = HttpAnswer(head.status, await _body(reader, head))
    except MalformedAnswer as error:
        raise HttpError(f'Get "{url}": net/http: HTTP/1.x transport connection broken: {error}') from None
    except asyncio.IncompleteReadError as error:
        raise HttpError(f'Get "{url}": {"unexpected EOF" if error.partial else "EOF"}') from None
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        text = os.strerror(error.errno).lower() if error.errno else str(error)
        raise HttpError(f'Get "{url}": read tcp {peer}: read: {text}') from None
    finally:
        writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answer, head.headers.get("location") if head.status in _REDIRECTS else None


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


async def _head(reader: asyncio.StreamReader) -> Head:
    """The final head of the answer; what the server says before it (100 to 199) is left out."""
    while True:
        try:
            head = parse_head(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            raise MalformedAnswer("the head of the answer is too long") from None
        except asyncio.IncompleteReadError as error:
            # What does not begin like HTTP is told as such, whether it ends in an empty line or not.
            if error.partial and not b"HTTP/".startswith(error.partial[:5]):
                parse_head(error.partial)
            raise
        if not 100 <= head.status < 200:
            return head


async def _body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """The beginning of the body; one that ends early is taken as far as it came."""
    if head.status in (204, 304):
        return b""
    # Framing of chunks takes some room beside what it frames.
    wanted = min(head.length if head.length is not None else BODY_LIMIT, BODY_LIMIT) * (2 if head.chunked else 1)
    raw = b""
    while len(raw) < wanted and (part := await reader.read(wanted - len(raw))):
        raw += part
        if head.chunked and raw.endswith(b"0\r\n\r\n"):
            break
    return (unchunk(raw) if head.chunked else raw)[:BODY_LIMIT]


@functools.cache
def _unverified() -> ssl.SSLContext:
    """TLS that trusts whoever answers, as the kubelet does for hooks and probes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
