"""Images on a file system that is small: a pull that does not fit is told, and collection takes what nobody uses."""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kubelet.images.fakes import FakeRecorder
from tests.node.pulling import container, pods_in, runnable
from tests.node.registry import registry
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.resources import PODS
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, archive
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.kubelet.images.gc import ImageCollector, ImageStore, file_system, images_in_use
from podwright.kubelet.images.gc_decision import FileSystem, GCPolicy
from podwright.kubelet.images.pull_records import PullRecords

_CONFIG = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
imageMinimumGCAge: 0s
imageGCHighThresholdPercent: 2
imageGCLowThresholdPercent: 1
"""


@pytest.fixture(scope="module")
def config(node_folder: Path) -> Path:
    """Collection begins at once, whatever room there is."""
    file = node_folder / "collect.yaml"
    file.write_text(_CONFIG)
    return file


@pytest.fixture(scope="module")
def small(node_folder: Path, config: Path) -> Iterator[RunningNode]:
    """A node whose images have 24 MB."""
    running = RunningNode.below(node_folder, "small")
    running.up()  # makes the data directory: it takes none that others have filled
    running.down()
    folder = running.layout.root
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "podwright-tests", folder], check=True)
    try:
        running.up("--config", str(config))
        yield running
    finally:
        running.down()
        subprocess.run(["umount", folder], check=True)
        running.down(purge=True)


async def test_an_image_that_does_not_fit_is_told_and_others_still_come(small: RunningNode, tmp_path: Path) -> None:
    async with registry(tmp_path / "registry") as source, pods_in(small, "full") as pods:
        large = await source.push("team/large:1", runnable("large", {"/filling": File(os.urandom(30_000_000))}))
        fits = await source.push("team/fits:1", runnable("fits"))
        await pods.create("large", large)
        assert "the disk that holds images is full: free space" in await pods.cannot_pull("large")
        await pods.delete("large")
        await pods.create("fits", fits)
        await pods.running("fits", within=30)


async def listed(images: ImageClient) -> set[str]:
    return {tag for image in (await images.list_images()).images for tag in image.repo_tags}


def podwright(node: RunningNode, group: str, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [PODWRIGHT, group, verb, "--data-dir", node.data_dir, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_collection_takes_what_nobody_uses_and_leaves_what_runs_or_is_pinned(
    small: RunningNode, config: Path
) -> None:
    names = {kind: f"docker.io/team/{kind}:1" for kind in ("used", "unused", "pinned")}
    await ManagedContainerd(small.data_dir).import_image(
        archive({name: runnable(kind) for kind, name in names.items()})
    )
    assert podwright(small, "image", "pin", "team/pinned:1").stdout == "docker.io/team/pinned:1 is pinned\n"
    images = ImageClient(small.layout.endpoint)
    try:
        async with pods_in(small, "collect") as pods:
            await pods.create("used", names["used"])
            await pods.running("used")
            before = await listed(images)
            assert set(names.values()) < before
            small.kill()
            # the first pass is made when the kubelet starts
            small.up("--config", str(config))
            await pods.client.close()  # its connection ended with the node
            async with asyncio.timeout(15):
                while names["unused"] in await listed(images):
                    await asyncio.sleep(0.05)
            assert await listed(images) == before - {names["unused"]}
            assert container(await pods.running("used"))["restartCount"] == 0
    finally:
        await images.close()


async def test_of_those_that_nobody_uses_the_one_that_was_used_longest_ago_goes_first(
    small: RunningNode, tmp_path: Path
) -> None:
    images, runtime = ImageClient(small.layout.endpoint), RuntimeClient(small.layout.endpoint)
    clock = 0.0
    kept = {small_sandbox_image(small), "docker.io/team/pinned:1"}
    async with asyncio.timeout(20):
        # what other tests have left would go before these; containers outlive their Pods' objects for a moment
        while not await listed(images) <= kept:
            assert podwright(small, "image", "prune").returncode == 0
    names = {kind: f"docker.io/team/{kind}:1" for kind in ("older", "newer", "running")}
    fillings = {kind: {"/filling": File(os.urandom(1_000_000))} for kind in names}
    await ManagedContainerd(small.data_dir).import_image(
        archive({name: runnable(kind, fillings[kind]) for kind, name in names.items()})
    )

    async def as_full_as_the_threshold(store: ImageStore) -> FileSystem:
        """One image is enough, whatever the runtime has cleared away by itself meanwhile."""
        capacity = (await file_system(store)).capacity
        return FileSystem(capacity, capacity * 20 // 100)

    # the node's own makes a pass every five minutes; this one has a clock of the test's
    passes = ImageCollector(
        images,
        lambda: images_in_use(runtime),
        PullRecords(tmp_path, now=lambda: datetime.datetime.now(datetime.UTC)),
        FakeRecorder(),
        node={},
        policy=GCPolicy(80, 79, minimum_age=0.0),
        pinned=lambda: kept,
        now=lambda: clock,
        measure=as_full_as_the_threshold,
    )
    try:
        async with pods_in(small, "oldest") as pods:
            await pods.create("running", names["running"])
            await pods.running("running")
            before = await listed(images)
            for kind in ("older", "newer"):
                await pods.create(kind, names[kind])
                await pods.running(kind)
                image = (await images.image_status(names[kind])).image.id
                assert image in await images_in_use(runtime)
                clock += 60
                await passes.look()
                await pods.delete(kind)
                async with asyncio.timeout(15):
                    while image in await images_in_use(runtime):
                        await asyncio.sleep(0.05)
            clock += 60
            await passes.collect()
            gone = before - await listed(images)
            assert gone == {names["older"]}
            assert container(await pods.running("running"))["restartCount"] == 0
    finally:
        await images.close()
        await runtime.close()


def small_sandbox_image(node: RunningNode) -> str:
    return node.layout.imported_marker.read_text().strip()


async def test_prune_takes_what_no_pod_needs_and_pins_hold(small: RunningNode) -> None:
    names = {kind: f"docker.io/team/p-{kind}:1" for kind in ("wanted", "unused", "pinned")}
    await ManagedContainerd(small.data_dir).import_image(archive({name: runnable(name) for name in names.values()}))
    assert podwright(small, "image", "pin", names["pinned"]).returncode == 0
    rows = [line.split() for line in podwright(small, "image", "ls").stdout.splitlines()]
    assert {row[0] for row in rows if row[-1] == "yes"} >= {names["pinned"], small_sandbox_image(small)}
    refused = podwright(small, "image", "rm", names["pinned"])
    assert refused.returncode == 1 and "is pinned: `podwright image unpin` it first" in refused.stderr
    async with pods_in(small, "prune") as pods:
        # no container was made from it, and none will be for now
        pod = pods.pod("wants", names["wanted"], "Never")
        pod["spec"]["containers"][0]["env"] = [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}
        ]
        await pods.client.create(PODS, pod, pods.namespace)
        await pods.waits("wants", "CreateContainerConfigError")
        pruned = podwright(small, "image", "prune")
        assert pruned.returncode == 0, pruned.stderr
        removed = set(pruned.stdout.replace("removed ", "").splitlines())
        assert names["unused"] in removed
        assert not {names["wanted"], names["pinned"], small_sandbox_image(small)} & removed
    assert podwright(small, "image", "unpin", names["pinned"]).returncode == 0
    assert podwright(small, "image", "rm", names["pinned"]).returncode == 0
