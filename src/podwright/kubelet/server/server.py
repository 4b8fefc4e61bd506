"""The kubelet's HTTPS server: its routes, who may use them, and its lifetime.

    made --start()--> listening --stop()--> stopped

Made by `app`; asked by the API server on behalf of kubectl, and by whoever collects metrics.
Page: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
"""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from aiohttp import web

from podwright.api.objects import Object, uid_of
from podwright.api.pods import containers, spec_of
from podwright.cri.errors import CriError
from podwright.kubelet.pod_lifecycle import Clock
from podwright.kubelet.runtime_state import PodRuntimeStatus
from podwright.kubelet.server.access import Allowed, check
from podwright.kubelet.server.containers import (
    check_container,
    find_pod,
    has_ended,
    logged_instance,
    ready_sandbox,
    running_instance,
)
from podwright.kubelet.server.errors import Refused, of_runtime
from podwright.kubelet.server.log_options import parse_options
from podwright.kubelet.server.log_stream import LogFile, stream_log
from podwright.kubelet.server.stats import Stats
from podwright.kubelet.server.streams import StreamingRuntime, Streams
from podwright.kubelet.volumes.in_thread import in_thread

log = logging.getLogger(__name__)

_GRACE = 1.0
"""Seconds that plain requests get to end when the server stops."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pods(Protocol):
    """What is needed of `kubelet.Kubelet`."""

    def pods(self) -> Iterable[Object]:
        """The Pods of this node with their newest status."""

    def pod(self, uid: str) -> Object | None:
        """One of them."""


class Runtime(Protocol):
    """What is needed of `interfaces.PodRuntime`."""

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        """What the runtime has of a Pod. Raises CriError."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server asks."""

    kubelet: Pods
    runtime: Runtime
    streaming: StreamingRuntime
    stats: Stats
    now: Clock


def server_tls(cert: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """TLS with this certificate, for clients with none or one of `client_ca`. Blocks. Raises OSError, SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(client_ca)
    # Asked for, not required: /healthz is open, and who has none is told 401 in HTTP.
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class KubeletServer:
    """One node's server. `host`: address to listen at; `port`: 0, or one that is taken, means a free one."""

    def __init__(self, parts: Parts, tls: ssl.SSLContext, allowed: Allowed, *, host: str, port: int) -> None:
        self._parts = parts
        self._tls = tls
        self._allowed = allowed
        self._host = host
        self._streams = Streams(parts.streaming)
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = port
        """What it listens on; known once started."""

    @property
    def busy(self) -> int:
        """How many requests and streams are under way."""
        return len(self._tasks)

    async def start(self) -> None:
        """Listen. Raises OSError."""
        app = web.Application(middlewares=[self._filter])
        # GET is what WebSocket clients send, POST is SPDY's.
        both = ("GET", "POST")
        self._route(app, "/containerLogs/{namespace}/{pod}/{container}", self._logs)
        self._route(app, "/exec/{namespace}/{pod}/{container}", self._exec, both)
        self._route(app, "/attach/{namespace}/{pod}/{container}", self._attach, both)
        self._route(app, "/portForward/{namespace}/{pod}", self._port_forward, both)
        self._route(app, "/pods", self._pods)
        self._route(app, "/runningpods/", self._running_pods)
        self._route(app, "/stats/summary", self._summary)
        self._route(app, "/metrics", self._metrics)
        self._route(app, "/metrics/resource", self._resource_metrics)
        self._route(app, "/healthz", self._healthz)
        # A handler whose client has gone is cancelled: one that follows a quiet log would not notice.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_GRACE)
        await self._runner.setup()
        try:
            await self._listen(self._runner, self.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not self.port:
                await self.stop()
                raise
            log.info("port %d is taken; another one is used for the kubelet's server", self.port)
            await self._listen(self._runner, 0)

    async def _listen(self, runner: web.AppRunner, port: int) -> None:
        await web.TCPSite(runner, self._host, port, ssl_context=self._tls, reuse_address=True).start()
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """End streams at once, plain requests after a moment, and listen no more. Safe to repeat."""
        for task in self._tasks:
            task.cancel()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _route(self, app: web.Application, path: str, handler: Handler, methods: Iterable[str] = ("GET",)) -> None:
        for method in methods:
            app.router.add_route(method, path, handler)

    @web.middleware
    async def _filter(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check who asks, answer what is refused, remember what is under way."""
        task = asyncio.current_task()
        assert task is not None  # a coroutine runs in one
        self._tasks.add(task)
        try:
            certificate = request.get_extra_info("peercert")
            check(certificate, self._allowed, request.method, request.path)
            return await handler(request)
        except Refused as refused:
            return web.Response(status=refused.status, text=str(refused))
        except CriError as error:
            return web.Response(status=of_runtime(error).status, text=error.message)
        finally:
            self._tasks.discard(task)

    async def _find(self, request: web.Request, *, container: bool = True) -> tuple[Object, PodRuntimeStatus]:
        match = request.match_info
        pod = find_pod(self._parts.kubelet.pods(), match["namespace"], match["pod"])
        if container:
            check_container(pod, match["container"])
        return pod, await self._parts.runtime.pod_status(uid_of(pod))

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        options = parse_options(request.query, self._parts.now())
        pod, status = await self._find(request)
        name, uid = request.match_info["container"], uid_of(pod)
        instance = logged_instance(pod, name, status, previous=options.previous)
        running = instance in status.running()

        def ended() -> bool:
            return not running or has_ended(self._parts.kubelet.pod(uid), name, instance.id)

        try:
            file = await in_thread(LogFile.open_at, Path(instance.log_path), options)
        except OSError as error:
            raise Refused(500, f"failed to open log file {instance.log_path}: {error.strerror}") from error
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        with closing(file):
            await response.prepare(request)
            async with aclosing(stream_log(file, options, ended)) as pieces:
                async for piece in pieces:
                    await response.write(piece)
        await response.write_eof()
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        _, status = await self._find(request)
        return await self._streams.exec(request, running_instance(request.match_info["container"], status).id)

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        pod, status = await self._find(request)
        name = request.match_info["container"]
        spec = next(at.container for at in containers(spec_of(pod)) if at.container["name"] == name)
        return await self._streams.attach(request, running_instance(name, status).id, tty=bool(spec.get("tty")))

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        pod, status = await self._find(request, container=False)
        return await self._streams.port_forward(request, ready_sandbox(pod, status))

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        return _pod_list(self._parts.kubelet.pods())

    async def _running_pods(self, request: web.Request) -> web.StreamResponse:
        return _pod_list(pod for pod in self._parts.kubelet.pods() if pod["status"].get("phase") == "Running")

    async def _summary(self, request: web.Request) -> web.StreamResponse:
        return _json(await self._parts.stats.summary())

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        from podwright.kubelet.server.metrics import CONTENT_TYPE, kubelet_metrics

        # This request itself does not count.
        text = kubelet_metrics(self._parts.stats.node_name, self._parts.kubelet.pods(), self.busy - 1)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def _resource_metrics(self, request: web.Request) -> web.StreamResponse:
        from podwright.kubelet.server.metrics import CONTENT_TYPE, resource_metrics

        text = resource_metrics(await self._parts.stats.measure())
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok")


def _pod_list(pods: Iterable[Object]) -> web.Response:
    return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": list(pods)})


def _json(content: Object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
