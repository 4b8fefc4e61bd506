"""Who pulls when, on a whole node: serial, parallel, shared; and pulls that hang, break off or are spoilt."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.node.observed import slack
from tests.node.pulling import Pods, pods_in, runnable
from tests.node.registry import registry
from tests.node.registry_proxy import RegistryProxy, proxied
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.resources import PODS
from podwright.containerd.oci_image import File
from podwright.kubelet.images.manager import RETRY_ANNOTATION

_RATE, _SIZE = 1_000_000, 300_000
"""bytes a second, bytes: 0.3 s for each image"""


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RegistryProxy]:
    async with registry(tmp_path / "registry") as source, proxied(source) as proxy:
        yield proxy


async def push(proxy: RegistryProxy, name: str, size: int = _SIZE) -> str:
    """An image of a size of its own; the name by which the proxy has it."""
    return await proxy.push(name, runnable(name, {"/filling": File(os.urandom(size))}))


@contextmanager
def configured(folder: Path, name: str, config: str) -> Iterator[RunningNode]:
    """A node with these lines in its KubeletConfiguration."""
    file = folder / f"{name}.yaml"
    file.write_text(f"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{config}\n")
    running = RunningNode.below(folder, name)
    running.up("--config", str(file))
    try:
        yield running
    finally:
        running.down(purge=True)


async def _six(pods: Pods, proxy: RegistryProxy, at_once: int) -> float:
    """Seconds that six Pods with six slow images take until the last runs, from when so many are pulled at once."""
    names = [await push(proxy, f"slow/{number}:1") for number in range(6)]
    proxy.faults.bytes_per_second, proxy.faults.hold = _RATE, asyncio.Event()
    await asyncio.gather(*(pods.create(f"slow-{number}", name) for number, name in enumerate(names)))
    for number in range(6):
        await pods.told(f"slow-{number}", "Pulling", within=15)
    async with asyncio.timeout(15):
        while proxy.most_at_once < at_once:
            await asyncio.sleep(0.02)
    began = time.monotonic()
    proxy.faults.hold.set()
    await asyncio.gather(*(pods.running(f"slow-{number}") for number in range(6)))
    assert proxy.most_at_once == at_once
    return time.monotonic() - began


async def test_serial_pulls_take_the_sum_and_are_never_two_at_once(node: RunningNode, proxy: RegistryProxy) -> None:
    async with pods_in(node, "serial") as pods:
        assert await _six(pods, proxy, 1) > 6 * _SIZE / _RATE


async def test_two_at_most_are_never_three_at_once(node_folder: Path, proxy: RegistryProxy) -> None:
    with configured(node_folder, "two", "maxParallelImagePulls: 2") as node:
        async with pods_in(node, "two") as pods:
            assert await _six(pods, proxy, 2) > 3 * _SIZE / _RATE


async def test_parallel_pulls_take_as_long_as_the_slowest(node_folder: Path, proxy: RegistryProxy) -> None:
    with configured(node_folder, "many", "serializeImagePulls: false") as node:
        async with pods_in(node, "many") as pods:
            alone = await push(proxy, "slow/alone:1")
            proxy.faults.bytes_per_second = _RATE
            began = time.monotonic()
            await pods.create("alone", alone)
            await pods.running("alone")
            slowest = time.monotonic() - began
            proxy.faults.bytes_per_second = 0
            # beside the pulls, five more sandboxes are made on the same two cores
            assert await _six(pods, proxy, 6) < slack(1.1 * slowest + 1.5)


def test_limits_that_exclude_each_other_are_refused_at_start(node_folder: Path) -> None:
    for config, says in (
        ("serializeImagePulls: true\nmaxParallelImagePulls: 3", "maxParallelImagePulls cannot be larger than 1 unless"),
        ("maxParallelImagePulls: 0", "maxParallelImagePulls 0 must be a positive number"),
    ):
        file = node_folder / "refused.yaml"
        file.write_text(f"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{config}\n")
        done = subprocess.run(
            [PODWRIGHT, "up", "--data-dir", node_folder / "refused", "--config", file],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert says in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


async def test_while_a_pull_hangs_pods_whose_image_is_here_start_as_fast_as_ever(
    node: RunningNode, proxy: RegistryProxy
) -> None:
    async with pods_in(node, "hanging") as pods:
        here = await push(proxy, "quick/here:1", 1000)

        async def seconds(name: str) -> float:
            began = time.monotonic()
            await pods.create(name, here)
            await pods.running(name)
            return time.monotonic() - began

        await seconds("first")
        before = min([await seconds("before-1"), await seconds("before-2")])
        hanging = await push(proxy, "slow/hanging:1")
        proxy.faults.hold = asyncio.Event()
        await pods.create("hangs", hanging)
        await _asked(proxy, "/slow/hanging/blobs/")
        # the pull hangs for as long as nobody lets it go: a start that waited for it would never be over
        assert min([await seconds("during-1"), await seconds("during-2")]) < slack(1.5 * before + 0.3)
        # and so does a Pod that is deleted while it pulls: the pull ends with it
        began = time.monotonic()
        await pods.delete("hangs")
        assert time.monotonic() - began < slack(3)
        proxy.faults.hold = None
        other = await push(proxy, "quick/other:1", 1000)
        await pods.create("next", other)
        await pods.running("next")


async def test_two_pods_that_need_one_image_share_one_pull(node: RunningNode, proxy: RegistryProxy) -> None:
    async with pods_in(node, "shared-pull") as pods:
        name = await push(proxy, "slow/shared:1")
        proxy.faults.hold = asyncio.Event()
        await asyncio.gather(*(pods.create(f"sharer-{number}", name) for number in range(3)))
        for number in range(3):
            await pods.told(f"sharer-{number}", "Pulling")
        await _asked(proxy, "/slow/shared/blobs/")
        # one that goes does not take the pull from the others
        await pods.delete("sharer-0")
        proxy.faults.hold.set()
        await asyncio.gather(*(pods.running(f"sharer-{number}") for number in (1, 2)))
        assert sum(1 for one in proxy.asked if one.method == "GET" and "/manifests/" in one.path) == 1
        blobs = [one.path for one in proxy.asked if one.method == "GET" and "/blobs/" in one.path]
        assert len(blobs) == len(set(blobs))


async def _asked(proxy: RegistryProxy, part: str) -> None:
    async with asyncio.timeout(10):
        while not any(part in one.path for one in proxy.asked):
            await asyncio.sleep(0.02)


async def test_a_pull_that_is_cut_in_the_middle_comes_to_its_end_and_the_image_is_whole(
    node: RunningNode, proxy: RegistryProxy
) -> None:
    async with pods_in(node, "cut") as pods:
        content = os.urandom(2_000_000)
        command = ["sh", "-c", "sha256sum /filling; sleep 1000"]
        image = runnable("cut", {"/filling": File(content)})
        name = await proxy.push("slow/cut:1", image)
        proxy.faults.cuts = 1
        pod = pods.pod("cut", name)
        pod["spec"]["containers"][0]["command"] = command
        await pods.client.create(PODS, pod, pods.namespace)
        await pods.running("cut", within=20)
        assert proxy.faults.cuts == 0
        assert (await pods.version("cut")).split()[0] == hashlib.sha256(content).hexdigest()


async def test_a_registry_that_goes_in_the_middle_leaves_no_broken_image_behind(
    node: RunningNode, proxy: RegistryProxy
) -> None:
    async with pods_in(node, "restarted") as pods:
        name = await push(proxy, "slow/restarted:1", 2_000_000)
        proxy.faults.bytes_per_second = _RATE
        await pods.create("first", name)
        await _asked(proxy, "/slow/restarted/blobs/")
        await proxy.refuse()
        await pods.waits("first", "ImagePullBackOff")
        proxy.faults.bytes_per_second = 0
        await proxy.accept()
        await pods.create("second", name)
        await pods.running("second")


async def test_a_registry_that_is_restarted_in_the_middle_is_asked_again_and_the_image_is_whole(
    node: RunningNode, tmp_path: Path
) -> None:
    contents = [os.urandom(1_000_000) for _ in range(8)]
    layers = [{f"/part-{number}": File(content)} for number, content in enumerate(contents)]
    async with registry(tmp_path / "registry") as source, proxied(source) as proxy, pods_in(node, "killed") as pods:
        pod = pods.pod("whole", await proxy.push("slow/eight:1", runnable("eight", *layers)))
        pod["spec"]["containers"][0]["command"] = ["sh", "-c", "cat /part-* | sha256sum; sleep 1000"]
        proxy.faults.bytes_per_second = _RATE
        await pods.client.create(PODS, pod, pods.namespace)
        await _asked(proxy, "/slow/eight/blobs/")
        # the registry itself this time: some layers are there, some half, of some nothing
        await source.kill()
        assert "has no such name" not in await pods.cannot_pull("whole")
        await source.start()
        proxy.faults.bytes_per_second = 0
        # which it would do by itself some seconds later
        now = {"metadata": {"annotations": {RETRY_ANNOTATION: "now"}}}
        await pods.client.patch(PODS, "whole", now, pods.namespace)
        await pods.running("whole", within=20)
        assert (await pods.version("whole")).split()[0] == hashlib.sha256(b"".join(contents)).hexdigest()


async def test_a_layer_that_was_changed_on_the_way_is_refused_for_its_digest(
    node: RunningNode, proxy: RegistryProxy
) -> None:
    async with pods_in(node, "spoilt") as pods:
        name = await push(proxy, "slow/spoilt:1")
        proxy.faults.spoil = True
        await pods.create("spoilt", name)
        message = await pods.cannot_pull("spoilt")
        assert "digest" in message
        assert "is not what its manifest promises; it was thrown away" in message
        proxy.faults.spoil = False
        await pods.delete("spoilt")
        await pods.create("sound", name)
        await pods.running("sound")
        assert "Failed" not in [reason for _, reason, _ in await pods.events("sound")]
