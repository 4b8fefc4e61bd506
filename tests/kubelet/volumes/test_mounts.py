"""The calls about mounts."""

from pathlib import Path

import pytest

from podwright.kubelet.volumes import mounts


def test_a_tmpfs_of_a_size(tmp_path: Path) -> None:
    mounts.mount_tmpfs(tmp_path, 0o700, 4096)
    try:
        assert mounts.is_mount_point(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == 0o700
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "x").write_bytes(b"x" * 8192)
    finally:
        assert mounts.unmount(str(tmp_path))
    assert not mounts.is_mount_point(tmp_path)


def test_what_is_not_mounted_is_no_error(tmp_path: Path) -> None:
    assert not mounts.unmount(str(tmp_path))
    assert not mounts.unmount(str(tmp_path / "none"))


def test_a_link_is_not_followed_to_what_it_points_at(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "link").symlink_to("m")
    mounts.mount_tmpfs(tmp_path / "m", 0o700)
    try:
        assert not mounts.unmount(str(tmp_path / "link"))
    finally:
        assert mounts.unmount(str(tmp_path / "m"))


def test_a_neighbour_with_the_same_beginning_is_not_below(tmp_path: Path) -> None:
    for name in ("a", "ab"):
        (tmp_path / name).mkdir()
    mounts.mount_tmpfs(tmp_path / "ab", 0o700)
    try:
        assert mounts.mounted_below(tmp_path / "a") == []
        assert mounts.mounted_below(tmp_path) == [str(tmp_path / "ab")]
    finally:
        mounts.unmount(str(tmp_path / "ab"))


def test_an_error_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        mounts.mount("x", str(tmp_path / "none"), "tmpfs")
    assert caught.value.filename == str(tmp_path / "none")
