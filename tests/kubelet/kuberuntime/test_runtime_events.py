from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from tests.kubelet.kuberuntime.pods import UID, container, pod
from tests.kubelet.kuberuntime.rig import Cgroups, Rig

from podwright.cri.containerd_events import ContainerdEvents, TaskEvent
from podwright.cri.errors import CriError, Unavailable, Unimplemented
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.runtime_events import RuntimeEvents


class FakeContainerd:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[TaskEvent | CriError] = asyncio.Queue()

    async def events(self) -> AsyncGenerator[TaskEvent, None]:
        while True:
            event = await self.queue.get()
            if isinstance(event, CriError):
                raise event
            yield event


@pytest.fixture
async def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    await rig.sync(pod(container("a")))
    return rig


def stream(rig: Rig, containerd: FakeContainerd | None) -> Any:
    runtime = cast(Any, rig.cri)
    events = RuntimeEvents(runtime, cast(ContainerdEvents | None, containerd), Observer(runtime, Cgroups()))
    return aclosing(cast(AsyncGenerator[str, None], events.stream()))


async def test_cri_s_own_events_name_the_pod_and_a_broken_stream_asks_for_a_relist(rig: Rig) -> None:
    rig.cri.events = asyncio.Queue()
    named = pb.ContainerEventResponse(
        container_id="x", pod_sandbox_status=pb.PodSandboxStatus(metadata=pb.PodSandboxMetadata(uid=UID))
    )
    for event in (named, Unavailable("Unavailable", "gone"), named):
        rig.cri.events.put_nowait(event)
    async with stream(rig, None) as uids:
        assert [await anext(uids) for _ in range(3)] == [UID, "", UID]


async def test_a_runtime_without_events_ends_the_stream(rig: Rig) -> None:
    async with stream(rig, None) as uids:
        assert [uid async for uid in uids] == []
    assert len(asyncio.all_tasks()) == 1


async def test_a_containerd_without_events_either(rig: Rig) -> None:
    containerd = FakeContainerd()
    containerd.queue.put_nowait(Unimplemented("Unimplemented", "unknown service"))
    async with stream(rig, containerd) as uids:
        assert [uid async for uid in uids] == []


async def test_containerd_s_exit_is_told_when_cri_shows_it(rig: Rig) -> None:
    containerd = FakeContainerd()
    id = rig.cri.by_name("a").id
    async with stream(rig, containerd) as uids:
        containerd.queue.put_nowait(TaskEvent("/tasks/exit", id))
        waiting = asyncio.ensure_future(anext(uids))
        while len(rig.cri.called("ContainerStatus")) < 3:
            await asyncio.sleep(0)
        assert not waiting.done()
        rig.cri.exit("a", 1)
        assert await waiting == UID
    assert len(asyncio.all_tasks()) == 1


async def test_a_sandbox_s_exit_and_strangers(rig: Rig) -> None:
    containerd = FakeContainerd()
    box = next(iter(rig.cri.sandboxes.values()))
    box.ready = False
    for event in (
        TaskEvent("/tasks/exit", "stranger"),
        TaskEvent("/tasks/start", "x"),
        TaskEvent("/tasks/exit", box.id),
    ):
        containerd.queue.put_nowait(event)
    async with stream(rig, containerd) as uids:
        assert await anext(uids) == UID


async def test_a_process_that_was_killed_for_another_reason_is_told_soon(rig: Rig) -> None:
    containerd = FakeContainerd()
    rig.cri.exit("a", 137)
    async with stream(rig, containerd) as uids:
        containerd.queue.put_nowait(TaskEvent("/tasks/exit", rig.cri.by_name("a").id))
        async with asyncio.timeout(2):
            assert await anext(uids) == UID
