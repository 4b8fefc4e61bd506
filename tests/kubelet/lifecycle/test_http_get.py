"""The GET requests of hooks and probes, against servers on loopback."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.fakes.http_server import answer, http_server, server_tls, silence, tcp_server
from tests.fakes.ports import free_port

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
    port = free_port()
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


async def test_an_answer_that_comes_byte_by_byte() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in answer(200, b"slow"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with tcp_server(drip) as port:
        assert await http_get(to(port), timeout=30) == HttpAnswer(200, b"slow")


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", id="a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", id="a body"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="what comes before"),
    ],
)
async def test_the_time_counts_for_all_of_it_and_then_nothing_is_left(beginning: bytes) -> None:
    ended = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        ended.set()

    async with tcp_server(endless) as port:
        with pytest.raises(HttpError, match="context deadline exceeded"):
            await http_get(to(port), timeout=0.1)
        await asyncio.wait_for(ended.wait(), 30)


async def test_a_tls_handshake_counts_too() -> None:
    async with tcp_server(silence) as port:
        with pytest.raises(HttpError, match="context deadline exceeded"):
            await http_get(to(port, scheme="https"), timeout=0.1)


async def test_whoever_speaks_first_and_not_http_is_not_waited_for() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await silence(reader, writer)

    async with tcp_server(greet) as port:
        with pytest.raises(HttpError, match=r'malformed HTTP response "SSH-2\.0-OpenSSH_9\.2"'):
            await http_get(to(port))


async def test_the_connection_ends_in_the_middle_of_the_head() -> None:
    async with http_server(lambda *_: b"HTTP/1.1 200 OK\r\nX: y") as port:
        with pytest.raises(HttpError, match=r'/": unexpected EOF$'):
            await http_get(to(port))


@pytest.mark.parametrize("framing", [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nff\r\n"])
async def test_a_body_that_ends_early_is_taken_as_far_as_it_came(framing: bytes) -> None:
    async with http_server(lambda *_: b"HTTP/1.1 200 OK\r\n" + framing + b"some") as port:
        assert await http_get(to(port)) == HttpAnswer(200, b"some")


async def test_the_server_breaks_the_connection() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with tcp_server(reset) as port:
        with pytest.raises(HttpError) as caught:
            await http_get(to(port))
    assert str(caught.value) == (
        f'Get "http://127.0.0.1:{port}/": read tcp 127.0.0.1:{port}: read: connection reset by peer'
    )


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", id="in chunks"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nbody", b"body", id="until the end"),
        pytest.param(answer(200, b"x" * 100_000), b"x" * BODY_LIMIT, id="a long one"),
    ],
)
async def test_bodies_over_tls(raw: bytes, body: bytes) -> None:
    async with http_server(lambda *_: raw, server_tls()) as port:
        assert await http_get(to(port, scheme="https")) == HttpAnswer(200, body)


async def test_an_answer_over_tls_that_is_not_http() -> None:
    async with http_server(lambda *_: b"hello\r\n", server_tls()) as port:
        with pytest.raises(HttpError, match='malformed HTTP response "hello"'):
            await http_get(to(port, scheme="https"))


async def test_a_redirect_from_http_to_https_of_the_same_host() -> None:
    async with (
        http_server(lambda *_: answer(200, b"safe"), server_tls()) as secure,
        http_server(lambda *_: answer(301, Location=f"https://127.0.0.1:{secure}/")) as port,
    ):
        assert await http_get(to(port)) == HttpAnswer(200, b"safe")


async def test_a_host_by_its_name() -> None:
    async with http_server(lambda path, headers: answer(200, headers["host"].encode())) as port:
        target = HttpTarget(f"http://localhost:{port}/", [])
        assert (await http_get(target)).body == f"localhost:{port}".encode()


async def test_a_host_that_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HttpError) as caught:
        await http_get(HttpTarget("http://nobody.invalid:80/", []))
    assert str(caught.value) == (
        'Get "http://nobody.invalid:80/": dial tcp nobody.invalid:80: Name or service not known'
    )


async def test_a_host_that_cannot_be_one() -> None:
    host = "x" * 64 + ".example"
    with pytest.raises(HttpError, match=f"dial tcp: lookup {host}: no such host"):
        await http_get(HttpTarget(f"http://{host}:80/", []))


async def test_a_url_that_is_none() -> None:
    with pytest.raises(HttpError, match=r'^parse "http://a\[b:80/": '):
        await http_get(HttpTarget("http://a[b:80/", []))


@pytest.mark.parametrize(
    ("location", "error"),
    [
        pytest.param("http://[", r'failed to parse Location header "http://\["$', id="broken"),
        pytest.param("http://127.0.0.1:99999/", "invalid port", id="a port that is none"),
        pytest.param("ftp://127.0.0.1/", "unsupported protocol scheme", id="another protocol"),
    ],
)
async def test_a_redirect_to_nowhere(location: str, error: str) -> None:
    async with http_server(lambda *_: answer(302, Location=location)) as port:
        with pytest.raises(HttpError, match=error):
            await http_get(to(port))


async def test_a_redirect_that_names_no_place_is_an_answer() -> None:
    async with http_server(lambda *_: answer(302, b"where", Location="")) as port:
        assert await http_get(to(port)) == HttpAnswer(302, b"where")


async def test_each_request_has_a_connection_of_its_own_which_ends() -> None:
    connections = 0
    ends: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, b"ok"))
        ends.put_nowait(await reader.read())

    async with tcp_server(serve) as port:
        for _ in range(3):
            assert await http_get(to(port)) == HttpAnswer(200, b"ok")
        assert [await asyncio.wait_for(ends.get(), 30) for _ in range(3)] == [b"", b"", b""]
    assert connections == 3


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert os.environ["http_proxy"]
    async with http_server(lambda *_: answer(200)) as port:
        assert (await http_get(to(port))).status == 200


@pytest.mark.parametrize(
    "scenario",
    [
        test_an_answer,
        test_a_certificate_is_not_checked,
        test_only_the_beginning_of_a_body_is_read,
        test_a_body_until_the_end_of_the_connection,
        test_nobody_listens,
        test_nobody_answers,
        test_the_connection_ends_without_an_answer,
        test_the_connection_ends_in_the_middle_of_the_head,
        test_the_server_breaks_the_connection,
        test_an_https_request_answered_in_clear,
        test_tls_that_the_server_refuses,
        test_a_tls_handshake_counts_too,
        test_an_answer_over_tls_that_is_not_http,
        test_a_host_by_its_name,
        test_a_host_that_cannot_be_one,
        test_each_request_has_a_connection_of_its_own_which_ends,
    ],
)
def test_it_is_the_same_on_the_loop_that_a_node_runs_on(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(asyncio.wait_for(scenario(), 60))
