"""Images on a file system that is small: a pull that does not fit is told, and collection takes what nobody uses."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.pulling import container, pods_in, runnable
from tests.node.registry import registry
from tests.node.running_node import RunningNode

from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, archive
from podwright.cri.client import ImageClient
from podwright.kubelet.images.pins import Pins

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


async def test_collection_takes_what_nobody_uses_and_leaves_what_runs_or_is_pinned(
    small: RunningNode, config: Path
) -> None:
    names = {kind: f"docker.io/team/{kind}:1" for kind in ("used", "unused", "pinned")}
    await ManagedContainerd(small.data_dir).import_image(
        archive({name: runnable(kind) for kind, name in names.items()})
    )
    await asyncio.to_thread(Pins(small.data_dir).pin, "team/pinned:1")

    async def listed(images: ImageClient) -> set[str]:
        return {tag for image in (await images.list_images()).images for tag in image.repo_tags}

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
