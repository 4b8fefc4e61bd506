"""Following a log through rotation to its container's end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from tests.fakes.waiting import eventually

from podwright.kubelet.server.log_options import LogOptions
from podwright.kubelet.server.log_stream import LogFile, stream_log


def line(text: str) -> str:
    return f"2026-01-02T03:04:05Z stdout F {text}\n"


def write(path: Path, texts: Iterable[str]) -> None:
    with path.open("a") as file:
        file.writelines(map(line, texts))


class Follower:
    """Collects what a stream gives while a test writes."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self.got = b""
        self.ended = False
        self._log = LogFile.open_at(path, options)
        self._options = options

    async def run(self) -> bytes:
        with closing(self._log):
            async for piece in stream_log(self._log, self._options, lambda: self.ended):
                self.got += piece
        return self.got

    async def has(self, text: bytes) -> None:
        await eventually(lambda: self.got == text)


async def test_without_follow_it_ends_where_the_file_does(tmp_path: Path) -> None:
    write(log := tmp_path / "0.log", ["a", "b"])
    assert await Follower(log, LogOptions()).run() == b"a\nb\n"
    assert await Follower(log, LogOptions(tail=1)).run() == b"b\n"


async def test_a_big_log_comes_whole(tmp_path: Path) -> None:
    texts = [f"{n:01000}" for n in range(600)]
    write(log := tmp_path / "0.log", texts)
    assert await Follower(log, LogOptions()).run() == "".join(f"{t}\n" for t in texts).encode()


async def test_following_survives_rotation_and_ends_with_the_container(tmp_path: Path) -> None:
    write(log := tmp_path / "0.log", ["a"])
    follower = Follower(log, LogOptions(follow=True))
    running = asyncio.create_task(follower.run())
    await follower.has(b"a\n")
    write(log, ["b"])
    await follower.has(b"a\nb\n")
    write(log, ["c"])
    log.rename(old := tmp_path / "0.log.20260102-030405")
    write(old, ["d"])
    write(log, ["e"])
    await follower.has(b"a\nb\nc\nd\ne\n")
    log.rename(tmp_path / "0.log.20260102-030406")
    write(log, ["f"])
    follower.ended = True
    assert await running == b"a\nb\nc\nd\ne\nf\n"


async def test_a_container_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    write(log := tmp_path / "0.log", ["a"])
    follower = Follower(log, LogOptions(follow=True, tail=0))
    follower.ended = True
    assert await follower.run() == b""


async def test_following_ends_at_the_limit(tmp_path: Path) -> None:
    write(log := tmp_path / "0.log", ["abc"])
    assert await Follower(log, LogOptions(follow=True, limit=2)).run() == b"ab"


async def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LogFile.open_at(tmp_path / "0.log", LogOptions())
