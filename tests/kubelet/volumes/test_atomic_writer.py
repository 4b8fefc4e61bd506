"""Files that change all at once."""

import datetime
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.volumes.atomic_writer import File, check_path, write

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.UTC)


def later(seconds: int) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def files(mode: int = 0o644, **contents: str) -> dict[str, File]:
    return {path: File(content.encode(), mode) for path, content in contents.items()}


def test_containers_see_links_through_data(tmp_path: Path) -> None:
    assert write(tmp_path, {"a": File(b"1", 0o644), "d/e/f": File(b"2", 0o400)}, None, NOW)
    assert (tmp_path / "..data").readlink() == Path("..2026_01_02_03_04_05.000006")
    assert (tmp_path / "a").readlink() == Path("..data/a")
    assert (tmp_path / "d").readlink() == Path("..data/d")
    assert (tmp_path / "d/e/f").read_bytes() == b"2"
    assert (tmp_path / "d/e/f").stat().st_mode & 0o777 == 0o400


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, files(a="1"), None, NOW)
    before = (tmp_path / "..data").readlink()
    assert not write(tmp_path, files(a="1"), None, later(1))
    assert (tmp_path / "..data").readlink() == before
    assert write(tmp_path, files(a="1", mode=0o600), None, later(2))


def test_what_is_gone_goes(tmp_path: Path) -> None:
    write(tmp_path, files(a="1", b="2"), None, NOW)
    write(tmp_path, files(b="3", c="4"), None, later(1))
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["..2026_01_02_03_04_06.000006", "..data", "b", "c"]
    assert (tmp_path / "b").read_text() == "3"


def test_nothing_at_all(tmp_path: Path) -> None:
    write(tmp_path, {}, None, NOW)
    assert (tmp_path / "..data").is_dir()


def test_what_an_interrupted_write_left_is_cleared(tmp_path: Path) -> None:
    write(tmp_path, files(a="1"), None, NOW)
    (tmp_path / "..2026_01_01_00_00_00.0").mkdir()
    (tmp_path / "..data_tmp").symlink_to("nowhere")
    write(tmp_path, files(a="2"), None, later(1))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["..2026_01_02_03_04_06.000006", "..data", "a"]


def test_a_link_that_was_lost_comes_back(tmp_path: Path) -> None:
    write(tmp_path, files(a="1"), None, NOW)
    (tmp_path / "a").unlink()
    write(tmp_path, files(a="1"), None, later(1))
    assert (tmp_path / "a").read_text() == "1"


def test_a_group_owns_and_reads(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1", 0o600, uid=1000)}, 2000, NOW)
    stat = (tmp_path / "a").stat()
    assert (stat.st_uid, stat.st_gid, stat.st_mode & 0o777) == (1000, 2000, 0o640)
    assert (tmp_path / "..data").stat().st_gid == 2000
    assert not write(tmp_path, {"a": File(b"1", 0o600, uid=1000)}, 2000, later(1))


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "..a", "..data", "x" * 256, "a/" * 3000])
def test_paths_that_may_not_be(path: str) -> None:
    with pytest.raises(ValueError, match="invalid path"):
        check_path(path)


@given(st.lists(st.sampled_from(["a", "b.c", "-", "x..", "é"]), min_size=1, max_size=5))
def test_paths_that_may(parts: list[str]) -> None:
    check_path("/".join(parts))


def test_no_reader_ever_sees_half_of_a_change(tmp_path: Path) -> None:
    """Both files have the same content in every version; a reader that holds the directory must see it so."""
    write(tmp_path, files(a="0", b="0"), None, NOW)
    stop, torn = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                version = (tmp_path / "..data").resolve()
                pair = (version / "a").read_text(), (version / "b").read_text()
                through_links = (tmp_path / "a").read_text()
            except FileNotFoundError:
                continue  # the version was replaced and removed on the way to the file: the reader looks again
            if pair[0] != pair[1]:
                torn.append(pair)
            if not through_links:
                torn.append(("", ""))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 200):
            write(tmp_path, files(a=str(number), b=str(number)), None, later(number))
    finally:
        stop.set()
        reader.join()
    assert torn == []
