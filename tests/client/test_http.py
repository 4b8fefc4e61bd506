"""The HTTP client against a server that answers what the test says."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from podwright.api.errors import Conflict, Expired, NotFound, StatusError, TooManyRequests
from podwright.api.resources import CONFIG_MAPS, PODS
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions, PatchType
from podwright.client.kubeconfig import Access, KubeconfigError, read_kubeconfig

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Answer | web.Response] = []
        self.url = ""
        self.peers: list[Any] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, dict(request.query), body))
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peercert"))
        answer = self.answers.pop(0) if self.answers else web.json_response({"kind": "ok"})
        return answer if isinstance(answer, web.StreamResponse) else await answer(request)

    async def start(self, tls: ssl.SSLContext | None = None) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        return runner


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    runner = await made.start()
    yield made
    await runner.cleanup()


def status(code: int, reason: str) -> web.Response:
    return web.json_response(
        {"kind": "Status", "code": code, "reason": reason, "message": f"it is {reason}"}, status=code
    )


async def test_verbs_become_requests(server: Server) -> None:
    async with HttpClient(Access(server.url, token="t")) as client:
        await client.get(PODS, "p", "ns")
        server.answers.append(web.json_response({"metadata": {"resourceVersion": "9", "continue": "c"}, "items": [{}]}))
        page = await client.list(PODS, "ns", label_selector="a in (b)", field_selector="x=y", limit=5)
        await client.create(PODS, {"metadata": {"name": "p", "namespace": "ns"}}, dry_run=True)
        await client.create(PODS, {"target": {}}, "ns", name="p", subresource="binding")
        await client.update(PODS, {"metadata": {"name": "p", "namespace": "ns"}}, subresource="status")
        await client.patch(PODS, "p", {"a": 1}, "ns", patch_type=PatchType.APPLY, field_manager="m", force=True)
        await client.delete(
            PODS, "p", "ns", DeleteOptions(grace_period_seconds=0, uid="u", propagation_policy="Orphan")
        )
    assert page.items == [{"apiVersion": "v1", "kind": "Pod"}]
    assert (page.resource_version, page.continue_token) == ("9", "c")
    paths = [(method, path, query) for method, path, query, _ in server.requests]
    assert paths == [
        ("GET", "/api/v1/namespaces/ns/pods/p", {}),
        ("GET", "/api/v1/namespaces/ns/pods", {"labelSelector": "a in (b)", "fieldSelector": "x=y", "limit": "5"}),
        ("POST", "/api/v1/namespaces/ns/pods", {"dryRun": "All"}),
        ("POST", "/api/v1/namespaces/ns/pods/p/binding", {}),
        ("PUT", "/api/v1/namespaces/ns/pods/p/status", {}),
        ("PATCH", "/api/v1/namespaces/ns/pods/p", {"fieldManager": "m", "force": "true"}),
        ("DELETE", "/api/v1/namespaces/ns/pods/p", {}),
    ]
    assert server.requests[-1][3] == {
        "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u"},
    }  # fmt: skip
    assert server.headers[5]["Content-Type"] == "application/apply-patch+yaml"
    assert {h["Authorization"] for h in server.headers} == {"Bearer t"}


async def test_a_status_becomes_its_exception(server: Server) -> None:
    server.answers += [status(404, "NotFound"), status(409, "Conflict"), web.Response(status=502, text="bad gateway")]
    async with HttpClient(Access(server.url)) as client:
        with pytest.raises(NotFound, match="it is NotFound"):
            await client.get(PODS, "p", "ns")
        with pytest.raises(Conflict):
            await client.update(PODS, {"metadata": {"name": "p", "namespace": "ns"}})
        with pytest.raises(StatusError, match="bad gateway"):
            await client.get(PODS, "p", "ns")


async def test_a_server_that_says_when_to_come_back_is_asked_again(server: Server) -> None:
    busy = web.Response(status=429, headers={"Retry-After": "0"}, text="busy")
    server.answers += [busy, web.json_response({"kind": "ok"}), web.Response(status=429, text="no")]
    async with HttpClient(Access(server.url)) as client:
        assert await client.get(PODS, "p", "ns") == {"kind": "ok"}
        with pytest.raises(TooManyRequests):
            await client.get(PODS, "p", "ns")


async def test_nobody_there_is_an_os_error() -> None:
    async with HttpClient(Access("http://127.0.0.1:1")) as client:
        with pytest.raises(OSError, match=r"127\.0\.0\.1"):
            await client.get(PODS, "p", "ns")
        with pytest.raises(OSError, match=r"127\.0\.0\.1"):
            async with client.watch(PODS, resource_version="1"):
                pass


def streams(*chunks: bytes) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return answer


async def test_a_watch_is_read_line_by_line_wherever_the_chunks_end(server: Server) -> None:
    big = b"x" * 300_000
    server.answers.append(
        streams(
            b'{"type":"ADDED","object":{"metadata":{"na',
            b'me":"a"}}}\n{"type":"BOOKMARK","object":{}}\n',
            b'{"type":"MODIFIED","object":{"data":"' + big + b'"}}\n',
            b'{"type":"ADD',
        )
    )
    async with (
        HttpClient(Access(server.url)) as client,
        client.watch(CONFIG_MAPS, "ns", resource_version="5", label_selector="a=b") as events,
    ):
        seen = [event async for event in events]
    assert [event.type for event in seen] == ["ADDED", "BOOKMARK", "MODIFIED"]
    assert len(seen[2].object["data"]) == len(big)
    query = server.requests[0][2]
    assert (query["watch"], query["resourceVersion"], query["labelSelector"]) == ("true", "5", "a=b")


async def test_a_watch_that_is_too_old_says_so_at_once_or_later(server: Server) -> None:
    gone = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
    server.answers += [status(410, "Expired"), streams(gone)]
    async with HttpClient(Access(server.url)) as client:
        with pytest.raises(Expired):
            async with client.watch(PODS, resource_version="1"):
                pass
        with pytest.raises(Expired, match="too old"):
            async with client.watch(PODS, resource_version="1") as events:
                await anext(events)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(name: str, key: Any, issuer: str, issuer_key: Any, *, ca: bool = False) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


async def test_a_kubeconfig_with_a_client_certificate_opens_a_tls_server(tmp_path: Path) -> None:
    ca_key, server_key, user_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = certificate("ca", ca_key, "ca", ca_key, ca=True)
    (tmp_path / "server.pem").write_bytes(certificate("server", server_key, "ca", ca_key) + pem(server_key))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=ca.decode())
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(tmp_path / "server.pem")
    server = Server()
    runner = await server.start(tls)
    user = certificate("admin", user_key, "ca", ca_key)
    encoded = {
        "certificate-authority-data": base64.b64encode(ca).decode(),
        "client-certificate-data": base64.b64encode(user).decode(),
        "client-key-data": base64.b64encode(pem(user_key)).decode(),
    }
    path = tmp_path / "kubeconfig"
    cluster = {"server": server.url, "certificate-authority-data": encoded.pop("certificate-authority-data")}
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [{"name": "k", "cluster": cluster}],
                "users": [{"name": "u", "user": encoded}],
            }
        )
    )
    try:
        async with HttpClient.from_kubeconfig(path) as client:
            assert await client.get(PODS, "p", "ns") == {"kind": "ok"}
        assert server.peers[0]["subject"] == ((("commonName", "admin"),),)
        async with HttpClient(Access(server.url)) as stranger:
            with pytest.raises(OSError, match=r"127\.0\.0\.1"):
                await stranger.get(PODS, "p", "ns")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "kubeconfig: while parsing"),
        ("- a", "not a kubeconfig"),
        ("current-context: x", 'there is no "x" in contexts'),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: k, user: u}}], clusters: [{name: k, cluster: "
            "{server: s}}], users: [{name: u, user: {exec: {}}}]}",
            "takes its credentials from a program",
        ),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: k}}], clusters: [{name: k, cluster: "
            "{server: s, certificate-authority-data: '%'}}]}",
            "certificate-authority-data is not base64",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_says_why(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=why):
        read_kubeconfig(path)
