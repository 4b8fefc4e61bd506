"""The GET requests of hooks and probes, against servers on loopback."""

import asyncio
import os

import pytest
from tests.fakes.http_server import answer, http_server, server_tls, silence, tcp_server, unused_port

from podwright.kubelet.lifecycle.http_answer import BODY_LIMIT
from podwright.kubelet.lifecycle.http_get import HttpAnswer, HttpError, PlainAnswerError, http_get
from podwright.kubelet.lifecycle.target import HttpTarget


def to(port: int, path: str = "/", scheme: str = "http", **headers: str) -> HttpTarget:
    return HttpTarget(f"{scheme}://127.0.0.1:{port}{path}", list(headers.items()))


async def test_an_answer() -> None:
    seen = {}

    def handler(path: str, headers: dict[str, str]) -> bytes:
        seen.update(headers, path=path)
        return answer(503, b"busy")

    async with http_server(handler) as port:
        assert await http_get(to(port, "/a?b=c%20d", Host="web.example", X="1")) == HttpAnswer(503, b"busy")
    assert seen == {"path": "/a?b=c%20d", "host": "web.example", "x": "1", "connection": "close"}


async def test_a_certificate_is_not_checked() -> None:
    async with http_server(lambda *_: answer(200, b"ok"), server_tls()) as port:
        assert await http_get(to(port, scheme="https")) == HttpAnswer(200, b"ok")


async def test_only_the_beginning_of_a_body_is_read() -> None:
    async with http_server(lambda *_: answer(200, b"x" * 5_000_000)) as port:
        got = await http_get(to(port))
    assert got.body == b"x" * BODY_LIMIT


async def test_a_body_in_chunks() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    async with http_server(lambda *_: raw) as port:
        assert await http_get(to(port)) == HttpAnswer(200, b"abcde")


async def test_a_body_until_the_end_of_the_connection() -> None:
    async with http_server(lambda *_: b"HTTP/1.0 200 OK\r\n\r\nbody") as port:
        assert await http_get(to(port)) == HttpAnswer(200, b"body")


async def test_what_comes_before_the_answer_is_left_out() -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(200, b"ok")
    async with http_server(lambda *_: raw) as port:
        assert await http_get(to(port)) == HttpAnswer(200, b"ok")


async def test_a_path_is_encoded() -> None:
    async with http_server(lambda path, _: answer(200, path.encode())) as port:
        assert (await http_get(to(port, "/a b?c=é d%20"))).body == b"/a%20b?c=%C3%A9%20d%20"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        pytest.param(("X", "a\r\nY: b"), 'net/http: invalid header field value for "X"', id="value"),
        pytest.param(("X Y", "a"), 'net/http: invalid header field name "X Y"', id="name"),
    ],
)
async def test_a_header_that_would_break_the_request_is_refused(header: tuple[str, str], text: str) -> None:
    with pytest.raises(HttpError) as caught:
        await http_get(HttpTarget("http://127.0.0.1:1/", [header]))
    assert str(caught.value) == f'Get "http://127.0.0.1:1/": {text}'


async def test_a_head_without_an_end() -> None:
    async with http_server(lambda *_: b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000) as port:
        with pytest.raises(HttpError, match="the head of the answer is too long"):
            await http_get(to(port))


async def test_redirects_on_the_same_host_are_followed() -> None:
    def handler(path: str, headers: dict[str, str]) -> bytes:
        return answer(302, Location="/b") if path == "/a" else answer(200, path.encode())

    async with http_server(handler) as port:
        assert await http_get(to(port, "/a")) == HttpAnswer(200, b"/b")


async def test_a_redirect_to_another_host_ends_it() -> None:
    async with http_server(lambda *_: answer(302, b"gone", Location="http://192.0.2.1/")) as port:
        assert await http_get(to(port)) == HttpAnswer(302, b"gone", redirect=True)


async def test_redirects_that_never_end() -> None:
    async with http_server(lambda *_: answer(302, Location="/again")) as port:
        with pytest.raises(HttpError, match="stopped after 10 redirects"):
            await http_get(to(port))


async def test_nobody_listens() -> None:
    port = unused_port()
    with pytest.raises(HttpError) as caught:
        await http_get(to(port, "/x"))
    url = f"http://127.0.0.1:{port}/x"
    assert str(caught.value) == f'Get "{url}": dial tcp 127.0.0.1:{port}: connect: connection refused'


async def test_nobody_answers() -> None:
    async with tcp_server(silence) as port:
        with pytest.raises(HttpError) as caught:
            await http_get(to(port), timeout=0.05)
    assert str(caught.value) == (
        f'Get "http://127.0.0.1:{port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    )


async def test_the_connection_ends_without_an_answer() -> None:
    async with http_server(lambda *_: b"") as port:
        with pytest.raises(HttpError, match=r'/": EOF$'):
            await http_get(to(port))


async def test_an_answer_that_is_not_http() -> None:
    async with http_server(lambda *_: b"220 mail ready\r\n\r\n") as port:
        with pytest.raises(HttpError, match="malformed HTTP response"):
            await http_get(to(port))


async def test_an_https_request_answered_in_clear() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer(400))

    async with tcp_server(plain) as port:
        with pytest.raises(PlainAnswerError, match=r"http: server gave HTTP response to HTTPS client$"):
            await http_get(to(port, scheme="https"))


async def test_tls_that_the_server_refuses() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async with tcp_server(hang_up) as port:
        with pytest.raises(HttpError, match=r'^Get "https://127.0.0.1:[0-9]+/": '):
            await http_get(to(port, scheme="https"))


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    assert os.environ["http_proxy"]
    async with http_server(lambda *_: answer(200)) as port:
        assert (await http_get(to(port))).status == 200
