"""300 Services with five endpoints each: until a change of an endpoint acts, and what they cost a Pod that starts.

A change acts once a connection to the Service's address is answered by the new endpoint. The one that changes has a
single endpoint, which is a listener of this process at the Pods' bridge; the other endpoints are addresses that nobody
has. The Services are in the Pods' namespace, so that every container gets their variables too, the floor's included.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from statistics import median

from benchmarks.floor import floor_of
from benchmarks.measurement import Measurement, against_floor
from benchmarks.node import POD_CIDR, Node
from benchmarks.pods import NAMESPACE, PodWatch, end, manifest, pod_watch, start
from podwright.api.objects import Object, uid_of
from podwright.api.resources import ENDPOINT_SLICES, PODS, SERVICES
from podwright.containerd.network import gateway

_SERVICES, _ENDPOINTS = 300, 5
_UPDATE_MS = 100.0
_PROBED = "probed"
_APART_SECONDS = 0.2
"""Between two changes, so that each comes alone."""


async def measure(node: Node) -> Sequence[Measurement]:
    """Pods without the Services, then the rules, then Pods with them."""
    async with pod_watch(node) as watch:
        before = await _pods(node, watch, "alone")
        await asyncio.gather(*(_add(node, number) for number in range(_SERVICES)))
        updates = await _updates(node)
        beside = await _pods(node, watch, "beside")
        await asyncio.gather(*(_remove(node, name) for name in [*map(_name, range(_SERVICES)), _PROBED]))
    alone = median(before[0]) / median(before[1])
    what = f"{_SERVICES} Services with {_ENDPOINTS} endpoints"
    return [
        Measurement(
            f"{what}: a change acts", median(updates), "ms", _UPDATE_MS, samples=updates,
            note="from the patch until a connection is answered by the new endpoint",
        ),
        against_floor(
            f"{what}: one Pod beside them", *beside, times=1.15, then_times=1.05,
            note=f"without them {median(before[0]):.0f} to {median(before[1]):.0f} ms: {alone:.2f}",
        ),
    ]  # fmt: skip


def _name(number: int) -> str:
    return f"service-{number}"


async def _add(node: Node, number: int) -> None:
    name = _name(number)
    await node.client.create(SERVICES, _service(name), NAMESPACE)
    addresses = [f"10.94.{200 + number // 50}.{number % 50 * _ENDPOINTS + i + 1}" for i in range(_ENDPOINTS)]
    await node.client.create(ENDPOINT_SLICES, _slice(name, addresses, 8080), NAMESPACE)


async def _remove(node: Node, name: str) -> None:
    await node.client.delete(ENDPOINT_SLICES, name, NAMESPACE)
    await node.client.delete(SERVICES, name, NAMESPACE)


def _service(name: str) -> Object:
    spec = {"ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _slice(name: str, addresses: Sequence[str], port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"port": port, "protocol": "TCP", "name": ""}],
    }


async def _pods(node: Node, watch: PodWatch, kind: str) -> tuple[list[float], list[float]]:
    """Milliseconds until Pods run, and those of the floor, in turn."""
    ours, bare = [], []
    template = f"{kind}-template"
    await start(node, watch, manifest(template))
    floor = await floor_of(node, uid_of(await node.client.get(PODS, template, NAMESPACE)))
    for number in range(node.samples(10)):
        name = f"{kind}-{number}"
        ours.append(await start(node, watch, manifest(name)))
        await end(node, watch, name)
        pod, took = await floor.start()
        bare.append(took)
        await floor.end(pod)
    await end(node, watch, template)
    return ours, bare


async def _updates(node: Node) -> list[float]:
    """Milliseconds from each change of the probed Service's endpoint until it acts."""
    host = gateway(POD_CIDR)
    async with _listener(host, b"a") as first, _listener(host, b"b") as second:
        address = (await node.client.create(SERVICES, _service(_PROBED), NAMESPACE))["spec"]["clusterIP"]
        await node.client.create(ENDPOINT_SLICES, _slice(_PROBED, [host], first), NAMESPACE)
        await _answers(address, b"a")
        took = []
        for number in range(node.samples(20)):
            await asyncio.sleep(_APART_SECONDS)
            port, wanted = ((second, b"b"), (first, b"a"))[number % 2]
            began = time.perf_counter()
            await node.client.patch(
                ENDPOINT_SLICES, _PROBED, {"ports": [{"port": port, "protocol": "TCP", "name": ""}]}, NAMESPACE
            )
            await _answers(address, wanted)
            took.append((time.perf_counter() - began) * 1000)
        return took


@contextlib.asynccontextmanager
async def _listener(host: str, says: bytes) -> AsyncIterator[int]:
    """A port that says one byte to whoever connects."""

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(answer, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _answers(address: str, wanted: bytes) -> None:
    """Connect again and again until the wanted endpoint answers. Raises TimeoutError."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(address, 80)
                said = await reader.read(1)
                writer.close()
                if said == wanted:
                    return
            await asyncio.sleep(0.001)
