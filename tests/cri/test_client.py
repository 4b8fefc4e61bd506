"""The clients against a real gRPC server: time limits, errors, and a runtime that comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.cri.fake_runtime import serving

from podwright.cri.channel import socket_address
from podwright.cri.client import RuntimeClient
from podwright.cri.containerd_events import ContainerdEvents, TaskEvent
from podwright.cri.containerd_tasks import ContainerdTasks
from podwright.cri.errors import CriError, DeadlineExceeded, NotFound, Unavailable, Unimplemented
from podwright.cri.generated import containerd_pb2, cri_pb2
from podwright.cri.image_client import ImageClient


async def _version(_request: bytes, _context: Any) -> bytes:
    return cri_pb2.VersionResponse(runtime_name="fake").SerializeToString()


async def test_an_answer_arrives_as_its_message(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", {"Version": _version}):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        assert (await client.version()).runtime_name == "fake"
        await client.close()


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (grpc.StatusCode.NOT_FOUND, NotFound, "rpc error: code = NotFound desc = gone"),
        (grpc.StatusCode.UNKNOWN, CriError, "rpc error: code = Unknown desc = gone"),
        (grpc.StatusCode.UNAVAILABLE, Unavailable, "rpc error: code = Unavailable desc = gone"),
        (grpc.StatusCode.CANCELLED, CriError, "rpc error: code = Canceled desc = gone"),
    ],
    ids=lambda value: str(value),
)
async def test_a_status_becomes_its_exception(
    tmp_path: Path, status: grpc.StatusCode, kind: type[CriError], text: str
) -> None:
    async def refuse(_request: bytes, context: Any) -> bytes:
        await context.abort(status, "gone")
        return b""

    async with serving(tmp_path / "s", {"ContainerStatus": refuse}):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        with pytest.raises(CriError) as caught:
            await client.container_status("c")
        assert type(caught.value) is kind
        assert str(caught.value) == text
        assert caught.value.message == "gone"
        await client.close()


async def test_a_call_that_the_runtime_does_not_know_is_unimplemented(tmp_path: Path) -> None:
    async with serving(tmp_path / "s"):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        with pytest.raises(Unimplemented):
            await client.runtime_config()
        with pytest.raises(Unimplemented):
            async for _ in client.get_container_events():
                pass
        await client.close()


async def test_a_silent_runtime_ends_in_deadline_exceeded(tmp_path: Path) -> None:
    async def silent(_request: bytes, _context: Any) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with serving(tmp_path / "s", {"Version": silent}):
        client = RuntimeClient(f"unix://{tmp_path}/s", call_timeout=0.05)
        with pytest.raises(DeadlineExceeded):
            await client.version()
        await client.close()


async def test_a_runtime_that_is_not_there_is_unavailable_at_once(tmp_path: Path) -> None:
    client = RuntimeClient(f"unix://{tmp_path}/s")
    with pytest.raises(Unavailable) as caught:
        await client.version()
    assert caught.value.message == f"the runtime does not answer at unix://{tmp_path}/s: No such file or directory"
    await client.close()


async def test_a_runtime_that_came_back_is_found_again(tmp_path: Path) -> None:
    client = RuntimeClient(f"unix://{tmp_path}/s")
    async with serving(tmp_path / "s", {"Version": _version}):
        await client.version()
    with pytest.raises(Unavailable):
        await client.version()
    async with serving(tmp_path / "s", {"Version": _version}):
        assert (await client.wait_until_serving(5)).runtime_name == "fake"
    await client.close()


async def test_a_runtime_that_is_still_reading_its_state_is_waited_for(tmp_path: Path) -> None:
    answers = ["server is not initialized yet"] * 3

    async def starting(_request: bytes, context: Any) -> bytes:
        if answers:
            await context.abort(grpc.StatusCode.UNKNOWN, answers.pop())
        return await _version(_request, context)

    async with serving(tmp_path / "s", {"Version": starting}):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        assert (await client.wait_until_serving(5)).runtime_name == "fake"
        answers.extend(["server is not initialized yet"] * 1000)
        with pytest.raises(DeadlineExceeded):
            await client.wait_until_serving(0.05)
        await client.close()


async def test_close_ends_a_running_pull_as_unavailable(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def endless(_request: bytes, _context: Any) -> bytes:
        started.set()
        await asyncio.Event().wait()
        return b""

    async with serving(tmp_path / "s", {"PullImage": endless}):
        client = ImageClient(f"unix://{tmp_path}/s")
        pull = asyncio.create_task(client.pull_image("busybox"))
        await started.wait()
        await client.close()
        with pytest.raises(Unavailable):
            await pull


async def test_a_message_above_four_megabytes_passes(tmp_path: Path) -> None:
    async def big(_request: bytes, _context: Any) -> bytes:
        return cri_pb2.ExecSyncResponse(stdout=b"x" * 8_000_000).SerializeToString()

    async with serving(tmp_path / "s", {"ExecSync": big}):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        assert len((await client.exec_sync("c", ["cat"])).stdout) == 8_000_000
        await client.close()


async def test_exec_timeouts_are_rounded_up_to_the_runtime_s_whole_seconds(tmp_path: Path) -> None:
    seen: list[int] = []

    async def note(request: bytes, _context: Any) -> bytes:
        seen.append(cri_pb2.ExecSyncRequest.FromString(request).timeout)
        return cri_pb2.ExecSyncResponse().SerializeToString()

    async with serving(tmp_path / "s", {"ExecSync": note}):
        client = RuntimeClient(f"unix://{tmp_path}/s")
        for timeout in (0, 0.2, 1, 1.5):
            await client.exec_sync("c", ["true"], timeout=timeout)
        await client.close()
    assert seen == [0, 1, 1, 2]


async def test_containerd_s_own_events_tell_containers_apart_from_execs(tmp_path: Path) -> None:
    async def events(_request: bytes, context: Any) -> Any:
        assert ("containerd-namespace", "k8s.io") in context.invocation_metadata()
        for process in ("c1", "exec-7"):
            envelope = containerd_pb2.Envelope(topic="/tasks/exit")
            envelope.event.value = containerd_pb2.TaskExit(container_id="c1", id=process).SerializeToString()
            yield envelope.SerializeToString()
        envelope = containerd_pb2.Envelope(topic="/tasks/delete")
        envelope.event.value = containerd_pb2.Subject(container_id="c1").SerializeToString()
        yield envelope.SerializeToString()

    async with serving(tmp_path / "s", streams={"Subscribe": events}):
        source = ContainerdEvents(f"unix://{tmp_path}/s")
        assert [event async for event in source.events()] == [
            TaskEvent("/tasks/exit", "c1"),
            TaskEvent("/tasks/delete", "c1"),
        ]
        await source.close()


@pytest.mark.parametrize("left", ["running", "ended", "nothing"])
async def test_containerd_s_task_of_a_container_is_killed_and_deleted(tmp_path: Path, left: str) -> None:
    asked: list[str] = []

    def answering(name: str, *, missing: bool) -> Any:
        async def answer(request: bytes, context: Any) -> bytes:
            assert ("containerd-namespace", "k8s.io") in context.invocation_metadata()
            asked.append(f"{name} {containerd_pb2.Subject.FromString(request).container_id}")
            if name == "Kill":
                assert containerd_pb2.KillRequest.FromString(request).signal == 9
            if missing:
                await context.abort(grpc.StatusCode.NOT_FOUND, "no such process")
            return b""

        return answer

    calls = {
        "Kill": answering("Kill", missing=left != "running"),
        "Wait": answering("Wait", missing=left == "nothing"),
        "Delete": answering("Delete", missing=False),
    }
    async with serving(tmp_path / "s", calls):
        tasks = ContainerdTasks(f"unix://{tmp_path}/s")
        await tasks.end("c1")
        await tasks.close()
    assert asked == ["Kill c1", "Wait c1", *([] if left == "nothing" else ["Delete c1"])]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("unix:///run/a.sock", "unix:/run/a.sock"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("/run/a.sock", "unix:/run/a.sock"),
    ],
)
def test_every_usual_spelling_of_an_endpoint_is_understood(endpoint: str, address: str) -> None:
    assert socket_address(endpoint) == address


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "run/a.sock", "unix:///" + "a" * 120])
def test_an_endpoint_that_can_be_no_socket_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="runtime endpoint"):
        socket_address(endpoint)
