"""Logs, exec, attach, port-forward and nodes/proxy: handed on to the kubelet of the node.

Plain answers are streamed. For an upgraded connection (SPDY/3.1 or WebSocket) the request's head is sent on, and after
the kubelet's 101 every byte passes both ways as it is: this server need not know what is spoken.
Called by `front.py`. Page: https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/#apiserver-to-kubelet
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from multidict import MultiMapping

from podwright.api.errors import BadRequest, InternalError, NotFound, from_status
from podwright.api.objects import Object
from podwright.api.resources import NODES, PODS
from podwright.apiserver.context import Context
from podwright.apiserver.routes import Asked
from podwright.client.splice import Backend, Upgraded

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_LOG_OPTIONS = (
    "follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream",
)  # fmt: skip
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
"""The parameters of exec and attach, and what the kubelet calls them."""
_PATHS = {"exec": "exec", "attach": "attach"}
_HOP_HEADERS = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "authorization", "content-length", "accept-encoding")
)  # fmt: skip
PROXIED = frozenset(
    (("pods", "log"), ("pods", "exec"), ("pods", "attach"), ("pods", "portforward"), ("nodes", "proxy"))
)
"""Plural and subresource of what is handed on."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    node: str
    host: str
    port: int
    path: str
    """With its query, percent-encoded."""


def container_of(pod: Object, wanted: str) -> str:
    """The container that a request means. Raises BadRequest when it names none that is there, or one is needed."""
    name, spec = pod["metadata"]["name"], pod.get("spec") or {}
    names = [
        c["name"] for kind in ("containers", "initContainers", "ephemeralContainers") for c in spec.get(kind) or ()
    ]
    if wanted:
        if wanted not in names:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if default in names:
        return str(default)
    regular = [c["name"] for c in spec.get("containers") or ()]
    if len(regular) == 1:
        return str(regular[0])
    choices = f"choose one of: [{' '.join(regular)}]"
    init = [c["name"] for c in spec.get("initContainers") or ()]
    if init:
        choices += f" or one of the init containers: [{' '.join(init)}]"
    raise BadRequest(f"a container name must be specified for pod {name}, {choices}")


def kubelet_path(pod: Object, subresource: str, query: MultiMapping[str]) -> str:
    """The kubelet's path and query for a Pod's subresource. Raises BadRequest."""
    meta = pod["metadata"]
    where = f"{quote(meta['namespace'])}/{quote(meta['name'])}"
    pairs: list[tuple[str, str]] = []
    if subresource == "portforward":
        pairs = [("port", port) for value in query.getall("ports", []) for port in value.split(",")]
        path = f"/portForward/{where}"
    else:
        container = quote(container_of(pod, query.get("container", "")))
        if subresource == "log":
            path = f"/containerLogs/{where}/{container}"
            pairs = [(name, query[name]) for name in _LOG_OPTIONS if name in query]
        else:
            path = f"/{_PATHS[subresource]}/{where}/{container}"
            pairs = [(theirs, "1") for ours, theirs in _STREAMS if query.get(ours, "").lower() in ("1", "true")]
            pairs += [("command", word) for word in query.getall("command", [])]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def address_of(node: Object) -> tuple[str, int]:
    """Host and port of a node's kubelet. Raises InternalError when the node does not say."""
    name, status = node["metadata"]["name"], node.get("status") or {}
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or 0
    by_type: Mapping[str, str] = {a["type"]: a["address"] for a in reversed(status.get("addresses") or ())}
    for kind in ("InternalIP", "ExternalIP", "Hostname"):
        if kind in by_type and port:
            return by_type[kind], port
    raise InternalError(f'node "{name}" has not told the address of its kubelet yet')


class NodeProxy:
    """Hands requests on to kubelets, as this API server."""

    def __init__(self, context: Context, tls: ssl.SSLContext, nearby: Mapping[str, str]) -> None:
        self._context = context
        self._tls = tls
        self._nearby = nearby
        """hosts by node name, of kubelets that do not listen at their node's address"""
        self._session: Any = None

    async def close(self) -> None:
        """Close the connections that are kept open."""
        if self._session is not None:
            await self._session.close()

    def _target(self, asked: Asked, query: MultiMapping[str], raw_query: str) -> Target | None:
        """None: there is nothing to ask for yet (logs of a Pod that has no node)."""
        if asked.plural == "nodes":
            name, _, port = asked.name.partition(":")
            host, own = self._address(name)
            if port and port != str(own):
                raise BadRequest(f"only the kubelet's port {own} of node {name} can be reached")
            path = "/" + quote(asked.rest, safe="/~:@!$&'()*+,;=")
            return Target(name, host, own, f"{path}?{raw_query}" if raw_query else path)
        pod = self._context.find(PODS, asked.name, asked.namespace)
        if pod is None:
            raise NotFound.of("pods", asked.name)
        node = (pod.get("spec") or {}).get("nodeName") or ""
        path = kubelet_path(pod, asked.subresource, query)
        if not node:
            if asked.subresource == "log":
                return None
            raise BadRequest(f"pod {asked.name} does not have a host assigned")
        host, own = self._address(node)
        return Target(node, host, own, path)

    def _address(self, node: str) -> tuple[str, int]:
        found = self._context.find(NODES, node)
        if found is None:
            raise NotFound.of("nodes", node)
        host, port = address_of(found)
        return self._nearby.get(found["metadata"]["name"], host), port

    async def serve(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        """Answer a request with what the kubelet answers. Raises StatusError."""
        target = self._target(asked, request.query, request.query_string)
        if target is None:
            return web.Response(body=b"", content_type="text/plain")
        if request.headers.get("Upgrade"):
            return await self._upgrade(request, target)
        if asked.subresource in ("exec", "attach", "portforward"):
            raise BadRequest("Upgrade request required")
        return await self._stream(request, asked, target)

    async def _upgrade(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        # aiohttp does not give header names as they were sent otherwise; the kubelet does not mind either way.
        kept: Sequence[tuple[str, str]] = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_HEADERS or name.lower() == "upgrade"
        ]
        lines = [f"{request.method} {target.path} HTTP/1.1", f"Host: {target.node}", "Connection: Upgrade"]
        lines += [f"{name}: {value}" for name, value in kept]
        if request.method == "POST":
            lines.append("Content-Length: 0")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            kubelet = await Backend.open(target.host, target.port, self._tls, target.node)
        except OSError as error:
            raise InternalError(f"error dialing backend: {error}") from None
        try:
            answer = await kubelet.ask(head)
            if answer.status != 101:
                content_type = answer.content_type or "text/plain"
                return web.Response(
                    status=answer.status, body=await kubelet.body(answer), headers={"Content-Type": content_type}
                )
            if request.transport is None:
                raise ConnectionResetError
            await kubelet.splice(answer, request.transport)
        except EOFError as error:
            raise InternalError(f"error dialing backend: {error}") from None
        finally:
            kubelet.close()
        return Upgraded()

    async def _stream(self, request: web.BaseRequest, asked: Asked, target: Target) -> web.StreamResponse:
        from aiohttp import ClientError, ClientTimeout
        from yarl import URL

        host = f"[{target.host}]" if ":" in target.host else target.host
        url = URL(f"https://{host}:{target.port}{target.path}", encoded=True)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_HEADERS}
        body = await request.read() if request.can_read_body else None
        try:
            async with self._client().request(
                request.method,
                url,
                headers=headers,
                data=body,
                server_hostname=target.node,
                allow_redirects=False,
                timeout=ClientTimeout(total=None, connect=30),
            ) as answer:
                if answer.status >= 400 and asked.subresource == "log":
                    # the kubelet speaks plain text; clients of a Pod's log expect a Status
                    raise from_status({"code": answer.status, "message": (await answer.text()).strip()})
                response = web.StreamResponse(status=answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in _HOP_HEADERS:
                        response.headers.add(name, value)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except ClientError as error:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError from None
            raise InternalError(f"error dialing backend: {error}") from None

    def _client(self) -> Any:
        if self._session is None:
            from aiohttp import ClientSession, TCPConnector

            self._session = ClientSession(
                connector=TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=30), auto_decompress=False
            )
        return self._session
