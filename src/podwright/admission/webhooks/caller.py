"""Posts an AdmissionReview over HTTPS and gives back the decoded answer.

One pool of connections for all webhooks; a TLS context for each CA bundle, made in a thread when it is first needed.
Called by `dispatch`. Errors are worded as kube-apiserver's.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
"""

from __future__ import annotations

import asyncio
import binascii
import os
import ssl
from typing import TYPE_CHECKING, Any, Final

import msgspec

from podwright.admission.webhooks.endpoint import Endpoint

if TYPE_CHECKING:
    import aiohttp

_MOST_BYTES: Final = 16 * 1024 * 1024
"""An answer that is longer is not read."""
_KEEP_ALIVE: Final = 30.0
_MOST_CONTEXTS: Final = 64
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json, */*",
    "User-Agent": "kube-apiserver-admission",
}
_UNKNOWN_AUTHORITY: Final = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's verification errors that mean: nobody we trust has signed it."""
_HOSTNAME_MISMATCH: Final = frozenset({62, 64})
_EXPIRED: Final = 10
_REFUSALS: Final = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class PostFailed(Exception):
    """Nothing usable came back; the text says why."""


class _Ended(OSError):
    """The other end closed the connection without an answer."""


class Caller:
    """The HTTPS client of the webhooks of one server; `close` it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._closed = False

    async def post(self, endpoint: Endpoint, body: bytes, timeout: int) -> Any:
        """The decoded answer to `body`, within `timeout` seconds. Raises PostFailed."""
        shown = f"{endpoint.shown}?timeout={timeout}s"
        try:
            async with asyncio.timeout(timeout):
                status, answer = await self._posted(endpoint, body, timeout)
        except TimeoutError:
            raise PostFailed(f'Post "{shown}": context deadline exceeded') from None
        except (OSError, ssl.SSLError, ValueError) as error:
            raise PostFailed(f'Post "{shown}": {_words(error, endpoint)}') from None
        if not 200 <= status < 300:
            raise PostFailed(refused(status, answer))
        try:
            return msgspec.json.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PostFailed(f"couldn't get version/kind; json parse error: {error}") from None

    async def close(self) -> None:
        """Close the connections; nothing can be asked any more."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _posted(self, endpoint: Endpoint, body: bytes, timeout: int) -> tuple[int, bytes]:
        import aiohttp

        context = await self._context(endpoint.ca_bundle)
        try:
            try:
                return await self._once(endpoint, context, body, timeout)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError):
                # A connection of the pool whose other end had gone; a new one tells whether anybody is there.
                return await self._once(endpoint, context, body, timeout)
        except aiohttp.ClientConnectorCertificateError as error:
            raise error.certificate_error from None
        except aiohttp.ClientConnectorError as error:
            raise error.os_error from None
        except aiohttp.ServerDisconnectedError:
            raise _Ended("EOF") from None
        except aiohttp.ClientError as error:
            if isinstance(error, OSError):
                raise
            raise ValueError(str(error)) from None

    async def _once(self, endpoint: Endpoint, context: ssl.SSLContext, body: bytes, timeout: int) -> tuple[int, bytes]:
        from yarl import URL

        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        url = URL(f"https://{host}:{endpoint.port}{endpoint.path}").with_query(timeout=f"{timeout}s")
        headers = _HEADERS | {"Host": f"{endpoint.server_name}:{endpoint.port}"}
        async with self._pool().post(
            url, data=body, headers=headers, ssl=context, server_hostname=endpoint.server_name, allow_redirects=False
        ) as answer:
            read = bytearray()
            async for chunk in answer.content.iter_any():
                read += chunk
                if len(read) > _MOST_BYTES:
                    raise ValueError(f"the response has more than {_MOST_BYTES} bytes")
            return answer.status, bytes(read)

    def _pool(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ValueError("the server is shutting down")
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session

    async def _context(self, ca_bundle: str) -> ssl.SSLContext:
        context = self._contexts.get(ca_bundle)
        if context is None:
            context = await asyncio.to_thread(tls_context, ca_bundle)
            while len(self._contexts) >= _MOST_CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[ca_bundle] = context
        return context


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """A client's context that trusts `ca_bundle` (base64 of PEM), or what this machine trusts. Blocks for a moment.

    Raises ValueError for a bundle that is none.
    """
    if not ca_bundle:
        return ssl.create_default_context()
    try:
        pem = binascii.a2b_base64(ca_bundle.encode()).decode("ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise ValueError(f"unable to load root certificates: {error}") from None
    return context


def refused(status: int, body: bytes) -> str:
    """What an answer with an error status says."""
    said = body[:1024].decode("utf-8", "replace").strip()
    if status == 403:
        return said or "unknown"
    if status in _REFUSALS:
        return _REFUSALS[status]
    if status >= 500:
        return f'an error on the server ("{said}") has prevented the request from succeeding'
    return f"the server responded with the status code {status} but did not return more information"


def _words(error: Exception, endpoint: Endpoint) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_certificate(error, endpoint)}"
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    if isinstance(error, OSError) and error.errno and not isinstance(error, _Ended):
        if error.errno < 0:  # of getaddrinfo
            return f"dial tcp: lookup {endpoint.host}: no such host"
        where = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        return f"dial tcp {where}:{endpoint.port}: connect: {os.strerror(error.errno).lower()}"
    return str(error)


def _certificate(error: ssl.SSLCertVerificationError, endpoint: Endpoint) -> str:
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return "certificate signed by unknown authority"
    if error.verify_code == _EXPIRED:
        return "certificate has expired or is not yet valid"
    if error.verify_code in _HOSTNAME_MISMATCH:
        return f"certificate is not valid for {endpoint.server_name}"
    return error.verify_message or str(error)
