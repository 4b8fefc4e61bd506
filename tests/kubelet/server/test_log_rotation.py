"""Logs that have grown too big."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import pytest

from podwright.cri.errors import Unavailable
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus
from podwright.kubelet.server.log_rotation import LogRotation, Plan, plan

D1, D2, D3, D4 = (f"0.log.2026010{day}-000000" for day in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("names", "planned"),
    [
        pytest.param(["0.log"], Plan((), ()), id="nothing was rotated yet"),
        pytest.param(["0.log", D1], Plan((), (D1,)), id="the newest rotated one is compressed when another follows"),
        pytest.param([f"{D1}.gz", D2], Plan((), (D2,)), id="what is compressed stays so"),
        pytest.param([D4, f"{D2}.gz", f"{D1}.gz", f"{D3}.gz"], Plan((f"{D1}.gz",), (D4,)), id="the oldest goes"),
        pytest.param([D1, f"{D1}.gz.tmp"], Plan((f"{D1}.gz.tmp",), (D1,)), id="half a compressed file is made again"),
        pytest.param([D1, f"{D1}.gz"], Plan((D1,), ()), id="an original that was compressed already goes"),
        pytest.param(["1.log", "10.log.x", "0.log.mine"], Plan((), ()), id="other files are left alone"),
    ],
)
def test_what_to_do_with_rotated_files(names: list[str], planned: Plan) -> None:
    assert plan(names, "0.log", 5) == planned


class FakeRuntime:
    """One container that writes one log, and opens it anew when told."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.state = ContainerState.RUNNING
        self.error: Exception | None = None
        self.asked: list[str] = []

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        self.asked.append(uid)
        return PodRuntimeStatus(
            uid, containers=[ContainerStatus("id", "c", self.state, 0, "", "", log_path=str(self.log))]
        )

    async def reopen_container_log(self, container_id: str) -> Any:
        assert container_id == "id"
        if self.error:
            raise self.error
        self.log.touch()


class Logs:
    def __init__(self, tmp_path: Path) -> None:
        self.log = tmp_path / "n_p_uid" / "c" / "0.log"
        self.log.parent.mkdir(parents=True)
        self.runtime = FakeRuntime(self.log)
        self.now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        self.rotation = LogRotation(
            tmp_path, self.runtime, self.runtime, lambda: self.now, max_size=10, max_files=3, interval=10
        )

    def names(self) -> list[str]:
        return sorted(path.name for path in self.log.parent.iterdir())


async def test_a_small_log_is_left_alone_and_nobody_is_asked(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.log.write_text("x" * 10)
    await logs.rotation.rotate_all()
    assert (logs.names(), logs.runtime.asked) == (["0.log"], [])


async def test_rotations_one_after_another(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    for day in (1, 2, 3):
        logs.now = logs.now.replace(day=day)
        logs.log.write_text(f"day {day} of many")
        await logs.rotation.rotate_all()
        assert logs.log.read_text() == ""
    assert logs.names() == ["0.log", f"{D2}.gz", D3]
    assert logs.runtime.asked == ["uid"] * 3
    with gzip.open(logs.log.with_name(f"{D2}.gz"), "rt") as compressed:
        assert compressed.read() == "day 2 of many"


async def test_the_log_of_an_ended_container_is_left_alone(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.log.write_text("x" * 11)
    logs.runtime.state = ContainerState.EXITED
    await logs.rotation.rotate_all()
    assert logs.names() == ["0.log"]


async def test_a_runtime_that_does_not_open_it_anew_keeps_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logs = Logs(tmp_path)
    logs.log.write_text("x" * 11)
    logs.runtime.error = Unavailable("Unavailable", "gone")
    await logs.rotation.rotate_all()
    assert logs.names() == ["0.log"]
    assert logs.log.read_text() == "x" * 11
    assert "was not rotated" in caplog.text


async def test_no_folder_is_no_fault(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "there")
    await LogRotation(
        tmp_path / "not", logs.runtime, logs.runtime, lambda: logs.now, max_size=1, max_files=2, interval=1
    ).rotate_all()
    assert logs.runtime.asked == []
