"""The four use cases of private registries, as examples/registries has them: their own commands, on a real node."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kubectl.tool import found_kubectls
from tests.node.pulling import container, runnable, waiting
from tests.node.registry import Registry, registry
from tests.node.registry_proxy import Door, proxied
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.objects import Object
from podwright.api.resources import PODS
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions

EXAMPLES = Path(__file__).parents[2] / "examples" / "registries"
PASSWORD = "open-sesame"

_PODWRIGHT = """#!/bin/sh
# the verbs as the examples have them, for the node of the tests
case "$1" in registry|image) verb="$1 $2"; shift 2 ;; *) verb="$1"; shift ;; esac
exec {program} $verb --data-dir {data_dir} "$@"
"""


@dataclass
class Desk:
    """A folder in which a user follows an example, with the tools on the PATH."""

    folder: Path
    node: RunningNode
    client: HttpClient

    async def follow(self, example: str, hosts: Mapping[str, str]) -> str:
        """Run the commands of an example's first lines, its hosts replaced; what they printed."""
        text = (EXAMPLES / example).read_text()
        for name in sorted(hosts, key=len, reverse=True):
            text = text.replace(name, hosts[name])
        copy = self.folder / "examples" / "registries" / example
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        commands = re.findall(r"^#   (.*)$", text, re.MULTILINE)
        assert commands
        process = await asyncio.create_subprocess_shell(
            "set -e\n" + "\n".join(commands), cwd=self.folder,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "KUBECONFIG": str(self.node.kubeconfig)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(60):
            printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()
        return printed.decode()

    async def pod(self, name: str, namespace: str = "default") -> Object:
        """As it is once its container runs."""
        async with asyncio.timeout(20):
            while True:
                pod = await self.client.get(PODS, name, namespace)
                if "running" in (container(pod).get("state") or {}):
                    return pod
                await asyncio.sleep(0.05)

    def config(self, file: str, **users: str) -> None:
        """A config.json as `docker login` writes it: user by host."""
        auths = {host: {"username": user, "password": PASSWORD} for host, user in users.items()}
        (self.folder / file).write_text(json.dumps({"auths": auths}))


@pytest.fixture(scope="module")
def strict(node_folder: Path) -> Iterator[RunningNode]:
    running = RunningNode.below(node_folder, "strict")
    running.up("--enable-admission-plugins", "AlwaysPullImages")
    try:
        yield running
    finally:
        running.down(purge=True)


@pytest.fixture
async def desk(strict: RunningNode, tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "kubectl").symlink_to(found_kubectls()[-1])
    program = tmp_path / "podwright"
    program.write_text(_PODWRIGHT.format(program=PODWRIGHT, data_dir=strict.data_dir))
    program.chmod(0o755)
    async with HttpClient.from_kubeconfig(strict.kubeconfig) as client:
        yield Desk(tmp_path, strict, client)
        for pod in (await client.list(PODS)).items:
            meta = pod["metadata"]
            await client.delete(PODS, meta["name"], meta["namespace"], options=DeleteOptions(grace_period_seconds=0))


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Registry]:
    async with registry(tmp_path / "registry") as source:
        yield source


async def test_public_images_need_nothing(desk: Desk, source: Registry) -> None:
    await source.push("team/app:1", runnable("public"))
    printed = await desk.follow("1-public.yaml", {"registry.example": source.address})
    assert "without credentials: 200, let in" in printed
    await desk.pod("public")


async def test_a_company_s_images_by_the_node_s_credentials(desk: Desk, source: Registry) -> None:
    async with proxied(source, Door({"company": PASSWORD}, bearer=True)) as private:
        await private.push("team/app:1", runnable("company"))
        (desk.folder / "password").write_text(f"{PASSWORD}\n")
        printed = await desk.follow("2-company.yaml", {"registry.example": private.address})
        config = desk.node.data_dir / "config.json"
        assert f"written to {config}, for every Pod" in printed
        assert f"{config} as company: 200, let in" in printed
        assert PASSWORD not in printed
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert json.loads(config.read_text()) == {"auths": {}}, "the example logs out in the end"
        await desk.pod("company")


async def test_a_company_s_images_by_a_secret_of_the_pod(desk: Desk, source: Registry) -> None:
    async with proxied(source, Door({"company": PASSWORD})) as private:
        await private.push("team/app:1", runnable("company"))
        desk.config("config.json", **{private.address: "company"})
        await desk.follow("2-company-by-secret.yaml", {"registry.example": private.address})
        await desk.pod("company-by-secret")


async def test_strict_images_are_proven_at_each_start_and_secrets_are_no_part_of_them(
    desk: Desk, source: Registry
) -> None:
    async with proxied(source, Door({"reader": PASSWORD})) as private:
        await private.push("vault/app:1", runnable("vault"))
        desk.config("config.json", **{f"{private.address}/vault": "reader"})
        await desk.follow("3-strict.yaml", {"registry.example": private.address})
        pod = await desk.pod("strict")
        assert pod["spec"]["containers"][0]["imagePullPolicy"] == "Always"
        spec = {key: pod["spec"][key] for key in ("containers", "volumes")}
        for one in spec["containers"]:
            one["imagePullPolicy"] = "Never"
        other = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "without"}, "spec": spec}
        await desk.client.create(PODS, other, "default")
        assert "no credentials for it were found" in await _refused(desk, "without", "default")


async def test_tenants_have_their_own_images_and_not_each_other_s(desk: Desk, source: Registry) -> None:
    async with proxied(source, Door({"red": PASSWORD})) as red, proxied(source, Door({"blue": PASSWORD})) as blue:
        for name, private in (("red", red), ("blue", blue)):
            await private.push("app:1", runnable(name))
            desk.config(f"{name}.json", **{private.address: name})
        hosts = {"red.registry.example": red.address, "blue.registry.example": blue.address}
        await desk.follow("4-tenants.yaml", hosts)
        await desk.pod("app", "red")
        await desk.pod("app", "blue")
        assert f"{red.address} refused" in await _refused(desk, "curious", "blue")
        assert {one.user for one in red.asked} == {"", "red"}
        assert {one.user for one in blue.asked} <= {"", "blue"}


async def _refused(desk: Desk, name: str, namespace: str) -> str:
    """Why a Pod does not get its image."""
    async with asyncio.timeout(20):
        while "ErrImagePull" not in "".join(waiting(pod := await desk.client.get(PODS, name, namespace))):
            await asyncio.sleep(0.05)
    return waiting(pod)[1]


def test_every_example_is_followed() -> None:
    text = Path(__file__).read_text()
    assert [file.name for file in EXAMPLES.iterdir() if f'"{file.name}"' not in text] == []
