"""The HTTP client: any Kubernetes API server, over TLS with a client certificate or a token.

It speaks `client.interface.Client`; what the server answers with a Status comes out as the exception of the same
reason. A request that never reached anybody raises OSError.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from podwright.api.errors import StatusError, from_status
from podwright.api.objects import Object, name_of, namespace_of
from podwright.api.resources import Resource
from podwright.client.interface import DeleteOptions, ObjectList, PatchType, WatchEvent
from podwright.client.kubeconfig import Access, read_kubeconfig

_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_WATCH_SECONDS = 300
"""A watch is asked to end after this long and up to twice as long, so that a dead connection is found."""
_WATCH_SILENCE_SECONDS = 2 * _WATCH_SECONDS + 30
_RETRIES = 10


class HttpClient:
    """One server, one pool of connections; `close` it, or use it as an asynchronous context manager."""

    def __init__(self, access: Access, *, user_agent: str = "podwright") -> None:
        """Raises ssl.SSLError for certificates that cannot be used."""
        self._access = access
        self._base = access.server
        self._ssl = _tls(access) if access.server.startswith("https:") else None
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_kubeconfig(cls, path: Path | str, *, context: str = "") -> HttpClient:
        """A client for a kubeconfig's current (or given) context. Raises KubeconfigError, OSError."""
        return cls(read_kubeconfig(Path(path), context))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; watches end."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit: watches hold their connection for minutes, and must not starve requests.
            connector = aiohttp.TCPConnector(limit=0, ssl=True if self._ssl is None else self._ssl)
            auth = aiohttp.BasicAuth(self._access.username, self._access.password) if self._access.username else None
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, auth=auth)
        return self._session

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """See `interface.Client.get`."""
        return await self._request("GET", resource.path(namespace, name))

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        """See `interface.Client.list`."""
        query = {
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "limit": str(limit or ""),
            "continue": continue_token,
        }
        answer = await self._request("GET", resource.path(namespace), query=query)
        meta = answer.get("metadata") or {}
        items = answer.get("items") or []
        for item in items:
            # Servers leave both out of list items, and whoever records an event about one needs them.
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        version = meta.get("resourceVersion") or ""
        return ObjectList(items, version, meta.get("continue") or "", meta.get("remainingItemCount"))

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """See `interface.Client.watch`."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "labelSelector": label_selector,
            "fieldSelector": field_selector,
            "timeoutSeconds": str(random.randint(_WATCH_SECONDS, 2 * _WATCH_SECONDS)),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_WATCH_SILENCE_SECONDS)
        try:
            response = await self._opened().get(
                self._url(resource.path(namespace), query),
                timeout=timeout,
                headers=await self._authorization(),
                server_hostname=self._access.server_name or None,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self._base, error) from error
        try:
            if response.status != 200:
                raise _refusal(response.status, await response.read())
            events = _watch_events(response)
            try:
                yield events
            finally:
                await events.aclose()
        finally:
            # It ends in the middle of an answer: an orderly goodbye of TLS could outlive the event loop.
            if response.connection is not None and response.connection.transport is not None:
                response.connection.transport.abort()
            response.close()

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """See `interface.Client.create`."""
        path = resource.path(namespace or namespace_of(obj), name, subresource)
        return await self._request("POST", path, body=obj, query={"dryRun": "All" if dry_run else ""})

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `interface.Client.update`."""
        return await self._request("PUT", resource.path(namespace_of(obj), name_of(obj), subresource), body=obj)

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
        field_validation: str = "",
    ) -> Object:
        """See `interface.Client.patch`. `field_validation`: Ignore, Warn or Strict; "" leaves it to the server."""
        return await self._request(
            "PATCH",
            resource.path(namespace, name, subresource),
            body=body,
            query={
                "fieldManager": field_manager,
                "force": "true" if force else "",
                "fieldValidation": field_validation,
            },
            content_type=patch_type.value,
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Object:
        """See `interface.Client.delete`."""
        body = _delete_body(options) if options else None
        return await self._request("DELETE", resource.path(namespace, name), body=body)

    async def read_path(self, path: str) -> Object:
        """What a path that is no object answers with, as discovery (`/apis/apps/v1`) does."""
        return await self._request("GET", path)

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a long answer as they come (a Pod's `log` subresource), with no time limit.

        Raises a StatusError when the server refuses, OSError when the connection breaks.
        """
        try:
            response = await self._opened().get(
                self._url(path, query),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                headers={**await self._authorization(), "Accept": "*/*"},
                server_hostname=self._access.server_name or None,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self._base, error) from error
        try:
            if response.status != 200:
                raise _refusal(response.status, await response.read())
            yield response.content.iter_any()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self._base, error) from error
        finally:
            response.close()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        data = None if body is None else msgspec.json.encode(body)
        headers = await self._authorization()
        if data is not None:
            headers["Content-Type"] = content_type
        url = self._url(path, query or {})
        for attempt in range(_RETRIES + 1):
            try:
                async with self._opened().request(
                    method,
                    url,
                    data=data,
                    headers=headers,
                    timeout=_REQUEST_TIMEOUT,
                    server_hostname=self._access.server_name or None,
                ) as response:
                    answer = await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _unreachable(self._base, error) from error
            if response.status < 300:
                return _decoded(answer, url)
            wait = response.headers.get("Retry-After", "")
            # Asked to come back, it did nothing yet, whatever the verb is.
            if not (wait.isdigit() and (response.status == 429 or response.status >= 500)) or attempt == _RETRIES:
                break
            await asyncio.sleep(min(int(wait), 30))
        raise _refusal(response.status, answer)

    def _url(self, path: str, query: Mapping[str, str]) -> URL:
        return URL(self._base + path).with_query({name: value for name, value in query.items() if value})

    async def _authorization(self) -> dict[str, str]:
        token = self._access.token
        if self._access.token_file:
            # It is replaced while it is used; and a file read may block.
            token = (await asyncio.to_thread(Path(self._access.token_file).read_text)).strip()
        return {"Authorization": f"Bearer {token}"} if token else {}


async def _watch_events(response: aiohttp.ClientResponse) -> AsyncGenerator[WatchEvent, None]:
    """One JSON document a line; a line that the connection's end cut short counts as not sent."""
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if not line.strip():
                    continue
                event = msgspec.json.decode(line)
                if event["type"] == "ERROR":
                    raise from_status(event["object"])
                yield WatchEvent(event["type"], event["object"])
    except (aiohttp.ClientError, TimeoutError):
        # However it ended: whoever watches goes on from the last version seen.
        return
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ConnectionError(f"the server sent a watch event that cannot be read: {error}") from error


def _decoded(answer: bytes, url: URL) -> Object:
    try:
        decoded = msgspec.json.decode(answer)
    except msgspec.DecodeError as error:
        raise ConnectionError(f"{url.path}: the answer is not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise ConnectionError(f"{url.path}: the answer is not an object")
    return decoded


def _refusal(code: int, answer: bytes) -> StatusError:
    try:
        status = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return from_status(status)
    text = answer.decode(errors="replace").strip() or f"the server answered {code}"
    return from_status({"code": code, "message": text})


def _unreachable(server: str, error: Exception) -> OSError:
    if isinstance(error, TimeoutError):
        return TimeoutError(f"{server} did not answer in time")
    return error if isinstance(error, OSError) else ConnectionError(f"{server}: {error or type(error).__name__}")


def _delete_body(options: DeleteOptions) -> dict[str, Any]:
    preconditions = {
        name: value for name, value in (("uid", options.uid), ("resourceVersion", options.resource_version)) if value
    }
    body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", **options.extra}
    if options.grace_period_seconds is not None:
        body["gracePeriodSeconds"] = options.grace_period_seconds
    if options.propagation_policy:
        body["propagationPolicy"] = options.propagation_policy
    if preconditions:
        body["preconditions"] = preconditions
    if options.dry_run:
        body["dryRun"] = ["All"]
    return body


def _tls(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=access.ca.decode() if access.ca else None)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if access.certificate:
        # Python reads them from a file only; this one is in memory and nobody else can open it.
        descriptor = os.memfd_create("client-certificate")
        try:
            os.write(descriptor, access.certificate + b"\n" + access.key)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    return context
