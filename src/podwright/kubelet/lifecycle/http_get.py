"""The GET requests of hooks and probes.

Straight to the address: no proxy, no check of the certificate, no cookies, a connection for each request. Redirects are
followed on the same host only, and of a body only the beginning is read. Errors are worded as Go words them, since
people look for those words.
Called by `hooks.py` and `prober/runners.py`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from podwright.kubelet.lifecycle.target import HttpTarget

if TYPE_CHECKING:
    import aiohttp

BODY_LIMIT = 10 * 1024
"""Bytes of a body that are read."""
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 10
_TIMEOUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
_PLAIN_ANSWER = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE", "PACKET_LENGTH_TOO_LONG")


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


class HttpGetter:
    """Sends GET requests. Use as an async context manager, or `close` it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpGetter:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, target: HttpTarget, timeout: float | None = None) -> HttpAnswer:
        """The answer, after redirects on the same host. `timeout` in seconds for all of it.

        Raises HttpError; PlainAnswerError for an HTTPS request that got an answer in clear.
        """
        url, host = target.url, urlsplit(target.url).hostname
        try:
            async with asyncio.timeout(timeout):
                for _ in range(_MAX_REDIRECTS):
                    answer, location = await self._once(url, target)
                    if location is None:
                        return answer
                    url = urljoin(url, location)
                    if urlsplit(url).hostname != host:
                        return HttpAnswer(answer.status, answer.body, redirect=True)
        except TimeoutError:
            raise HttpError(f'Get "{url}": {_TIMEOUT}') from None
        raise HttpError(f'Get "{url}": stopped after {_MAX_REDIRECTS} redirects')

    async def _once(self, url: str, target: HttpTarget) -> tuple[HttpAnswer, str | None]:
        """One request: the answer, and where it sends us (None: nowhere)."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=False, force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            )
        try:
            async with self._session.get(url, headers=target.headers, allow_redirects=False) as response:
                location = response.headers.get("Location") if response.status in _REDIRECTS else None
                body = b""
                while len(body) < BODY_LIMIT and (chunk := await response.content.read(BODY_LIMIT - len(body))):
                    body += chunk
                return HttpAnswer(response.status, body), location
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _go_error(url, error) from None


def _go_error(url: str, error: Exception) -> HttpError:
    import aiohttp

    where = urlsplit(url)
    target = where.netloc
    if isinstance(error, aiohttp.ClientConnectorSSLError | aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        if any(word in str(error) for word in _PLAIN_ANSWER):
            return PlainAnswerError(f'Get "{url}": http: server gave HTTP response to HTTPS client')
        return HttpError(f'Get "{url}": remote error: tls: {error}')
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return HttpError(f'Get "{url}": dial tcp: lookup {where.hostname}: no such host')
        return HttpError(f'Get "{url}": {dial_error(cause, target)}')
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return HttpError(f'Get "{url}": EOF')
    if isinstance(error, OSError) and error.errno == errno.ECONNRESET:
        return HttpError(f'Get "{url}": read tcp {target}: read: connection reset by peer')
    if isinstance(error, aiohttp.ClientResponseError):
        return HttpError(f'Get "{url}": net/http: HTTP/1.x transport connection broken: malformed HTTP response')
    return HttpError(f'Get "{url}": {error}')
