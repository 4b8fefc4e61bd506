"""The managed runtime for real: it starts, is taken over, survives us, runs a container, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.node.observed import slack

from podwright.containerd import process, purge
from podwright.containerd.config import NodeOptions
from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
from podwright.containerd.layout import Layout
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.containerd_events import ContainerdEvents
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb

pytestmark = [pytest.mark.node]

BUSYBOX = Path("/usr/bin/busybox")
CGROUP = f"/pw-test-{os.getpid()}"


@pytest.fixture
async def managed(tmp_path: Path) -> AsyncIterator[ManagedContainerd]:
    runtime = ManagedContainerd(tmp_path, NodeOptions(pod_cidr="10.213.7.0/24"))
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.purge([CGROUP])


async def ready(client: RuntimeClient) -> None:
    await client.wait_until_serving(10)


def sandbox(name: str, log_directory: Path) -> pb.PodSandboxConfig:
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=name, uid=str(uuid.uuid4()), namespace="default"),
        log_directory=str(log_directory),
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=CGROUP),
    )


async def run_busybox(client: RuntimeClient, config: pb.PodSandboxConfig, script: str, handler: str = "") -> str:
    sandbox_id = (await client.run_pod_sandbox(config, runtime_handler=handler)).pod_sandbox_id
    container = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name="c"),
        image=pb.ImageSpec(image=EXAMPLE_IMAGE),
        command=["sh", "-c", script],
        log_path="c.log",
        linux=pb.LinuxContainerConfig(),
    )
    container_id = (await client.create_container(sandbox_id, container, config)).container_id
    await client.start_container(container_id)
    return container_id


async def image_known(client: ImageClient, name: str) -> pb.Image:
    async with asyncio.timeout(5):
        while not (answer := await client.image_status(name)).HasField("image"):
            await asyncio.sleep(0.005)
    return answer.image


async def test_it_runs_a_container_under_each_handler_and_tells_its_end(
    managed: ManagedContainerd, tmp_path: Path
) -> None:
    client, images, events = (
        RuntimeClient(managed.endpoint),
        ImageClient(managed.endpoint),
        ContainerdEvents(managed.endpoint),
    )
    await ready(client)
    assert (await client.version()).runtime_name == "containerd"
    built = await asyncio.to_thread(busybox_image, BUSYBOX)
    assert await managed.import_image(archive({EXAMPLE_IMAGE: built})) == [EXAMPLE_IMAGE]
    await image_known(images, EXAMPLE_IMAGE)
    seen = events.events()
    first = asyncio.ensure_future(anext(seen))
    for handler in ("", *managed.handlers):
        config = sandbox(f"p-{handler or 'default'}", tmp_path)
        container = await run_busybox(client, config, "echo from $(hostname); exit 3", handler)
        ended = []
        async with asyncio.timeout(10):
            event = await first
            while (event.topic, event.container_id) != ("/tasks/exit", container):
                ended.append(event)
                event = await anext(seen)
            first = asyncio.ensure_future(anext(seen))
            # CRI's own record follows a moment after the event
            while (status := (await client.container_status(container)).status).state != pb.CONTAINER_EXITED:
                await asyncio.sleep(0.005)
        assert status.exit_code == 3
        assert "from" in (tmp_path / "c.log").read_text()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    for each in (client, images, events):
        await each.close()


async def test_a_second_start_takes_the_running_one_over(managed: ManagedContainerd, tmp_path: Path) -> None:
    before = process.find(Layout(tmp_path))
    again = ManagedContainerd(tmp_path, NodeOptions(pod_cidr="10.213.7.0/24"))
    await again.start()
    assert process.find(Layout(tmp_path)) == before


async def test_without_its_record_it_is_still_found(managed: ManagedContainerd, tmp_path: Path) -> None:
    before = process.find(Layout(tmp_path))
    Layout(tmp_path).process_record.unlink()
    assert process.find(Layout(tmp_path)) == before is not None


async def test_a_new_handler_restarts_it_and_containers_live_on(managed: ManagedContainerd, tmp_path: Path) -> None:
    client = RuntimeClient(managed.endpoint)
    await ready(client)
    config = sandbox("lives-on", tmp_path)
    sandbox_id = (await client.run_pod_sandbox(config)).pod_sandbox_id
    before = process.find(Layout(tmp_path))
    (Layout(tmp_path).runtimes_dir / "runc-two.toml").write_text("[options]\nNoNewKeyring = true\n")
    await managed.start()
    assert process.find(Layout(tmp_path)) != before
    assert "runc-two" in managed.handlers
    await ready(client)
    status = (await client.pod_sandbox_status(sandbox_id)).status
    assert status.state == pb.SANDBOX_READY
    other = sandbox("two", tmp_path)
    assert (await client.run_pod_sandbox(other, runtime_handler="runc-two")).pod_sandbox_id
    await client.close()


async def test_supervision_starts_a_killed_one_again(managed: ManagedContainerd, tmp_path: Path) -> None:
    client = RuntimeClient(managed.endpoint)
    task = asyncio.create_task(managed.supervise())
    running = process.find(Layout(tmp_path))
    assert running
    os.kill(running.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while process.find(Layout(tmp_path)) in (None, running):
            await asyncio.sleep(0.01)
        await client.wait_until_serving(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


async def test_an_unknown_handler_is_refused_by_name(managed: ManagedContainerd, tmp_path: Path) -> None:
    client = RuntimeClient(managed.endpoint)
    await ready(client)
    with pytest.raises(CriError, match='no runtime for "nope" is configured'):
        await client.run_pod_sandbox(sandbox("x", tmp_path), runtime_handler="nope")
    await client.close()


async def test_purge_leaves_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    runtime = ManagedContainerd(tmp_path, NodeOptions(pod_cidr="10.213.8.0/24"))
    await runtime.start()
    client = RuntimeClient(runtime.endpoint)
    await ready(client)
    built = await asyncio.to_thread(busybox_image, BUSYBOX)
    await runtime.import_image(archive({EXAMPLE_IMAGE: built}))
    config = sandbox("left", tmp_path)
    config.port_mappings.append(pb.PortMapping(container_port=80, host_port=18613))
    await run_busybox(client, config, "sleep 1000")
    await client.close()
    parent = config.linux.cgroup_parent
    assert process.find_shims(layout)
    await runtime.purge([parent])
    await runtime.purge([parent])
    assert process.find(layout) is None
    assert process.find_shims(layout) == []
    mounts = await asyncio.to_thread(Path("/proc/self/mountinfo").read_text)
    assert purge.mount_points([tmp_path, layout.state], mounts) == []
    assert not Path(f"/sys/class/net/{layout.bridge}").exists()
    assert layout.nft_table not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    assert layout.network not in subprocess.run(["iptables-save"], capture_output=True, text=True).stdout
    assert list(Path("/sys/fs/cgroup").glob(f"*{parent}")) == []
    assert not layout.state.exists()
    assert not layout.home.exists()
    assert list(Path("/var/lib/cni/results").glob(f"{layout.network}*")) == []


async def test_start_is_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtime = ManagedContainerd(tmp_path, NodeOptions(pod_cidr="10.213.9.0/24"))
    times = {}
    try:
        for what in ("first", "second", "taken over"):
            if what == "second":
                await runtime.stop()
            began = time.perf_counter()
            await runtime.start()
            client = RuntimeClient(runtime.endpoint)
            times[what] = time.perf_counter() - began
            await ready(client)
            times[f"{what}, CRI ready"] = time.perf_counter() - began
            await client.close()
    finally:
        with suppress(OSError):
            await runtime.purge()
    with capsys.disabled():
        print({name: round(seconds, 3) for name, seconds in times.items()})
    assert times["first, CRI ready"] < slack(5)
