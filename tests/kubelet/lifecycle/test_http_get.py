"""The GET requests of hooks and probes, against servers on loopback."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from tests.fakes.http_server import answer, http_server, server_tls, silence, tcp_server, unused_port

from podwright.kubelet.lifecycle.http_get import BODY_LIMIT, HttpAnswer, HttpError, HttpGetter, PlainAnswerError
from podwright.kubelet.lifecycle.target import HttpTarget


@pytest.fixture
async def http() -> AsyncIterator[HttpGetter]:
    async with HttpGetter() as getter:
        yield getter


def to(port: int, path: str = "/", scheme: str = "http", **headers: str) -> HttpTarget:
    return HttpTarget(f"{scheme}://127.0.0.1:{port}{path}", list(headers.items()))


async def test_an_answer(http: HttpGetter) -> None:
    seen = {}

    def handler(path: str, headers: dict[str, str]) -> bytes:
        seen.update(headers, path=path)
        return answer(503, b"busy")

    async with http_server(handler) as port:
        assert await http.get(to(port, "/a?b=c%20d", Host="web.example", X="1")) == HttpAnswer(503, b"busy")
    assert seen == {"path": "/a?b=c%20d", "host": "web.example", "x": "1", "connection": "close"}


async def test_a_certificate_is_not_checked(http: HttpGetter) -> None:
    async with http_server(lambda *_: answer(200, b"ok"), server_tls()) as port:
        assert await http.get(to(port, scheme="https")) == HttpAnswer(200, b"ok")


async def test_only_the_beginning_of_a_body_is_read(http: HttpGetter) -> None:
    async with http_server(lambda *_: answer(200, b"x" * 5_000_000)) as port:
        got = await http.get(to(port))
    assert got.body == b"x" * BODY_LIMIT


async def test_redirects_on_the_same_host_are_followed(http: HttpGetter) -> None:
    def handler(path: str, headers: dict[str, str]) -> bytes:
        return answer(302, Location="/b") if path == "/a" else answer(200, path.encode())

    async with http_server(handler) as port:
        assert await http.get(to(port, "/a")) == HttpAnswer(200, b"/b")


async def test_a_redirect_to_another_host_ends_it(http: HttpGetter) -> None:
    async with http_server(lambda *_: answer(302, b"gone", Location="http://192.0.2.1/")) as port:
        assert await http.get(to(port)) == HttpAnswer(302, b"gone", redirect=True)


async def test_redirects_that_never_end(http: HttpGetter) -> None:
    async with http_server(lambda *_: answer(302, Location="/again")) as port:
        with pytest.raises(HttpError, match="stopped after 10 redirects"):
            await http.get(to(port))


async def test_nobody_listens(http: HttpGetter) -> None:
    port = unused_port()
    with pytest.raises(HttpError) as caught:
        await http.get(to(port, "/x"))
    url = f"http://127.0.0.1:{port}/x"
    assert str(caught.value) == f'Get "{url}": dial tcp 127.0.0.1:{port}: connect: connection refused'


async def test_nobody_answers(http: HttpGetter) -> None:
    async with tcp_server(silence) as port:
        with pytest.raises(HttpError) as caught:
            await http.get(to(port), timeout=0.05)
    assert str(caught.value) == (
        f'Get "http://127.0.0.1:{port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    )


async def test_the_connection_ends_without_an_answer(http: HttpGetter) -> None:
    async with http_server(lambda *_: b"") as port:
        with pytest.raises(HttpError, match=r'/": EOF$'):
            await http.get(to(port))


async def test_an_answer_that_is_not_http(http: HttpGetter) -> None:
    async with http_server(lambda *_: b"220 mail ready\r\n\r\n") as port:
        with pytest.raises(HttpError, match="malformed HTTP response"):
            await http.get(to(port))


async def test_an_https_request_answered_in_clear(http: HttpGetter) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer(400))

    async with tcp_server(plain) as port:
        with pytest.raises(PlainAnswerError, match=r"http: server gave HTTP response to HTTPS client$"):
            await http.get(to(port, scheme="https"))


async def test_a_proxy_in_the_environment_is_not_used(http: HttpGetter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    assert os.environ["http_proxy"]
    async with http_server(lambda *_: answer(200)) as port:
        assert (await http.get(to(port))).status == 200
