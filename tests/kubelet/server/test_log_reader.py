"""Container logs as runtimes write them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.server.log_options import LogOptions
from podwright.kubelet.server.log_reader import Entry, Wanted, fixed_nanoseconds, parse_line, tail_start

T1, T2, T3 = (f"2026-01-02T03:04:0{n}.5Z" for n in (1, 2, 3))
LOG = (
    f"{T1} stdout F one\n"
    f"{T2} stderr F two\n"
    f"{T2} stdout P thr\n"
    f"{T3} stdout F ee\n"
    f"{T3} stdout F \n"
).encode()  # fmt: skip
SINCE_2 = datetime.datetime(2026, 1, 2, 3, 4, 2, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        pytest.param(b"T stdout F a b ", Entry("T", "stdout", False, b"a b "), id="a whole line keeps its spaces"),
        pytest.param(b"T stderr P x", Entry("T", "stderr", True, b"x"), id="a part of a line"),
        pytest.param(b"T stdout P:more x", Entry("T", "stdout", True, b"x"), id="tags after the first are for others"),
        pytest.param(b"T stdout F ", Entry("T", "stdout", False, b""), id="an empty line"),
        pytest.param(b"T stdout F", Entry("T", "stdout", False, b""), id="an empty line without its last space"),
        pytest.param(b"T stdlog F x", None, id="an unknown stream is nobody's"),
        pytest.param(b"rubbish", None, id="a line that no runtime wrote"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_a_line(line: bytes, entry: Entry | None) -> None:
    assert parse_line(line) == entry


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        pytest.param("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z", id="no fraction"),
        pytest.param("2026-01-02T03:04:05.12Z", "2026-01-02T03:04:05.120000000Z", id="a short fraction"),
        pytest.param("2026-01-02T03:04:05.123456789+01:00", "2026-01-02T03:04:05.123456789+01:00", id="another zone"),
        pytest.param("2026-01-02T03:04:05-08:00", "2026-01-02T03:04:05.000000000-08:00", id="west, no fraction"),
    ],
)
def test_times_are_shown_with_nine_digits(time: str, shown: str) -> None:
    assert fixed_nanoseconds(time) == shown


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        pytest.param(LogOptions(), b"one\ntwo\nthree\n\n", id="all lines, parts joined"),
        pytest.param(LogOptions(stream="stderr"), b"two\n", id="one stream"),
        pytest.param(LogOptions(since=SINCE_2), b"two\nthree\n\n", id="since a time"),
        pytest.param(LogOptions(limit=6), b"one\ntw", id="a limit cuts within a line"),
        pytest.param(LogOptions(limit=100), b"one\ntwo\nthree\n\n", id="a limit that is not reached"),
        pytest.param(
            LogOptions(timestamps=True, since=SINCE_2),
            b"2026-01-02T03:04:02.500000000Z two\n2026-01-02T03:04:02.500000000Z three\n"
            b"2026-01-02T03:04:03.500000000Z \n",
            id="times once for each line",
        ),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_what_is_wanted(options: LogOptions, shown: bytes, piece: int) -> None:
    wanted = Wanted(options)
    got = b"".join(wanted.feed(LOG[i : i + piece]) for i in range(0, len(LOG), piece)) + wanted.end()
    assert got == shown


def test_a_limit_that_is_used_up_says_so() -> None:
    wanted = Wanted(LogOptions(limit=3))
    assert (wanted.feed(LOG), wanted.full) == (b"one", True)


def test_a_line_that_is_not_whole_waits_for_the_end() -> None:
    wanted = Wanted(LogOptions())
    assert wanted.feed(f"{T1} stdout F hal".encode()) == b""
    assert wanted.end() == b"hal\n"


def _tail(log: bytes, lines: int, stream: str = "", block: int = 64) -> bytes:
    return log[tail_start(len(log), lines, lambda offset, length: log[offset : offset + length], stream, block) :]


@pytest.mark.parametrize("block", [1, 5, 64, 4096])
@pytest.mark.parametrize(
    ("lines", "stream", "shown"),
    [
        pytest.param(0, "", b"", id="none"),
        pytest.param(1, "", b"\n", id="the last"),
        pytest.param(2, "", b"three\n\n", id="a line in parts is one line"),
        pytest.param(3, "", b"two\nthree\n\n", id="three"),
        pytest.param(4, "", b"one\ntwo\nthree\n\n", id="as many as there are"),
        pytest.param(99, "", b"one\ntwo\nthree\n\n", id="more than there are"),
        pytest.param(1, "stderr", b"two\n", id="lines of one stream"),
    ],
)
def test_the_last_lines(lines: int, stream: str, shown: bytes, block: int) -> None:
    assert Wanted(LogOptions(stream=stream)).feed(_tail(LOG, lines, stream, block)) == shown


def test_a_line_that_is_being_written_comes_in_addition() -> None:
    log = LOG + f"{T3} stdout F unfin".encode()
    assert _tail(log, 1) == log[len(LOG) - len(f"{T3} stdout F \n") :]


@given(st.lists(st.text("ab ", max_size=9)), st.integers(0, 12), st.integers(1, 50))
def test_tail_is_what_the_whole_log_ends_with(texts: list[str], lines: int, block: int) -> None:
    log = b"".join(f"{T1} stdout F {text}\n".encode() for text in texts)
    expected = "".join(text + "\n" for text in texts[len(texts) - min(lines, len(texts)) :])
    assert Wanted(LogOptions()).feed(_tail(log, lines, block=block)) == expected.encode()
