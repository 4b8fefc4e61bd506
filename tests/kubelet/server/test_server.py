"""The kubelet's server over real TLS, with a runtime whose streaming server is a small one of ours."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from tests.fakes.waiting import eventually

from podwright.apiserver import pki
from podwright.cri.errors import CriError, Unavailable
from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus
from podwright.kubelet.server.access import Allowed
from podwright.kubelet.server.server import KubeletServer, Parts, server_tls
from podwright.kubelet.server.stats import Stats

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
SPDY = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade", "X-Stream-Protocol-Version": "v4.channel.k8s.io"}
ALLOWED = Allowed({"kube-apiserver-kubelet-client"}, {"system:masters"})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    orders = pki.orders(("localhost",), "node", ("127.0.0.1", "localhost"))
    return pki.ensure(tmp_path_factory.mktemp("pki"), orders, datetime.datetime.now(datetime.UTC))


def client_tls(keys: pki.Pki, cert: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(keys.ca))
    if cert is not None:
        context.load_cert_chain(keys.cert(cert), keys.key(cert))
    return context


@dataclass
class Node:
    """A kubelet with one Pod, its runtime, and the runtime's streaming server."""

    logs: Path
    asked: list[tuple[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n\r\nearly "
    error: CriError | None = None
    state: dict[str, Any] = field(default_factory=lambda: {"running": {}})
    port: int = 0
    closed: int = 0

    def pods(self) -> list[dict[str, Any]]:
        return [
            {
                "metadata": {"namespace": "n", "name": "p", "uid": "u"},
                "spec": {"containers": [{"name": "c", "tty": True}]},
                "status": {"phase": "Running", "containerStatuses": [{"name": "c", "state": self.state}]},
            }
        ]

    def pod(self, uid: str) -> dict[str, Any] | None:
        return self.pods()[0]

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        log = str(self.logs / "0.log")
        container = ContainerStatus("id", "c", ContainerState.RUNNING, 0, "", "", log_path=log)
        return PodRuntimeStatus(uid, sandboxes=[SandboxStatus("box", True, 0, NOW)], containers=[container])

    async def usage(self, pod: Any, container_id: str = "") -> Usage | None:
        return Usage(10**9, 500, 400, 300, 2)

    async def _prepare(self, *call: Any) -> Any:
        self.asked.append(call)
        if self.error:
            raise self.error
        return SimpleNamespace(url=f"http://127.0.0.1:{self.port}/{call[0]}/token?x=1")

    async def exec(self, container_id: str, cmd: Sequence[str], **streams: bool) -> Any:
        return await self._prepare("exec", container_id, list(cmd), streams)

    async def attach(self, container_id: str, **streams: bool) -> Any:
        return await self._prepare("attach", container_id, streams)

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int] = ()) -> Any:
        return await self._prepare("portforward", pod_sandbox_id, list(ports))

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the head, then says everything back in capitals, and ends after `bye`."""
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        if b" 101 " in self.answer:
            while data := await reader.read(65536):
                writer.write(data.upper())
                await writer.drain()
                if data.endswith(b"bye"):
                    break
        writer.close()
        self.closed += 1


@dataclass
class Served:
    node: Node
    server: KubeletServer
    parts: Parts
    keys: pki.Pki

    async def get(self, path: str, cert: str | None = "apiserver-kubelet-client") -> tuple[int, str]:
        tls = client_tls(self.keys, cert)
        url = f"https://127.0.0.1:{self.server.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as answer:
            return answer.status, await answer.text()

    async def raw(
        self, path: str, headers: dict[str, str], method: str = "POST"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = client_tls(self.keys, "apiserver-kubelet-client")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=tls)
        lines = [f"{method} {path} HTTP/1.1", "Host: node", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return reader, writer


@pytest.fixture
async def served(tmp_path: Path, keys: pki.Pki) -> AsyncIterator[Served]:
    async with _served(tmp_path, keys) as it:
        yield it


@asynccontextmanager
async def _served(tmp_path: Path, keys: pki.Pki) -> AsyncIterator[Served]:
    node = Node(tmp_path)
    streaming = await asyncio.start_server(node.stream, "127.0.0.1", 0)
    node.port = streaming.sockets[0].getsockname()[1]
    tls = server_tls(keys.cert("kubelet"), keys.key("kubelet"), keys.ca)
    now: Callable[[], datetime.datetime] = lambda: NOW  # noqa: E731
    parts = Parts(node, node, node, Stats(node, node, "node", tmp_path, now), now)
    server = KubeletServer(parts, tls, ALLOWED, host="127.0.0.1", port=0)
    await server.start()
    try:
        yield Served(node, server, parts, keys)
    finally:
        await server.stop()
        streaming.close()
        await streaming.wait_closed()


@pytest.mark.parametrize(
    ("path", "cert", "status"),
    [
        pytest.param("/healthz", None, 200, id="health is told to anybody"),
        pytest.param("/pods", None, 401, id="nothing else is, without a certificate"),
        pytest.param("/nothing", None, 401, id="not even what is not there"),
        pytest.param("/pods", "kubelet-client", 403, id="a node's certificate is not enough"),
        pytest.param("/pods", "apiserver-kubelet-client", 200, id="the API server is let in"),
        pytest.param("/pods", "admin", 200, id="so are administrators"),
        pytest.param("/nothing", "admin", 404, id="what is not there"),
    ],
)
async def test_who_is_let_in(served: Served, path: str, cert: str | None, status: int) -> None:
    assert (await served.get(path, cert))[0] == status


async def test_pods_are_listed(served: Served) -> None:
    assert '"kind":"PodList"' in (await served.get("/pods"))[1]
    assert '"name":"p"' in (await served.get("/runningpods/"))[1]


async def test_what_is_used_is_told(served: Served) -> None:
    assert '"nodeName":"node"' in (await served.get("/stats/summary"))[1]
    assert "kubelet_http_inflight_requests 0.0" in (await served.get("/metrics"))[1]
    assert "node_cpu_usage_seconds_total" in (await served.get("/metrics/resource"))[1]


async def test_a_port_that_is_taken_is_not_waited_for(served: Served) -> None:
    tls = server_tls(served.keys.cert("kubelet"), served.keys.key("kubelet"), served.keys.ca)
    other = KubeletServer(served.parts, tls, ALLOWED, host="127.0.0.1", port=served.server.port)
    await other.start()
    assert other.port not in (0, served.server.port)
    await other.stop()


class TestLogs:
    async def test_the_wanted_part(self, served: Served) -> None:
        (served.node.logs / "0.log").write_text(
            "2026-01-02T03:03:00Z stdout F old\n2026-01-02T03:04:00Z stdout F one\n2026-01-02T03:04:01Z stderr F two\n"
        )
        assert await served.get("/containerLogs/n/p/c") == (200, "old\none\ntwo\n")
        assert await served.get("/containerLogs/n/p/c?tailLines=1") == (200, "two\n")
        assert await served.get("/containerLogs/n/p/c?sinceSeconds=10&limitBytes=5") == (200, "one\nt")
        assert await served.get("/containerLogs/n/p/c?tailLines=1&timestamps=true") == (
            200,
            "2026-01-02T03:04:01.000000000Z two\n",
        )

    @pytest.mark.parametrize(
        ("path", "status", "text"),
        [
            pytest.param("n/q/c", 404, 'pod "q" does not exist', id="no such Pod"),
            pytest.param("n/p/d", 404, 'container "d" not found in pod "p"', id="no such container"),
            pytest.param("n/p/c?previous=true", 400, 'container "c" in pod "p" not found', id="no previous one"),
            pytest.param("n/p/c?tailLines=x", 400, "tailLines", id="not a number"),
            pytest.param("n/p/c?tailLines=-1", 422, "tailLines", id="less than nothing"),
            pytest.param("n/p/c?limitBytes=0", 422, "limitBytes", id="a limit of nothing"),
            pytest.param("n/p/c?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "one of", id="two beginnings"),
            pytest.param("n/p/c?sinceTime=noon", 400, "sinceTime", id="not a time"),
            pytest.param("n/p/c?stream=Stdlog", 422, "stream", id="no such stream"),
            pytest.param("n/p/c", 500, "failed to open log file", id="a file that is gone"),
        ],
    )
    async def test_refusals(self, served: Served, path: str, status: int, text: str) -> None:
        got, said = await served.get(f"/containerLogs/{path}")
        assert (got, text in said) == (status, True)

    async def test_following_until_the_container_ends(self, served: Served) -> None:
        (log := served.node.logs / "0.log").write_text("")
        asking = asyncio.create_task(served.get("/containerLogs/n/p/c?follow=true"))
        await eventually(lambda: served.server.busy)
        with log.open("a") as file:
            file.write("2026-01-02T03:04:05Z stdout F last\n")
        served.node.state = {"terminated": {"containerID": "containerd://id"}}
        assert await asking == (200, "last\n")

    async def test_a_follower_that_goes_away_is_noticed(self, served: Served) -> None:
        (served.node.logs / "0.log").write_text("")
        reader, writer = await served.raw("/containerLogs/n/p/c?follow=true", {}, "GET")
        await reader.readuntil(b"\r\n\r\n")
        assert served.server.busy == 1
        writer.transport.abort()
        await eventually(lambda: not served.server.busy)

    async def test_stopping_ends_followers(self, served: Served) -> None:
        (served.node.logs / "0.log").write_text("")
        reader, writer = await served.raw("/containerLogs/n/p/c?follow=true", {}, "GET")
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(3):
            await served.server.stop()
        assert await reader.read() == b""
        writer.close()


def websocket_of(protocol: str) -> dict[str, str]:
    """The headers of a WebSocket's request."""
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eA==",
        "Sec-WebSocket-Protocol": protocol,
    }


class TestStreams:
    async def test_bytes_pass_both_ways_after_the_upgrade(self, served: Served) -> None:
        path = "/exec/n/p/c?command=sh&command=-c&input=1&output=1&error=1&tty=1"
        reader, writer = await served.raw(path, SPDY)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and b"SPDY/3.1" in head
        assert await reader.readexactly(6) == b"early "
        big = bytes(range(97, 123)) * 40_000
        writer.write(big)
        assert await reader.readexactly(len(big)) == big.upper()
        writer.write(b"good bye")
        assert await reader.read() == b"GOOD BYE"
        writer.close()
        streams = {"tty": True, "stdin": True, "stdout": True, "stderr": False}
        assert served.node.asked == [("exec", "id", ["sh", "-c"], streams)]
        sent = served.node.heads[0]
        assert sent.startswith("POST /exec/token?x=1 HTTP/1.1\r\n")
        assert "x-stream-protocol-version: v4.channel.k8s.io" in sent.lower()
        await eventually(lambda: not served.server.busy)

    async def test_a_client_that_goes_away_ends_the_runtimes_side(self, served: Served) -> None:
        reader, writer = await served.raw("/attach/n/p/c?output=1&error=1", SPDY)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await eventually(lambda: served.node.closed == 1 and not served.server.busy)
        streams = {"tty": True, "stdin": False, "stdout": True, "stderr": False}
        assert served.node.asked == [("attach", "id", streams)]

    async def test_stopping_ends_streams(self, served: Served) -> None:
        reader, writer = await served.raw("/portForward/n/p?port=80&port=81", SPDY)
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(3):
            await served.server.stop()
        assert await reader.read() == b"early "
        writer.close()
        assert served.node.asked == [("portforward", "box", [80, 81])]

    @pytest.mark.parametrize(
        "refusal",
        [
            pytest.param(b"HTTP/1.1 403 Forbidden\r\n\r\n", id="as containerd refuses a WebSocket it can't speak"),
            pytest.param(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", id="with a length"),
        ],
    )
    async def test_the_runtimes_refusal_is_the_answer(self, served: Served, refusal: bytes) -> None:
        served.node.answer = refusal
        websocket = websocket_of("v5.channel.k8s.io")
        reader, writer = await served.raw("/exec/n/p/c?command=a&input=1&output=1", websocket, "GET")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 403 ")
        writer.close()
        assert "sec-websocket-protocol: v5.channel.k8s.io" in served.node.heads[0].lower()

    @pytest.mark.parametrize(
        ("query", "offered", "asked", "told"),
        [
            pytest.param("output=1", "v5", "v4", "v5", id="a process without input"),
            pytest.param("input=1&output=1&tty=1", "v5", "v4", "v5", id="a process at a terminal"),
            pytest.param("input=1&output=1", "v5", "v5", "v4", id="one that may wait for the end of its input"),
            pytest.param("output=1", "v4", "v4", "v4", id="a client of v4"),
        ],
    )
    async def test_a_runtime_of_v4_serves_clients_of_v5_where_that_is_the_same(
        self, served: Served, query: str, offered: str, asked: str, told: str
    ) -> None:
        served.node.answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\nv4.channel.k8s.io"
        )
        websocket = websocket_of(f"{offered}.channel.k8s.io")
        reader, writer = await served.raw(f"/exec/n/p/c?command=a&{query}", websocket, "GET")
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"Sec-WebSocket-Protocol: {told}.channel.k8s.io".encode() in head
        assert await reader.readexactly(17) == b"v4.channel.k8s.io"
        writer.close()
        assert f"sec-websocket-protocol: {asked}.channel.k8s.io" in served.node.heads[0].lower()

    async def test_a_refusals_text_is_passed_on(self, served: Served) -> None:
        served.node.answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nnope"
        reader, writer = await served.raw("/exec/n/p/c?command=a&output=1", SPDY)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(4) == b"nope"
        writer.close()

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            pytest.param("/exec/n/p/c?output=1", 400, id="no command"),
            pytest.param("/exec/n/p/c?command=a", 400, id="no stream"),
            pytest.param("/exec/n/p/c?command=a&output=1", 400, id="no upgrade"),
            pytest.param("/exec/n/p/d?command=a&output=1", 404, id="no such container"),
            pytest.param("/portForward/n/p?port=0", 400, id="no such port"),
        ],
    )
    async def test_refusals(self, served: Served, path: str, status: int) -> None:
        assert (await served.get(path))[0] == status

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            pytest.param(Unavailable("Unavailable", "no runtime"), 503, id="the runtime does not answer"),
            pytest.param(CriError("Unknown", "it is broken"), 500, id="the runtime fails"),
        ],
    )
    async def test_what_the_runtime_refuses(self, served: Served, error: CriError, status: int) -> None:
        served.node.error = error
        reader, writer = await served.raw("/exec/n/p/c?command=a&output=1", SPDY)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert (await reader.readexactly(len(error.message))).decode() == error.message
        writer.close()

    async def test_a_streaming_server_that_is_not_there(self, served: Served) -> None:
        served.node.port = 1
        reader, writer = await served.raw("/exec/n/p/c?command=a&output=1", SPDY)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502 ")
        writer.close()
