"""What goes wrong on the way to a webhook, in kube-apiserver's words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.admission.webhooks.answering import Answering, Identity

from podwright.admission.webhooks import caller as module
from podwright.admission.webhooks.caller import Caller, PostFailed, refused
from podwright.admission.webhooks.endpoint import Endpoint


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    made = Caller()
    yield made
    await made.close()


def endpoint(hook: Answering, *, host: str = "127.0.0.1", name: str = "127.0.0.1") -> Endpoint:
    return Endpoint(f"https://{host}:{hook.port}/", host, hook.port, "/", name, hook.identity.ca_bundle)


async def failure(caller: Caller, at: Endpoint) -> str:
    with pytest.raises(PostFailed) as failed:
        await caller.post(at, b"{}", 30)
    text = str(failed.value)
    prefix = f'Post "{at.shown}?timeout=30s": '
    assert text.startswith(prefix)
    return text.removeprefix(prefix)


async def test_a_certificate_of_another_name(caller: Caller, hook: Answering) -> None:
    assert await failure(caller, endpoint(hook, name="other.default.svc")) == (
        "tls: failed to verify certificate: x509: certificate is not valid for other.default.svc"
    )


async def test_a_name_that_nobody_has(caller: Caller, hook: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    at = endpoint(hook, host="nobody.invalid", name="nobody.invalid")
    assert await failure(caller, at) == "dial tcp: lookup nobody.invalid: no such host"


async def test_an_end_without_an_answer(caller: Caller, own_identity: Identity) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=own_identity.tls())
    async with server:
        hook = Answering(own_identity, port=server.sockets[0].getsockname()[1])
        assert await failure(caller, endpoint(hook)) == "EOF"


async def test_what_speaks_no_tls(caller: Caller, own_identity: Identity) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        hook = Answering(own_identity, port=server.sockets[0].getsockname()[1])
        assert (await failure(caller, endpoint(hook))).startswith("tls: ")


async def test_an_answer_without_end(caller: Caller, hook: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    hook.reply = lambda request: web.Response(text="x" * 1001)
    with pytest.raises(PostFailed, match="the response has more than 1000 bytes"):
        await caller.post(endpoint(hook), b'{"request": {}}', 30)


async def test_nothing_is_asked_after_the_end(caller: Caller, hook: Answering) -> None:
    await caller.close()
    assert await failure(caller, endpoint(hook)) == "the server is shutting down"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(401, b"", "the server has asked for the client to provide credentials", id="who are you"),
        pytest.param(403, b" go away ", "go away", id="in its own words"),
        pytest.param(403, b"", "unknown", id="in no words"),
        pytest.param(500, b"\xff", 'an error on the server ("�") has prevented the request from succeeding', id="500"),
        pytest.param(302, b"", "the server responded with the status code 302 but did not return more", id="302"),
    ],
)
def test_refused(status: int, body: bytes, words: str) -> None:
    assert refused(status, body).startswith(words)
