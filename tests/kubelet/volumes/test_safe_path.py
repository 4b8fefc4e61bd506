"""Reading inside a volume that a container may have changed."""

import errno
import os
from pathlib import Path

import pytest

from podwright.kubelet.volumes.safe_path import EscapeError, opened, read_beneath


def test_a_file_and_a_link_inside(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"123")
    (tmp_path / "link").symlink_to("d/f")
    assert read_beneath(tmp_path, "d/f", 3) == read_beneath(tmp_path, "link", 3) == b"123"


@pytest.mark.parametrize("path", ["..", "../x", "/etc/passwd", "up", "away/passwd"])
def test_nothing_outside(tmp_path: Path, path: str) -> None:
    (tmp_path / "up").symlink_to("../")
    (tmp_path / "away").symlink_to("/etc")
    with pytest.raises(EscapeError):
        read_beneath(tmp_path, path, 100)


def test_no_more_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1234")
    with pytest.raises(OSError, match="is larger than 3 bytes") as caught:
        read_beneath(tmp_path, "f", 3)
    assert caught.value.errno == errno.EFBIG


def test_a_pipe_does_not_hold_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is not a regular file"):
        read_beneath(tmp_path, "pipe", 100)


def test_directories_are_made_like_the_one_they_stand_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    os.chown(tmp_path, 1000, 2000)
    with opened(tmp_path, "a/b", create=True):
        made = (tmp_path / "a" / "b").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o7777) == (1000, 2000, 0o2770)


def test_no_file_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "evil").symlink_to("/etc")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("a/b", "evil/x", "evil", "a/../../x"):
        try:
            with opened(tmp_path, path, create=True):
                pass
        except OSError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before
