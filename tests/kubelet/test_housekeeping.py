"""Leftovers of Pods that nobody knows go; those of known ones stay."""

from __future__ import annotations

from pathlib import Path

from tests.kubelet.fake_runtime import FakeVolumes

from podwright.kubelet.housekeeping import Housekeeping


async def test_a_round(tmp_path: Path) -> None:
    volumes = FakeVolumes()
    volumes.mounted = {"known", "gone"}
    for name in ("ns_p_known", "ns_p_gone", "not-a-pod"):
        (tmp_path / name).mkdir()
    await Housekeeping(volumes, tmp_path, lambda uid: uid == "known").round()
    assert volumes.mounted == {"known"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["not-a-pod", "ns_p_known"]


async def test_a_log_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    await Housekeeping(FakeVolumes(), tmp_path / "none", lambda _: False).round()
