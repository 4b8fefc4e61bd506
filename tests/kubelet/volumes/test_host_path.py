"""hostPath: what each type checks and makes."""

import socket
from pathlib import Path

import pytest

from podwright.kubelet.volumes.collect import VolumeSourceError
from podwright.kubelet.volumes.host_path import set_up


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    (tmp_path / "dir").mkdir()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "socket"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("none", ""),
        ("dir", "Directory"),
        ("dir", "DirectoryOrCreate"),
        ("new/dir", "DirectoryOrCreate"),
        ("file", "File"),
        ("file", "FileOrCreate"),
        ("new", "FileOrCreate"),
        ("socket", "Socket"),
        ("/dev/null", "CharDevice"),
    ],
)
def test_right(there: Path, name: str, kind: str) -> None:
    assert set_up({"path": str(there / name), "type": kind}) == there / name
    assert (there / name).exists() is (kind != "")


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("file", "Directory", "a directory"),
        ("none", "Directory", "a directory"),
        ("file", "DirectoryOrCreate", "a directory"),
        ("dir", "File", "a file"),
        ("none", "File", "a file"),
        ("file/x", "File", "a file"),
        ("dir", "FileOrCreate", "a file"),
        ("file", "Socket", "a socket file"),
        ("file", "CharDevice", "a character device"),
        ("file", "BlockDevice", "a block device"),
    ],
)
def test_wrong(there: Path, name: str, kind: str, what: str) -> None:
    with pytest.raises(VolumeSourceError) as caught:
        set_up({"path": str(there / name), "type": kind})
    assert str(caught.value) == f"hostPath type check failed: {there / name} is not {what}"


def test_what_is_made_has_the_modes_of_the_kubelet(there: Path) -> None:
    set_up({"path": str(there / "d"), "type": "DirectoryOrCreate"})
    set_up({"path": str(there / "f"), "type": "FileOrCreate"})
    assert (there / "d").stat().st_mode & 0o777 == 0o755
    assert (there / "f").stat().st_mode & 0o777 == 0o644


def test_a_file_is_not_made_in_a_directory_that_is_missing(there: Path) -> None:
    with pytest.raises(FileNotFoundError):
        set_up({"path": str(there / "no" / "f"), "type": "FileOrCreate"})
