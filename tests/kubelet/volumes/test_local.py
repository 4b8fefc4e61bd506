"""local volumes: directories that must be there, and whose group has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from podwright.kubelet.volumes.collect import VolumeSourceError
from podwright.kubelet.volumes.local import set_up

GROUP = os.getgid() if os.geteuid() else 4321


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a file, a directory in it, and a link that leads out."""
    made = tmp_path / "data"
    (made / "deep").mkdir(parents=True)
    for path in (made, made / "deep"):
        path.chmod(0o700)
    (made / "deep" / "file").write_text("x")
    (made / "deep" / "file").chmod(0o600)
    (tmp_path / "outside").write_text("x")
    (tmp_path / "outside").chmod(0o600)
    (made / "link").symlink_to("../outside")
    return made


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(VolumeSourceError, match=f'path "{tmp_path}/none" does not exist'):
        set_up({"path": f"{tmp_path}/none"}, None, "")


def test_without_a_group_everything_stays(folder: Path) -> None:
    assert set_up({"path": str(folder)}, None, "") == folder
    assert folder.stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("policy", ["", "Always", "OnRootMismatch"])
def test_a_group_gets_all_that_is_in_it_and_nothing_beside(folder: Path, policy: str) -> None:
    set_up({"path": str(folder)}, GROUP, policy)
    modes = {path: path.stat().st_mode & 0o7777 for path in (folder, folder / "deep", folder / "deep" / "file")}
    assert list(modes.values()) == [0o2770, 0o2770, 0o660]
    assert {path.stat().st_gid for path in modes} == {GROUP}
    assert (folder.parent / "outside").stat().st_mode & 0o777 == 0o600


def test_a_group_that_has_the_directory_is_taken_to_have_all_of_it_if_so_asked(folder: Path) -> None:
    set_up({"path": str(folder)}, GROUP, "")
    (folder / "deep" / "file").chmod(0o600)
    set_up({"path": str(folder)}, GROUP, "OnRootMismatch")
    assert (folder / "deep" / "file").stat().st_mode & 0o777 == 0o600
    set_up({"path": str(folder)}, GROUP, "Always")
    assert (folder / "deep" / "file").stat().st_mode & 0o777 == 0o660
