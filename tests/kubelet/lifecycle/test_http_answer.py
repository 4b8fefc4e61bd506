"""Reading HTTP answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.lifecycle.http_answer import MalformedAnswer, parse_head, unchunk


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


@given(st.lists(st.binary(min_size=1)))
def test_chunks_come_together(parts: list[bytes]) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert unchunk(raw) == b"".join(parts)


@given(st.binary())
def test_nothing_breaks_it(raw: bytes) -> None:
    unchunk(raw)
    try:
        parse_head(raw)
    except MalformedAnswer as error:
        assert str(error).startswith("malformed HTTP response")
