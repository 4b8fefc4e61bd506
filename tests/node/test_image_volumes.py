"""Volumes of type image on the real runtime: containerd 1.6 does not mount them, so the node does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.node.pulling import Pods, container, pods_in, runnable, waiting
from tests.node.registry import registry
from tests.node.registry_proxy import RegistryProxy, proxied
from tests.node.running_node import RunningNode

from podwright.api.resources import PODS
from podwright.containerd.oci_image import File, Image
from podwright.cri.client import ImageClient

_LOOK = "cat /all/etc/first /all/second /part/deep; touch /all/new 2>&1; sleep 1000"


@pytest.fixture
async def pods(node: RunningNode) -> AsyncIterator[Pods]:
    async with pods_in(node, "image-volumes") as pods:
        yield pods


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RegistryProxy]:
    async with registry(tmp_path / "registry") as source, proxied(source) as proxy:
        yield proxy


async def test_the_files_of_an_image_are_a_volume_that_stays_while_it_is_used(pods: Pods, proxy: RegistryProxy) -> None:
    layers = [{"/etc/first": File(b"first\n"), "/second": File(b"old\n")}, {"/second": File(b"second\n")}]
    files = await proxy.push("data/files:1", Image([*layers, {"/folder/deep": File(b"deep\n")}]))
    single = await proxy.push("data/single:1", Image([{"/etc/first": File(b"single\n")}]))
    pod = pods.pod("reads", await proxy.push("team/app:1", runnable("app")))
    pod["spec"]["volumes"] = [
        {"name": "files", "image": {"reference": files}},
        {"name": "single", "image": {"reference": single, "pullPolicy": "Always"}},
    ]
    pod["spec"]["containers"][0] |= {
        "command": ["sh", "-c", f"cat /single/etc/first; {_LOOK}"],
        "volumeMounts": [
            {"name": "files", "mountPath": "/all"},
            {"name": "files", "mountPath": "/part", "subPath": "folder"},
            {"name": "single", "mountPath": "/single"},
        ],
    }
    missing = pods.pod("waits", pod["spec"]["containers"][0]["image"])
    missing["spec"]["volumes"] = [{"name": "none", "image": {"reference": files.replace("files", "none")}}]
    missing["spec"]["containers"][0]["volumeMounts"] = [{"name": "none", "mountPath": "/none"}]
    for one in (pod, missing):
        await pods.client.create(PODS, one, pods.namespace)
    uid = (await pods.running("reads"))["metadata"]["uid"]
    assert await _log(pods, uid, 5) == [
        "single", "first", "second", "deep", "touch: /all/new: Read-only file system"
    ]  # fmt: skip
    # an image that is not there is why the container waits, in the words of images
    message = waiting(await pods.until("waits", lambda pod: "ErrImagePull" in "".join(waiting(pod))))[1]
    assert "has no such name or tag" in message

    images = ImageClient(pods.node.layout.endpoint)
    try:
        # the runtime would let it go; the view keeps its layers
        await images.remove_image(single)
    finally:
        await images.close()
    pods.node.kill()
    pods.node.up("--config", str(pods.node.data_dir.parent / "kubelet.yaml"))
    await pods.client.close()  # its connection ended with the node
    assert container(await pods.running("reads"))["restartCount"] == 0
    folder = pods.node.data_dir / "pods" / uid
    assert (folder / "volumes" / "kubernetes.io~image" / "single" / "etc" / "first").read_text() == "single\n"
    assert len(await _views(pods.node, uid)) == 2
    await pods.delete("reads")
    async with asyncio.timeout(10):
        while folder.exists() or await _views(pods.node, uid):
            await asyncio.sleep(0.05)


async def _log(pods: Pods, uid: str, lines: int) -> list[str]:
    log = pods.node.data_dir / "logs" / "pods" / f"{pods.namespace}_reads_{uid}" / "main" / "0.log"
    async with asyncio.timeout(10):
        while len(found := log.read_text().splitlines() if log.exists() else []) < lines:
            await asyncio.sleep(0.02)
    return [line.split(" ", 3)[3] for line in found]


async def _views(node: RunningNode, uid: str) -> list[str]:
    """What containerd still shows for the Pod's volumes."""
    process = await asyncio.create_subprocess_exec(
        "ctr", "-a", node.layout.endpoint.removeprefix("unix://"), "-n", "k8s.io", "snapshots", "ls",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return [line for line in printed.decode().splitlines() if uid in line]
