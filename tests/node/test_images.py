"""Images on the real runtime: pulled from a registry on loopback, imported from files, refused in words."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import io
import json
import os
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.fakes.ports import free_port
from tests.kubelet.images.fakes import FakeCredentials, FakeRecorder
from tests.node.observed import slack
from tests.node.registry import PASSWORD, USER, registry

from podwright.containerd.config import NodeOptions
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, Image, archive, layer_tar, layout_files, machine_architecture
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.containerd_content import ContainerdContent
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.errors import ImageError
from podwright.kubelet.images.gc import file_system
from podwright.kubelet.images.manager import ImageManager
from podwright.kubelet.images.pull_records import PullRecords
from podwright.kubelet.images.puller import Puller, PullLimits
from podwright.kubelet.images.registry_client import RegistryClient
from podwright.kubelet.interfaces import ContainerKind, ContainerRef

pytestmark = [pytest.mark.node]


def image(content: str, **fields: Any) -> Image:
    return Image(layers=[{"/base": File(b"base" * 1000)}, {"/top": File(content.encode())}], **fields)


class Node:
    def __init__(self, runtime: ManagedContainerd, path: Path) -> None:
        self.runtime = runtime
        self.path = path
        self.images = ImageClient(runtime.endpoint)
        self.recorder = FakeRecorder()
        self.credentials = FakeCredentials()
        self.clock = 0.0
        self.puller = Puller(self.images, PullLimits(serialize_image_pulls=False, registry_pull_qps=0))
        self.manager = ImageManager(
            self.images,
            self.puller,
            self.credentials,
            PullRecords(path, now=lambda: datetime.datetime.now(datetime.UTC)),
            self.recorder,
            registry=RegistryClient(path / "registries"),
            monotonic=lambda: time.monotonic() + self.clock,
        )

    async def ensure(self, name: str, policy: str = "IfNotPresent", pod: str = "p") -> str:
        ref = ContainerRef({"metadata": {"name": pod, "namespace": "ns", "uid": pod}}, "c", ContainerKind.APP)
        return await self.manager.ensure(ref, name, policy, "")

    async def fails(self, name: str, policy: str = "IfNotPresent", pod: str = "p") -> str:
        with pytest.raises(ImageError) as caught:
            await self.ensure(name, policy, pod)
        return f"{caught.value.reason}: {caught.value.message}"

    async def known(self, name: str) -> str:
        async with asyncio.timeout(5):
            while not (answer := await self.images.image_status(name)).HasField("image"):
                await asyncio.sleep(0.005)
        return answer.image.id


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    runtime = ManagedContainerd(tmp_path / "node", NodeOptions(pod_cidr="10.213.11.0/24"))
    await runtime.start()
    one = Node(runtime, tmp_path / "node")
    try:
        client = RuntimeClient(runtime.endpoint)
        await client.wait_until_serving(10)
        await client.close()
        yield one
    finally:
        await one.images.close()
        await runtime.purge()


async def test_a_tag_that_moves_is_followed_by_always_only_and_layers_come_once(node: Node, tmp_path: Path) -> None:
    async with registry(tmp_path / "r") as source:
        name = await source.push("team/app:1", image("one"))
        first = await node.ensure(name)
        assert node.recorder.reasons == ["Pulling", "Pulled"]
        assert "Image size: " in node.recorder.message("Pulled")
        await source.push("team/app:1", image("two"))
        assert await node.ensure(name) == first
        second = await node.ensure(name, "Always")
        assert second != first
        assert await node.ensure(name, "Never") == second
        base = json.loads(layout_files({"x": image("")})["index.json"])
        manifest = json.loads(
            layout_files({"x": image("")})["blobs/" + base["manifests"][0]["digest"].replace(":", "/")]
        )
        digest = manifest["layers"][0]["digest"]
        assert source.requests.count(f'"GET /v2/team/app/blobs/{digest}') == 1


async def test_credentials_are_tried_until_one_is_accepted_and_another_tenant_gets_nothing(
    node: Node, tmp_path: Path
) -> None:
    async with registry(tmp_path / "r", password=True) as source:
        name = await source.push("team/private:1", image("secret"))
        text = await node.fails(name)
        assert text.startswith("ErrImagePull: failed to pull and unpack image")
        assert f"{source.address} refused {source.address}/team/private (no credentials for it were found)" in text
        wrong = Credential("wrong", "CANARY", source=Source("secret ns/old", secret=("1", "ns", "old")))
        right = Credential(USER, PASSWORD, source=Source("secret ns/new", secret=("2", "ns", "new")))
        node.credentials.found = FakeCredentials([wrong, right]).found
        await node.ensure(name, pod="allowed")
        assert await node.ensure(name, "Never", pod="allowed")
        node.credentials.found = FakeCredentials([wrong]).found
        text = await node.fails(name, pod="eve")
        assert "credentials tried: secret ns/old as wrong" in text
        assert "CANARY" not in text + str(node.recorder.events)
        assert node.credentials.rejections == [wrong]
        assert (await node.fails(name, "Never", pod="eve")).startswith("ErrImageNeverPull")


async def test_what_is_not_there_is_told_apart(node: Node, tmp_path: Path) -> None:
    async with registry(tmp_path / "r") as source:
        name = await source.push("team/app:1", image("one"))
        text = await node.fails(name.replace(":1", ":2").replace(source.address.replace(":1", ":2"), source.address))
        assert "has no such name or tag" in text
        other = await source.push("team/foreign:1", [image("x", architecture="s390x")])
        text = await node.fails(other)
        assert "the image is not made for this machine's platform; " in text
        assert text.endswith("it is made for linux/s390x")
        both = [image("x", architecture="s390x"), image("x", architecture=machine_architecture())]
        assert await node.ensure(await source.push("team/both:1", both))
    assert "nothing listens at" in await node.fails(f"127.0.0.1:{free_port()}/x:1")


async def test_a_pull_that_hangs_ends_when_its_pod_goes_and_holds_nobody_up(node: Node) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await node.runtime.import_image(archive({"docker.io/podwright/here:1": image("here")}))
        await node.known("podwright/here:1")
        hanging = asyncio.create_task(node.ensure(f"{address}/x:1", pod="gone"))
        await asked.wait()
        began = time.monotonic()
        await node.ensure("podwright/here:1", pod="other")
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        assert time.monotonic() - began < slack(1)
        assert node.puller.running == 0


def docker_archive(name: str) -> bytes:
    layer = layer_tar({"/f": File(b"x")})
    config = json.dumps(
        {
            "architecture": machine_architecture(),
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{__import__('hashlib').sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": ["l/layer.tar"]}]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in (("l/layer.tar", layer), ("c.json", config), ("manifest.json", manifest)):
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


async def test_every_kind_of_file_can_be_imported_and_used_under_its_name(node: Node, tmp_path: Path) -> None:
    assert (await node.fails("tool:1", "Never")).startswith("ErrImageNeverPull")
    assert await node.runtime.import_image(docker_archive("tool:1")) == ["docker.io/library/tool:1"]
    assert await node.known("tool:1") == await node.ensure("tool:1", "Never")
    zipped = tmp_path / "zipped.tar.gz"
    zipped.write_bytes(gzip.compress(archive({"docker.io/team/zipped:1": image("z")})))
    assert await node.runtime.import_image(zipped) == ["docker.io/team/zipped:1"]
    folder = tmp_path / "layout"
    for path, content in layout_files({"r.io/team/folder:1": image("f")}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    assert await node.runtime.import_image(folder, name="renamed") == ["docker.io/library/renamed:latest"]
    for name in ("team/zipped:1", "renamed"):
        await node.known(name)
        assert await node.ensure(name, "Never")


async def test_the_file_system_of_images_is_told(node: Node) -> None:
    usage = await file_system(node.images)
    assert 0 < usage.available <= usage.capacity


async def test_a_running_download_is_told_in_bytes(node: Node) -> None:
    files = layout_files({"x": Image(layers=[{"/big": File(os.urandom(5_000_000))}])})
    top = json.loads(files["index.json"])["manifests"][0]
    manifest = files["blobs/" + top["digest"].replace(":", "/")]
    layer = json.loads(manifest)["layers"][0]
    half_way, go_on = asyncio.Event(), asyncio.Event()

    async def serve(request: web.Request) -> web.StreamResponse:
        kind, name = request.path.split("/")[-2:]
        if kind == "manifests":
            headers = {"Content-Type": top["mediaType"], "Docker-Content-Digest": top["digest"]}
            return web.Response(body=manifest, headers=headers)
        content = files["blobs/" + name.replace(":", "/")]
        answer = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await answer.prepare(request)
        await answer.write(content[: len(content) // 2])
        if name == layer["digest"]:
            half_way.set()
            await go_on.wait()
        await answer.write(content[len(content) // 2 :])
        return answer

    app = web.Application()
    app.router.add_get("/v2/{rest:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    store = ContainerdContent(node.runtime.endpoint)
    try:
        pulling = asyncio.create_task(node.ensure(f"127.0.0.1:{port}/x:1"))
        async with asyncio.timeout(10):
            await half_way.wait()
            # containerd counts whole megabytes
            while (told := (await store.downloads())[layer["digest"]])[0] == 0:
                await asyncio.sleep(0.01)
            assert told[0] <= layer["size"] // 2
            assert told[1] == layer["size"]
            go_on.set()
            await pulling
        assert await store.downloads() == {}
    finally:
        await store.close()
        await runner.cleanup()
