"""One server on a free loopback port, and a bare HTTPS session to it as the administrator."""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from podwright.admission.interface import User
from podwright.admission.plugins import build_chain
from podwright.api.schema import Schema
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.server import ApiServer
from podwright.client.interface import Client
from podwright.storage.memory import MemoryStore


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Schema.load()


@dataclass
class Answer:
    """A status, headers and body as JSON (None when it is none)."""

    code: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.text)


@dataclass
class Served:
    """A running server."""

    server: ApiServer
    store: MemoryStore
    session: aiohttp.ClientSession
    admin: Client

    async def ask(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str
    ) -> Answer:
        encoded = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        data = io.BytesIO(encoded) if encoded else None
        sent = {"Content-Type": media, **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.session.request(method, self.server.url + path, data=data, headers=sent) as got:
            return Answer(got.status, got.headers.copy(), await got.text())


@pytest.fixture
async def served(tmp_path: Path, schema: Schema) -> AsyncIterator[Served]:
    store = MemoryStore()
    server = ApiServer(
        ApiServerConfig(tmp_path, port=0, advertise_address="192.0.2.1"), store, schema, admission=build_chain
    )
    await server.start()
    tls = ssl.create_default_context(cafile=str(server.pki.ca))
    tls.load_cert_chain(server.pki.cert("admin"), server.pki.key("admin"))
    admin = server.local_client(User("admin", ("system:masters",)))
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            yield Served(server, store, session, admin)
    finally:
        await server.stop()
        await store.close()
