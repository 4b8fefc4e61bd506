"""A signal of the Pod's own: which number it is, and that a runtime that does not know it is helped."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import Any, cast

import pytest

from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime.stop_signal import number, send

ENDS = "import signal; signal.signal(signal.SIGUSR1, lambda *_: exit(7)); print('up', flush=True); signal.pause()"


class Runtime:
    """Knows one container: a process of this test."""

    def __init__(self, pid: int, known: str = "") -> None:
        self.answer = pb.ContainerStatusResponse(info={"info": json.dumps({"pid": pid})})
        if known:
            self.answer.status.stop_signal = pb.Signal.Value(known)

    async def container_status(self, container_id: str, *, verbose: bool = False) -> pb.ContainerStatusResponse:
        assert verbose
        return self.answer


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SIGTERM", 15), ("SIGUSR1", 10), ("SIGRTMIN", 34), ("SIGRTMIN+3", 37), ("SIGRTMAX-2", 62), ("SIGRTMAX", 64)],
)
def test_numbers(name: str, expected: int) -> None:
    assert number(name) == expected


def test_a_name_that_is_none() -> None:
    with pytest.raises(ValueError, match="unknown signal TERM"):
        number("TERM")


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        pytest.param("", True, id="a runtime that knows no stop signals"),
        pytest.param("SIGNAL_SIGUSR1", False, id="one that was told at creation"),
    ],
)
async def test_who_sends_it(known: str, sent: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        await asyncio.to_thread(process.stdout.readline)
        runtime = cast(RuntimeClient, Runtime(process.pid, known))
        assert await send(runtime, "c", "SIGUSR1", 10) is sent
        assert process.poll() == (7 if sent else None)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


async def test_a_runtime_that_tells_no_process_ends_it_itself() -> None:
    runtime: Any = Runtime(0)
    assert await send(runtime, "c", "SIGUSR1", 10) is False
