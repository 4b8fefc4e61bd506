from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from multidict import MultiDict
from tests.apiserver.conftest import Served

from podwright.api.errors import BadRequest
from podwright.api.resources import NODES, PODS
from podwright.apiserver.node_proxy import container_of, kubelet_path


def pod(*names: str, **annotations: str) -> dict[str, Any]:
    meta = {"name": "p", "namespace": "ns", "annotations": annotations}
    return {"metadata": meta, "spec": {"containers": [{"name": n} for n in names]}}


def test_which_container_is_meant() -> None:
    assert container_of(pod("a"), "") == "a"
    assert container_of(pod("a", "b"), "b") == "b"
    assert container_of(pod("a", "b", **{"kubectl.kubernetes.io/default-container": "b"}), "") == "b"
    with pytest.raises(BadRequest, match=r"a container name must be specified for pod p, choose one of: \[a b\]"):
        container_of(pod("a", "b"), "")
    with pytest.raises(BadRequest, match="container x is not valid for pod p"):
        container_of(pod("a"), "x")


def test_what_the_kubelet_is_asked() -> None:
    query = MultiDict([("command", "a b"), ("command", "c"), ("stdin", "true"), ("tty", "false"), ("stdout", "1")])
    assert kubelet_path(pod("c"), "exec", query) == "/exec/ns/p/c?input=1&output=1&command=a+b&command=c"
    assert kubelet_path(pod("c"), "log", MultiDict(follow="true")) == "/containerLogs/ns/p/c?follow=true"


class Kubelet(asyncio.Protocol):
    """Answers an upgrade with 101 and then sends everything back; anything else with a text."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer, self.upgraded = transport, b"", False

    def data_received(self, data: bytes) -> None:
        if self.upgraded:
            self.transport.write(data.upper())
            return
        self.buffer += data
        if b"\r\n\r\n" not in self.buffer:
            return
        if b"/exec/" in self.buffer and b"Upgrade: SPDY/3.1" in self.buffer:
            self.upgraded = True
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello "
            )
        elif b"/attach/" in self.buffer:
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno such")
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nlines")


@pytest.fixture
async def with_kubelet(served: Served) -> Any:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(served.server.pki.cert("kubelet"), served.server.pki.key("kubelet"))
    tls.load_verify_locations(served.server.pki.ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    listening = await asyncio.get_running_loop().create_server(Kubelet, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    await served.admin.create(NODES, {"metadata": {"name": "podwright"}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await served.admin.patch(NODES, "podwright", {"status": status}, subresource="status")
    await served.ask("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    spec = {"containers": [{"name": "c", "image": "i:1"}], "nodeName": "podwright"}
    await served.admin.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "default")
    yield served
    listening.close()
    await listening.wait_closed()


async def test_logs_come_from_the_node(with_kubelet: Served) -> None:
    answer = await with_kubelet.ask("GET", "/api/v1/namespaces/default/pods/p/log?follow=true")
    assert (answer.code, answer.text) == (200, "lines")


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        pytest.param("binary.k8s.io", b"lines", id="as bytes"),
        pytest.param("base64.binary.k8s.io", "bGluZXM=", id="as text"),
    ],
)
async def test_logs_come_over_a_websocket(with_kubelet: Served, protocol: str, message: bytes | str) -> None:
    url = f"{with_kubelet.server.url}/api/v1/namespaces/default/pods/p/log"
    async with with_kubelet.session.ws_connect(url, protocols=[protocol]) as socket:
        assert (socket.protocol, [got.data async for got in socket]) == (protocol, [message])


async def exchange(served: Served, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls = ssl.create_default_context(cafile=str(served.server.pki.ca))
    tls.load_cert_chain(served.server.pki.cert("admin"), served.server.pki.key("admin"))
    reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port, ssl=tls)
    writer.write(request)
    return reader, writer


async def test_bytes_pass_both_ways_after_an_upgrade(with_kubelet: Served) -> None:
    head = b"POST /api/v1/namespaces/default/pods/p/exec?command=sh&stdin=true HTTP/1.1\r\nHost: x\r\n"
    reader, writer = await exchange(
        with_kubelet, head + b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await reader.readuntil(b"hello ")
    assert answer.startswith(b"HTTP/1.1 101 ")
    big = b"x" * 1_000_000
    writer.write(big)
    assert await reader.readexactly(len(big)) == big.upper()
    writer.close()
    await writer.wait_closed()


async def test_a_refused_upgrade_is_answered(with_kubelet: Served) -> None:
    head = b"POST /api/v1/namespaces/default/pods/p/attach HTTP/1.1\r\nHost: x\r\n"
    reader, writer = await exchange(
        with_kubelet, head + b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await reader.readuntil(b"no such")
    assert answer.startswith(b"HTTP/1.1 404 ")
    writer.close()
    await writer.wait_closed()
