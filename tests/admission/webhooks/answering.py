"""A webhook for tests: an HTTPS server on the loopback that notes what it is asked and answers as it is told."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Reply = Callable[[dict[str, Any]], Any]
"""From the AdmissionReview's request to its response; a web.Response is sent as it is."""


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate of the loopback and of the Service `hook` in `default`."""

    cert: Path
    key: Path
    ca_bundle: str

    def tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


def identity(folder: Path) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "webhook of a test")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("hook.default.svc")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "tls.crt").write_bytes(pem)
    (folder / "tls.key").write_bytes(private)
    return Identity(folder / "tls.crt", folder / "tls.key", base64.b64encode(pem).decode())


@dataclass
class Answering:
    """The running server; `reply` may be exchanged at any time."""

    identity: Identity
    reply: Reply = lambda request: {"allowed": True}
    port: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    before: Callable[[], Awaitable[None]] | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.connections.add(request.transport)
        review = json.loads(await request.read())
        asked = review["request"]
        self.asked.append({**asked, "query": request.query_string, "host": request.headers["Host"]})
        if self.before is not None:
            await self.before()
        said = self.reply(asked)
        if isinstance(said, web.Response):
            return said
        kept = {key: review[key] for key in ("apiVersion", "kind")}
        return web.json_response({**kept, "response": {"uid": asked["uid"], **said}})


def patch(*operations: Any) -> dict[str, Any]:
    """An answer that allows and changes."""
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text}


@asynccontextmanager
async def answering(made: Identity) -> AsyncIterator[Answering]:
    server = Answering(made)
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=made.tls()).start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()
