"""Reading HTTP answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.lifecycle.http_answer import (
    BODY_LIMIT,
    HEAD_LIMIT,
    AnswerReader,
    Chunks,
    EndedEarly,
    MalformedAnswer,
    parse_head,
)


@pytest.mark.parametrize(("line", "status"), [("HTTP/1.1 200 OK", 200), ("HTTP/1.0 404", 404), ("HTTP/1.1 500 ", 500)])
def test_status_lines(line: str, status: int) -> None:
    assert parse_head(f"{line}\r\n\r\n".encode()).status == status


@pytest.mark.parametrize("line", ["", "HTTP/2 200 OK", "HTTP/1.1 20", "HTTP/1.1 abc", "220 mail", "http/1.1 200 OK"])
def test_what_is_no_status_line(line: str) -> None:
    with pytest.raises(MalformedAnswer, match=f'^malformed HTTP response "{line}"$'):
        parse_head(f"{line}\r\n\r\n".encode())


def test_headers() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX:a\r\nx: b\r\nbroken\r\n\r\n")
    assert head.headers == {"content-length": "12", "x": "a"}
    assert head.length == 12
    assert not head.chunked
    assert parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").length is None


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


@given(st.lists(st.binary(min_size=1)), st.integers(1, 50))
def test_chunks_come_together(parts: list[bytes], size: int) -> None:
    chunks = Chunks()
    ended = [chunks.feed(piece) for piece in pieces(chunked(*parts), size)]
    assert bytes(chunks.body) == b"".join(parts)
    assert any(ended)


@pytest.mark.parametrize(
    ("raw", "body", "ended"),
    [
        pytest.param(b"", b"", False, id="nothing yet"),
        pytest.param(b"3\r\nab", b"ab", False, id="a part of a chunk"),
        pytest.param(b"3\r\nabc", b"abc", False, id="its line end is missing"),
        pytest.param(b"3\r\nabc\r\n2", b"abc", False, id="a part of a size"),
        pytest.param(b"A;x=y\r\n0123456789\r\n0\r\n", b"0123456789", True, id="an extension"),
        pytest.param(b"1\r\na\r\n0\r\nTrailer: x\r\n\r\n", b"a", True, id="trailers are left out"),
        pytest.param(b"5\r\n0\r\n\r\n\r\n", b"0\r\n\r\n", False, id="what looks like the end is content"),
        pytest.param(b"x\r\nabc", b"", True, id="no size"),
        pytest.param(b"-3\r\nabc", b"", True, id="a size below nothing"),
        pytest.param(b"1" * 5000, b"", True, id="a size that does not end"),
    ],
)
def test_chunks(raw: bytes, body: bytes, ended: bool) -> None:
    chunks = Chunks()
    assert (chunks.feed(raw), bytes(chunks.body)) == (ended, body)


OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = BODY_LIMIT


@pytest.mark.parametrize(
    ("raw", "status", "body", "complete"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n\r\nok", 200, b"ok", True, id="an answer"),
        pytest.param(OK + b"Content-Length: 2\r\n\r\nokay", 200, b"okay", True, id="more than was told"),
        pytest.param(OK + b"Content-Length: 0\r\n\r\n", 200, b"", True, id="no body"),
        pytest.param(OK + b"Content-Length: 3\r\n\r\nok", 200, b"ok", False, id="a body that is still coming"),
        pytest.param(OK + b"\r\nok", 200, b"ok", False, id="a body until the end of the connection"),
        pytest.param(OK + b"Content-Length: x\r\n\r\nok", 200, b"ok", False, id="a length that is none"),
        pytest.param(OK + b"\r\n" + b"x" * (LIMIT + 5), 200, b"x" * LIMIT, True, id="a long body"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a", b"b"), 200, b"ab", True, id="a body in chunks"
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" + chunked(b"ab"),
            200,
            b"ab",
            True,
            id="chunks count, not a length beside them",
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*[b"x" * 1000] * 100),
            200,
            b"x" * LIMIT,
            True,
            id="a long body in chunks",
        ),
        pytest.param(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 204, b"", True, id="204 has no body"),
        pytest.param(b"HTTP/1.1 304 No\r\n\r\n", 304, b"", True, id="304 has no body"),
        pytest.param(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", 101, b"", True, id="101 is an answer"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na",
            200,
            b"a",
            True,
            id="what comes before the answer is left out",
        ),
        pytest.param(b"HTTP/1.0 200 OK\nContent-Length: 1\n\na", 200, b"a", True, id="lines that end without CR"),
        pytest.param(
            OK + b"X: " + b"x" * (HEAD_LIMIT - 100) + b"\r\nContent-Length: 1\r\n\r\na",
            200,
            b"a",
            True,
            id="a large head",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_an_answer_in_pieces(raw: bytes, status: int, body: bytes, complete: bool, size: int) -> None:
    reader = AnswerReader()
    done = [reader.feed(piece) for piece in pieces(raw, size)]
    assert reader.head is not None
    assert (reader.head.status, any(done)) == (status, complete)
    # What comes after the end is not looked for, so it depends on the pieces how much of it is there.
    assert reader.body == body or (complete and body.startswith(reader.body))
    reader.end()


@pytest.mark.parametrize(
    ("raw", "error", "text"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", MalformedAnswer, "malformed HTTP response", id="another protocol"),
        pytest.param(b"HTTP/2 200\r\n\r\n", MalformedAnswer, "malformed HTTP response", id="another version"),
        pytest.param(
            OK + b"x" * HEAD_LIMIT, MalformedAnswer, "the head of the answer is too long", id="a head without an end"
        ),
        pytest.param(
            OK + b"X: " + b"x" * HEAD_LIMIT + b"\r\n\r\n",
            MalformedAnswer,
            "the head of the answer is too long",
            id="a head that is too long",
        ),
    ],
)
def test_what_is_refused_as_it_comes(raw: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        AnswerReader().feed(raw)


@pytest.mark.parametrize(
    ("raw", "error", "text"),
    [
        pytest.param(b"", EndedEarly, "^EOF$", id="nothing"),
        pytest.param(b"HTT", EndedEarly, "^unexpected EOF$", id="a beginning"),
        pytest.param(OK, EndedEarly, "^unexpected EOF$", id="half a head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", EndedEarly, "^EOF$", id="only what comes before an answer"),
        pytest.param(b"hello", MalformedAnswer, "malformed HTTP response", id="something else"),
    ],
)
def test_what_the_end_of_the_connection_leaves(raw: bytes, error: type[Exception], text: str) -> None:
    reader = AnswerReader()
    assert not reader.feed(raw)
    with pytest.raises(error, match=text):
        reader.end()


@given(st.lists(st.binary()))
def test_nothing_breaks_it(parts: list[bytes]) -> None:
    reader = AnswerReader()
    try:
        for part in parts:
            reader.feed(part)
        reader.end()
    except MalformedAnswer as error:
        assert str(error).startswith("malformed HTTP response")
    except EndedEarly as error:
        assert "EOF" in str(error)
