"""Certificates made by another process are those that `pki` would make, and are made once."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from podwright.apiserver import pki, pki_process

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ORDERS = pki.orders(("localhost", "10.0.0.1"), "n1", ("n1",))


async def test_what_is_missing_is_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    assert not pki.stands(directory, ORDERS, NOW)
    await pki_process.ensure(directory, ORDERS, NOW)
    assert pki.stands(directory, ORDERS, NOW)
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    await pki_process.ensure(directory, ORDERS, NOW)
    pki.ensure(directory, ORDERS, NOW)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before


async def test_a_missing_signing_key_is_noticed(tmp_path: Path) -> None:
    files = pki.ensure(tmp_path, ORDERS, NOW)
    files.key("sa").unlink()
    await pki_process.ensure(tmp_path, ORDERS, NOW)
    assert files.key("sa").exists()


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        await pki_process.ensure(tmp_path / "file" / "pki", ORDERS, NOW)
