"""The verbs about images on the shared node: how a pull gets on, another attempt now, what an image is made for."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.node.pulling import Pods, container, pods_in, runnable
from tests.node.registry import registry
from tests.node.registry_proxy import RegistryProxy, proxied
from tests.node.running_node import PODWRIGHT, RunningNode
from tests.node.test_images import docker_archive

from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, archive, machine_architecture


@pytest.fixture
async def pods(node: RunningNode, request: pytest.FixtureRequest) -> AsyncIterator[Pods]:
    async with pods_in(node, f"verbs-{abs(hash(request.node.name)) % 10**8}") as pods:
        yield pods


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RegistryProxy]:
    async with registry(tmp_path / "registry") as source, proxied(source) as proxy:
        yield proxy


@dataclass
class Verb:
    """A verb that runs, and what it has printed so far."""

    process: asyncio.subprocess.Process
    printed: str = ""

    async def until(self, pattern: str) -> None:
        """Read on until it has printed that. Raises AssertionError at its end."""
        assert self.process.stdout is not None
        while not re.search(pattern, self.printed):
            line = await self.process.stdout.readline()
            assert line, self.printed
            self.printed += line.decode()

    async def end(self) -> str:
        """All that it printed."""
        rest, _ = await self.process.communicate()
        self.printed += rest.decode()
        assert self.process.returncode == 0, self.printed
        return self.printed


async def begun(node: RunningNode, verb: str, *arguments: str | Path) -> Verb:
    """`podwright VERB`."""
    return Verb(
        await asyncio.create_subprocess_exec(
            PODWRIGHT, *verb.split(), "--data-dir", node.data_dir, *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
    )  # fmt: skip


async def podwright(node: RunningNode, verb: str, *arguments: str | Path) -> str:
    """What it printed."""
    async with asyncio.timeout(60):
        return await (await begun(node, verb, *arguments)).end()


async def test_run_and_why_tell_how_far_a_pull_is_and_how_fast(
    pods: Pods, proxy: RegistryProxy, tmp_path: Path
) -> None:
    layers = [{f"/filling-{number}": File(os.urandom(12_000_000))} for number in range(2)]
    image = await proxy.push("slow/told:1", runnable("told", *layers))
    # slow enough for the slowest machine: it is let go when it has been seen
    proxy.faults.bytes_per_second = 500_000
    pod = pods.pod("told", image, restartPolicy="Never")
    pod["metadata"]["namespace"] = pods.namespace
    pod["spec"]["containers"][0]["command"] = ["cat", "/version"]
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    told = rf"pulling {image}: [\d.]+[kM]?B of \d\d(\.\d)?MB, \d of 4 layers, [\d.]+[kM]?B/s"
    running = await begun(pods.node, "run", tmp_path / "pod.json")
    async with asyncio.timeout(60):
        await running.until(told)
        why = ""
        while not re.search(told, why):
            why = await podwright(pods.node, "why", "-n", pods.namespace, "told")
            assert "Successfully pulled" not in why
        proxy.faults.bytes_per_second = 0
        assert "told\n" in await running.end()


async def test_a_pull_that_waits_is_tried_now_when_a_user_asks(pods: Pods, proxy: RegistryProxy) -> None:
    image = f"{proxy.address}/team/asked:1"
    await pods.create("asked", image)
    await pods.waits("asked", "ImagePullBackOff")
    await proxy.push("team/asked:1", runnable("asked"))
    assert f"{image}: tried now" in await podwright(pods.node, "image retry", "-n", pods.namespace, "asked")
    await pods.running("asked")
    first, second = [one.at for one in proxy.asked if one.path.endswith("/team/asked/manifests/1")][:2]
    # by itself the node would have waited so long
    assert second - first < 10
    with pytest.raises(AssertionError, match="asked waits for no image"):
        await podwright(pods.node, "image retry", "-n", pods.namespace, "asked")


async def test_a_mirror_is_asked_in_place_of_the_registry(pods: Pods, proxy: RegistryProxy) -> None:
    await proxy.push("team/mirrored:1", runnable("mirrored"))
    folder = pods.node.data_dir / "registries" / "registry.invalid"
    folder.mkdir(parents=True)
    lines = [
        'server = "https://registry.invalid"',
        f'[host."http://{proxy.address}"]',
        'capabilities = ["pull", "resolve"]',
    ]
    (folder / "hosts.toml").write_text("\n".join(lines))
    image = "registry.invalid/team/mirrored:1"
    assert f"200, let in (http://{proxy.address})" in await podwright(pods.node, "registry check", image)
    await pods.create("mirrored", image)
    pod = await pods.running("mirrored")
    assert container(pod)["image"] == image
    assert await pods.version("mirrored") == "mirrored"


async def test_what_docker_saves_is_imported_from_standard_input(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "saved.tar").write_bytes(docker_archive("saved:1"))
    command = f"{PODWRIGHT} image import --data-dir {pods.node.data_dir} - < {tmp_path / 'saved.tar'}"
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert (process.returncode, printed) == (0, b"imported docker.io/library/saved:1\n")
    assert "docker.io/library/saved:1" in await podwright(pods.node, "image ls")


async def test_platforms_are_those_of_the_index_and_the_one_that_is_here(pods: Pods, proxy: RegistryProxy) -> None:
    mine = machine_architecture()
    image = await proxy.push("team/both:1", [runnable("x", architecture="s390x"), runnable("mine", architecture=mine)])
    single = "docker.io/verbs/single:1"
    await ManagedContainerd(pods.node.data_dir).import_image(archive({single: runnable("single")}))
    await pods.create("both", image)
    await pods.running("both")
    rows = [line.split(maxsplit=3) for line in (await podwright(pods.node, "image ls", "--platforms")).splitlines()]
    shown = {name: rest for name, _, _, rest in rows}
    offered = ", ".join(sorted([f"linux/{mine}", "linux/s390x"]))
    assert shown[image] == f"linux/{mine} of {offered}"
    assert shown[single] == f"linux/{mine}"
    why = await podwright(pods.node, "why", "-n", pods.namespace, "both")
    assert f"image {image} is made for linux/{mine} of {offered}" in why
