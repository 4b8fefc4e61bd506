"""pods/proxy and services/proxy: an HTTP request to a Pod's own server, through the API server.

A name may bring a scheme and a port: `https:web:8443`, `web:http`, `web`. A Service's request goes to one of its ready
endpoints. Links of HTML pages and redirections are made to lead through here again. Called by `front.py`.
Page: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from aiohttp import web

from podwright.api.errors import BadRequest, NotFound, StatusError, Unavailable
from podwright.api.objects import Object
from podwright.api.resources import ENDPOINTS, PODS, SERVICES
from podwright.apiserver.context import Context
from podwright.apiserver.forward import Forwarder, Target, kept_headers, streamed
from podwright.apiserver.html_links import rewritten
from podwright.apiserver.routes import Asked

if TYPE_CHECKING:
    from aiohttp import ClientResponse

PROXIED_WORKLOADS = frozenset((("pods", "proxy"), ("services", "proxy")))
"""Plural and subresource of what is handed on."""
PAGE_LIMIT = 512 * 1024
"""Bytes of a page whose links are looked at; a longer one comes as it is."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Whose server is asked, and how."""

    scheme: str
    name: str
    port: str
    """"" where none was given; a number, or a Service's name for one"""


def parse_name(text: str) -> Backend:
    """`name`, `name:port`, `scheme:name:port` or `scheme:name:`. Raises BadRequest.

    Source: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
    """
    match text.split(":"):
        case [name]:
            return Backend("http", name, "")
        case [name, port]:
            return Backend("http", name, port)
        case ["http" | "https" as scheme, name, port]:
            return Backend(scheme, name, port)
    raise BadRequest(f"invalid request {text!r}: want NAME, NAME:PORT or http|https:NAME:PORT")


def pod_address(pod: Object, port: str) -> tuple[str, int]:
    """Where a Pod serves; without a port, at its first container's first one. Raises BadRequest, Unavailable."""
    name = pod["metadata"]["name"]
    host = (pod.get("status") or {}).get("podIP") or ""
    if not host:
        raise Unavailable(f'pod "{name}" has no address yet')
    if not port:
        ports = [p for c in (pod.get("spec") or {}).get("containers") or () for p in (c.get("ports") or ())[:1]]
        return host, int(ports[0]["containerPort"]) if ports else 80
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise BadRequest(f'port "{port}" of pod "{name}" is not a number from 1 to 65535')
    return host, int(port)


def service_addresses(service: Object, endpoints: Object | None, port: str) -> list[tuple[str, int]]:
    """The ready endpoints of a Service's port. Raises Unavailable: there is no such port, or none is ready."""
    name = service["metadata"]["name"]
    ports = (service.get("spec") or {}).get("ports") or []
    if port:
        meant = [p for p in ports if p.get("name") == port or str(p["port"]) == port]
    else:
        meant = ports if len(ports) == 1 else [p for p in ports if not p.get("name")]
    if not meant:
        raise Unavailable(f'no service port "{port}" found for service "{name}"')
    port_name = meant[0].get("name", "")
    found = [
        (address["ip"], int(served["port"]))
        for subset in (endpoints or {}).get("subsets") or ()
        for served in subset.get("ports") or ()
        if served.get("name", "") == port_name
        for address in subset.get("addresses") or ()
    ]
    if not found:
        raise Unavailable(f'no endpoints available for service "{name}"')
    return found


def check_address(host: str) -> None:
    """No way through here to what listens for this machine alone. Raises BadRequest.

    Source: CVE-2020-8555, whose cure this is upstream too.
    """
    address = ipaddress.ip_address(host)
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise BadRequest(f"address not allowed: {host}")


def link_through(text: str, target: Target, prefix: str) -> str:
    """A link of the target's answer: its own addresses become paths below `prefix`, all else stays."""
    to = urlsplit(text)
    if to.netloc and to.netloc not in (f"{target.host}:{target.port}", target.host):
        return text
    if not to.path.startswith("/"):
        return text
    return _with_query(prefix + to.path, to.query) + (f"#{to.fragment}" if to.fragment else "")


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


class WorkloadProxy:
    """Hands requests on to the servers of Pods."""

    def __init__(self, context: Context, forwarder: Forwarder) -> None:
        self._context = context
        self._forwarder = forwarder
        self._tls: ssl.SSLContext | None = None

    async def serve(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        """Answer a request with what the Pod's server answers. Raises StatusError."""
        backend = parse_name(asked.name)
        host, port = self._address(asked, backend)
        check_address(host)
        prefix = f"/api/v1/namespaces/{asked.namespace}/{asked.plural}/{asked.name}/proxy"
        base, below = quote(prefix, safe="/:"), request.path[len(prefix) :]
        query = request.raw_path.partition("?")[2]
        if not below and request.method in ("GET", "HEAD"):
            # relative links of the page would lead elsewhere
            return web.Response(status=301, headers={"Location": _with_query(f"{base}/", query)})
        tls = await self._unverified() if backend.scheme == "https" else None
        target = Target(host, port, _with_query(quote(below or "/", safe="/~:@!$&'()*+,;="), query), tls)
        if request.headers.get("Upgrade"):
            return await self._forwarder.upgraded(request, target, _unreachable)

        def through(link: str) -> str:
            return link_through(link, target, base)

        async with self._forwarder.opened(request, target, _unreachable) as answer:
            if (to := answer.headers.get("Location")) is not None:
                return web.Response(status=answer.status, headers={"Location": through(to)})
            if answer.content_type != "text/html" or "Content-Encoding" in answer.headers:
                return await streamed(request, answer)
            begun = await _up_to(answer, PAGE_LIMIT)
            if len(begun) > PAGE_LIMIT:
                return await streamed(request, answer, begun)
            response = web.Response(status=answer.status, headers=kept_headers(answer))
            response.body = _through_here(begun, answer.get_encoding(), through)
            return response

    def _address(self, asked: Asked, backend: Backend) -> tuple[str, int]:
        resource = PODS if asked.plural == "pods" else SERVICES
        found = self._context.find(resource, backend.name, asked.namespace)
        if found is None:
            raise NotFound.of(asked.plural, backend.name)
        if resource is PODS:
            return pod_address(found, backend.port)
        endpoints = self._context.find(ENDPOINTS, backend.name, asked.namespace)
        return random.choice(service_addresses(found, endpoints, backend.port))

    async def _unverified(self) -> ssl.SSLContext:
        """As upstream: a Pod's certificate is nobody's to verify."""
        if self._tls is None:
            context = await asyncio.to_thread(ssl.SSLContext, ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._tls = context
        return self._tls


async def _up_to(answer: ClientResponse, limit: int) -> bytes:
    """A body, or so much of it that it is known to be longer than `limit` bytes."""
    read = b""
    while len(read) <= limit and (more := await answer.content.readany()):
        read += more
    return read


def _through_here(page: bytes, encoding: str, through: Callable[[str], str]) -> bytes:
    try:
        return rewritten(page.decode(encoding), through).encode(encoding)
    except UnicodeError:
        return page  # whatever it is, its links can't be read


def _unreachable(error: Exception) -> StatusError:
    return Unavailable(f"error trying to reach service: {error}")
