"""A signal of the Pod's own: which number it is, and that a runtime that does not know it is helped."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import Any, cast

import pytest

from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime.stop_signal import number, of_image, repeat, send

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


def image(config: Any) -> pb.ImageStatusResponse:
    return pb.ImageStatusResponse(info={"info": json.dumps({"imageSpec": {"config": config}})})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(image({"StopSignal": "SIGQUIT"}), "SIGQUIT", id="named"),
        pytest.param(image({"StopSignal": "quit"}), "SIGQUIT", id="short"),
        pytest.param(image({"StopSignal": "3"}), "SIGQUIT", id="a number"),
        pytest.param(image({"StopSignal": "SIGRTMIN+3"}), "SIGRTMIN+3", id="a real-time one"),
        pytest.param(image({}), "SIGTERM", id="none"),
        pytest.param(image({"StopSignal": "SIGNONE"}), "SIGTERM", id="no signal"),
        pytest.param(image({"StopSignal": "999"}), "SIGTERM", id="no signal's number"),
        pytest.param(image(None), "SIGTERM", id="no configuration"),
        pytest.param(pb.ImageStatusResponse(), "SIGTERM", id="a runtime that does not tell"),
        pytest.param(pb.ImageStatusResponse(info={"info": "{"}), "SIGTERM", id="no JSON"),
    ],
)
def test_the_signal_of_an_image(answer: pb.ImageStatusResponse, expected: str) -> None:
    assert of_image(answer) == expected


class Images:
    async def image_status(self, image_ref: str, *, verbose: bool = False) -> pb.ImageStatusResponse:
        assert verbose
        return image({"StopSignal": "SIGUSR1"})


@pytest.mark.parametrize("state", ["CONTAINER_RUNNING", "CONTAINER_EXITED"])
async def test_the_signal_is_sent_again_to_what_still_runs(state: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        await asyncio.to_thread(process.stdout.readline)
        runtime = Runtime(process.pid)
        runtime.answer.status.state = pb.ContainerState.Value(state)
        await repeat(cast(RuntimeClient, runtime), cast(ImageClient, Images()), "c")
        if state == "CONTAINER_RUNNING":
            assert await asyncio.to_thread(process.wait, 10) == 7
        else:
            assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
