"""The providers' configuration is read again when it changes, and the last valid one stays until the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from podwright.kubelet.credentials.provider_config import ProviderConfigError
from podwright.kubelet.credentials.provider_files import ProviderFiles


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    for name in ("one", "two"):
        (tmp_path / name).write_text("#!/bin/sh")
        (tmp_path / name).chmod(0o755)

    def write(*names: str, path: Path = tmp_path / "config.json") -> Path:
        providers = [
            {
                "name": name,
                "matchImages": ["r.io"],
                "defaultCacheDuration": "0s",
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            }
            for name in names
        ]
        version = "kubelet.config.k8s.io/v1"
        draft = tmp_path / "draft"
        draft.write_text(
            json.dumps({"kind": "CredentialProviderConfig", "apiVersion": version, "providers": providers})
        )
        return draft.replace(path)

    return write


def names(files: ProviderFiles) -> list[str]:
    return [provider.name for provider in files.current().providers]


def test_a_change_is_seen_and_what_stays_is_not_read_again(write: Callable[..., Path], tmp_path: Path) -> None:
    files = ProviderFiles(write("one"), tmp_path)
    before = files.current()
    assert files.current() is before
    write("one", "two")
    assert names(files) == ["one", "two"]


def test_a_broken_change_is_told_and_the_one_before_stays_until_it_is_mended(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    files = ProviderFiles(write("one"), tmp_path)
    write("three")
    told = files.current()
    assert [provider.name for provider in told.providers] == ["one"]
    assert told.problem.startswith("credential provider configuration: plugin binary executable ")
    assert told.problem.endswith("three did not exist; the one before stays in use")
    # what was missing comes: the configuration itself has not changed
    (tmp_path / "one").rename(tmp_path / "three")
    assert names(files) == ["three"]
    assert files.current().problem == ""


def test_a_file_that_goes_is_told(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("one")
    files = ProviderFiles(path, tmp_path)
    path.unlink()
    assert "No such file" in files.current().problem
    assert names(files) == ["one"]


def test_files_that_come_into_a_folder_count(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    write("one", path=folder / "a.json")
    files = ProviderFiles(folder, tmp_path)
    write("two", path=folder / "b.json")
    assert names(files) == ["one", "two"]


def test_what_is_wrong_at_start_is_raised(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ProviderConfigError):
        ProviderFiles(write("three"), tmp_path)
