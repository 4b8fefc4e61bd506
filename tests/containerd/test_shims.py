"""A stand-in for a shim: a process that waits for the other end of a pipe that has been removed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from podwright.containerd.layout import Layout
from podwright.containerd.shims import Shims, free_stuck, shim_of

WAITS = """
import os, sys
os.mkfifo(sys.argv[1])
place = os.open(sys.argv[1], os.O_PATH)
if sys.argv[2] == "removed":
    os.unlink(sys.argv[1])
print("waiting", flush=True)
os.open(f"/proc/self/fd/{place}", int(sys.argv[3]))
print("on", flush=True)
"""
READ, WRITE = "0", "1"


class Stuck:
    def __init__(self, layout: Layout, removed: str, way: str) -> None:
        fifo = layout.data_dir / "stdout"
        arguments = ["containerd-shim", "-c", WAITS, str(fifo), removed, way, "-id", "box", str(layout.socket)]
        self.process = subprocess.Popen(arguments, executable=sys.executable, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout
        assert self.said.readline() == "waiting\n"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, tmp_path / "run")


@pytest.fixture
def stuck(layout: Layout, request: pytest.FixtureRequest) -> Iterator[Stuck]:
    one = Stuck(layout, *request.param)
    yield one
    one.process.kill()
    one.process.wait()
    one.said.close()


@pytest.mark.parametrize(
    "stuck",
    [
        pytest.param(("removed", WRITE), id="it waits for a reader"),
        pytest.param(("removed", READ), id="it waits for a writer"),
    ],
    indirect=True,
)
def test_a_shim_that_waits_for_a_caller_that_is_gone_goes_on(layout: Layout, stuck: Stuck) -> None:
    # It says that it waits just before it does: one look may be too early.
    freed: set[int] = set()
    while stuck.process.poll() is None:
        freed.update(free_stuck(layout))
    assert stuck.said.readline() == "on\n"
    assert freed == {stuck.process.pid}


@pytest.mark.parametrize("stuck", [pytest.param(("there", WRITE), id="the pipe is there")], indirect=True)
def test_a_pipe_whose_caller_may_still_come_is_left_alone(layout: Layout, stuck: Stuck) -> None:
    assert free_stuck(layout) == []
    assert stuck.process.poll() is None


@pytest.mark.parametrize("stuck", [pytest.param(("removed", WRITE), id="of the pod")], indirect=True)
async def test_the_shim_of_a_container_is_its_pods_and_can_be_killed(layout: Layout, stuck: Stuck) -> None:
    for bundle, address in {"box": "unix:///a", "app": "unix:///a", "other": "unix:///b"}.items():
        folder = layout.state / "io.containerd.runtime.v2.task" / "k8s.io" / bundle
        folder.mkdir(parents=True)
        (folder / "address").write_text(address)
    found = shim_of(layout, "app")
    assert found is not None and found.pid == stuck.process.pid
    assert shim_of(layout, "other") is None
    assert not await Shims(layout).kill("other")
    assert await Shims(layout).kill("app")
    assert await asyncio.to_thread(stuck.process.wait) == -9


@pytest.mark.parametrize("stuck", [pytest.param(("removed", WRITE), id="after a call was broken off")], indirect=True)
async def test_a_suspicion_is_followed(layout: Layout, stuck: Stuck) -> None:
    shims = Shims(layout)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(shims.watch())
        shims.suspect()
        assert await asyncio.to_thread(stuck.said.readline) == "on\n"
        watching.cancel()
