"""Logs, exec, attach, port-forward and nodes/proxy: handed on to the kubelet of the node.

Called by `front.py`. Page: https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/#apiserver-to-kubelet
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from aiohttp import web
from multidict import MultiMapping

from podwright.api.errors import BadRequest, InternalError, NotFound, StatusError, from_status
from podwright.api.objects import Object
from podwright.api.resources import NODES, PODS
from podwright.apiserver.context import Context
from podwright.apiserver.forward import Forwarder, Target
from podwright.apiserver.routes import Asked
from podwright.apiserver.websocket_text import over_websocket

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_LOG_OPTIONS = (
    "follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes", "stream",
)  # fmt: skip
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
"""The parameters of exec and attach, and what the kubelet calls them."""
_PATHS = {"exec": "exec", "attach": "attach"}
PROXIED = frozenset(
    (("pods", "log"), ("pods", "exec"), ("pods", "attach"), ("pods", "portforward"), ("nodes", "proxy"))
)
"""Plural and subresource of what is handed on."""


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

    def __init__(self, context: Context, forwarder: Forwarder, tls: ssl.SSLContext, nearby: Mapping[str, str]) -> None:
        self._context = context
        self._forwarder = forwarder
        self._tls = tls
        self._nearby = nearby
        """hosts by node name, of kubelets that do not listen at their node's address"""

    def _target(self, asked: Asked, query: MultiMapping[str], raw_query: str) -> Target | None:
        """None: there is nothing to ask for yet (logs of a Pod that has no node)."""
        if asked.plural == "nodes":
            name, _, port = asked.name.partition(":")
            host, own = self._address(name)
            if port and port != str(own):
                raise BadRequest(f"only the kubelet's port {own} of node {name} can be reached")
            path = "/" + quote(asked.rest, safe="/~:@!$&'()*+,;=")
            return Target(host, own, f"{path}?{raw_query}" if raw_query else path, self._tls, name)
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
        return Target(host, own, path, self._tls, node)

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
        if asked.subresource in ("exec", "attach", "portforward") and not request.headers.get("Upgrade"):
            raise BadRequest("Upgrade request required")
        if asked.subresource != "log":
            return await self._forwarder.serve(request, target)
        # the kubelet speaks plain text; clients of a Pod's log expect a Status
        if request.headers.get("Upgrade", "").lower() == "websocket":
            async with self._forwarder.opened(request, target, refused=_refused_log) as answer:
                return await over_websocket(request, answer.content.iter_any())
        return await self._forwarder.serve(request, target, refused=_refused_log)


def _refused_log(code: int, text: str) -> StatusError:
    return from_status({"code": code, "message": text})
