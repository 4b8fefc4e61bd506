from __future__ import annotations

import asyncio
from typing import cast

import pytest
from tests.fakes.cri import FakeRuntime
from tests.fakes.waiting import eventually
from tests.kubelet.kuberuntime.rig import Rescue

from podwright.cri.client import RuntimeClient
from podwright.cri.errors import CriError, DeadlineExceeded
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.interfaces import ExecResult
from podwright.kubelet.kuberuntime.exec import CriExec


async def run(answer: pb.ExecSyncResponse | CriError, timeout: float) -> ExecResult:
    runtime = FakeRuntime(exec_result=answer)
    return await CriExec(cast(RuntimeClient, runtime)).exec_sync("c1", ["cat", "x"], timeout)


async def test_how_a_command_ended() -> None:
    answer = pb.ExecSyncResponse(stdout=b"out", stderr=b"err", exit_code=3)
    assert await run(answer, 0) == ExecResult(3, b"out", b"err")


@pytest.mark.parametrize(
    ("error", "timeout", "raised"),
    [
        pytest.param(DeadlineExceeded("DeadlineExceeded", "too late"), 1, TimeoutError, id="told by its code"),
        pytest.param(
            CriError("Unknown", "failed to exec in container: timeout 1s exceeded: context deadline exceeded"),
            1,
            TimeoutError,
            id="told by its text, as containerd 1.6 does",
        ),
        pytest.param(CriError("Unknown", "timeout 1s exceeded"), 0, CriError, id="no limit was set"),
        pytest.param(CriError("Unknown", "no such file"), 1, CriError, id="another failure"),
    ],
)
async def test_failures(error: CriError, timeout: float, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        await run(error, timeout)


async def test_a_call_that_is_broken_off_makes_the_runtime_suspect() -> None:
    runtime = FakeRuntime(hold={"ExecSync": asyncio.Event()})
    rescue = Rescue(runtime)
    call = asyncio.create_task(CriExec(cast(RuntimeClient, runtime), rescue).exec_sync("c1", ["x"], 0))
    await eventually(lambda: bool(runtime.called("ExecSync")))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert rescue.given == ["suspect"]
