"""Pods whose images are what is tested: made, watched and asked about over the API of a node that runs."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kubectl.tool import Kubectl, found_kubectls
from tests.node.running_node import RunningNode

from podwright.api.errors import StatusError
from podwright.api.objects import Object
from podwright.api.resources import EVENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions
from podwright.containerd.example_image import busybox_image
from podwright.containerd.oci_image import File, Image

_COMMAND = ["sh", "-c", "cat /version; exec sleep 1000"]


@functools.cache
def _base() -> Image:
    return busybox_image(Path("/bin/busybox"))


def runnable(content: str, *layers: Mapping[str, File], **more: Any) -> Image:
    """A small image that prints `content` and stays; all of them share the first layer."""
    first = _base()
    version = {"/version": File(f"{content}\n".encode())}
    return Image([*first.layers, *layers, version], {**first.config, "Cmd": _COMMAND}, **more)


def container(pod: Object, number: int = 0) -> dict[str, Any]:
    """The status of a container, empty as long as there is none."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return statuses[number] if len(statuses) > number else {}


def waiting(pod: Object) -> tuple[str, str]:
    """(reason, message) that the first container waits with."""
    state = (container(pod).get("state") or {}).get("waiting") or {}
    return state.get("reason") or "", state.get("message") or ""


class Pods:
    """The Pods of one test, in a namespace; all of them are deleted at the end."""

    def __init__(self, node: RunningNode, client: HttpClient, namespace: str) -> None:
        self.node = node
        self.client = client
        self.namespace = namespace
        self.kubectl = Kubectl(found_kubectls()[-1], node.kubeconfig, node.data_dir.parent, namespace)

    async def kubectl_(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl printed; the loop, and with it the tests' proxies, goes on meanwhile."""
        return await asyncio.to_thread(self.kubectl, *arguments, stdin=stdin)

    async def create(self, name: str, image: str, policy: str = "", **spec: Any) -> Object:
        """A Pod with one container."""
        return await self.client.create(PODS, self.pod(name, image, policy, **spec), self.namespace)

    def pod(self, name: str, image: str, policy: str = "", **spec: Any) -> Object:
        """Its manifest."""
        first: dict[str, Any] = {"name": "main", "image": image}
        if policy:
            first["imagePullPolicy"] = policy
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "annotations": spec.pop("annotations", {})},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [first], **spec},
        }

    async def apply(self, *objects: Object) -> None:
        """By kubectl."""
        await self.kubectl_(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    async def get(self, name: str) -> Object:
        """As it is now."""
        return await self.client.get(PODS, name, self.namespace)

    async def until(self, name: str, fits: Callable[[Object], bool], within: float = 15) -> Object:
        """The Pod once it fits."""
        last: Object = {}
        try:
            async with asyncio.timeout(within):
                # each answer of the watch is a change; the first list comes as ADDED
                while not fits(last := await self.get(name)):
                    await asyncio.sleep(0.03)
                return last
        except TimeoutError:
            events = await self.events(name)
            raise AssertionError(f"{name} is not so within {within} s: {last.get('status')}\n{events}") from None

    async def running(self, name: str, within: float = 15) -> Object:
        """The Pod once its container runs."""
        return await self.until(name, lambda pod: "running" in (container(pod).get("state") or {}), within)

    async def waits(self, name: str, reason: str, within: float = 15) -> str:
        """The message with which its container waits."""
        return waiting(await self.until(name, lambda pod: waiting(pod)[0] == reason, within))[1]

    async def version(self, name: str, restarts: int = 0) -> str:
        """Which image it runs: what the image's command prints first, as the runtime has logged it."""
        pod = await self.get(name)
        folder = f"{self.namespace}_{name}_{pod['metadata']['uid']}"
        log = self.node.data_dir / "logs" / "pods" / folder / "main" / f"{restarts}.log"
        async with asyncio.timeout(5):
            while not (lines := log.read_text().splitlines() if log.exists() else []):
                await asyncio.sleep(0.02)
        return lines[0].split(" ", 3)[3]

    async def cannot_pull(self, name: str) -> str:
        """Why an attempt failed. What it waits with may have become ImagePullBackOff already, with the reason in it."""
        pod = await self.until(name, lambda pod: "ErrImagePull" in "".join(waiting(pod)))
        return waiting(pod)[1]

    async def events(self, name: str) -> Sequence[tuple[str, str, str]]:
        """(type, reason, message) of every event on a Pod, the oldest first."""
        listed = await self.client.list(EVENTS, self.namespace)
        ours = [one for one in listed.items if one["involvedObject"]["name"] == name]
        return [(one["type"], one["reason"], one["message"]) for one in sorted(ours, key=_first_seen)]

    async def until_told(self, name: str, *wanted: tuple[str, str, str], within: float = 15) -> None:
        """When these (type, reason, message) are among the events on a Pod."""
        try:
            async with asyncio.timeout(within):
                while not set(wanted) <= set(seen := await self.events(name)):
                    await asyncio.sleep(0.03)
        except TimeoutError:
            raise AssertionError(f"not all of {wanted} were told about {name}: {seen}") from None

    async def told(self, name: str, reason: str, within: float = 5) -> str:
        """The message of an event, once it is there."""
        async with asyncio.timeout(within):
            while True:
                for _, one, message in await self.events(name):
                    if one == reason:
                        return message
                await asyncio.sleep(0.03)

    async def delete(self, name: str) -> None:
        """Delete a Pod and wait until it is gone."""
        await self.client.delete(PODS, name, self.namespace, options=DeleteOptions(grace_period_seconds=0))
        async with asyncio.timeout(15):
            while True:
                try:
                    await self.get(name)
                except StatusError:
                    return
                await asyncio.sleep(0.03)


def _first_seen(event: Object) -> tuple[str, int]:
    return event.get("firstTimestamp") or "", int(event["metadata"]["resourceVersion"])


@asynccontextmanager
async def pods_in(node: RunningNode, namespace: str) -> AsyncIterator[Pods]:
    """A namespace for a test's Pods. Gone with them at the end."""
    async with HttpClient.from_kubeconfig(node.kubeconfig) as client:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        pods = Pods(node, client, namespace)
        try:
            async with asyncio.timeout(5):
                while "default" not in {
                    one["metadata"]["name"] for one in (await client.list(SERVICE_ACCOUNTS, namespace)).items
                }:
                    await asyncio.sleep(0.02)
            yield pods
        finally:
            for pod in (await client.list(PODS, namespace)).items:
                await pods.delete(pod["metadata"]["name"])
            await client.delete(NAMESPACES, namespace)
