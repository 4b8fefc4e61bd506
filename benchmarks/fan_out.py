"""One write to 100 watchers and to 1,000: from the request until the last watcher has the event.

Watchers are TLS connections of four processes beside the server's; with few cores what they take to decrypt is in
the number. Clocks are compared between processes of one machine (CLOCK_MONOTONIC is the same for all).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from statistics import median
from urllib.parse import urlsplit

from benchmarks.idle import cpu_seconds
from benchmarks.measurement import Measurement
from benchmarks.node import Node
from benchmarks.user import allowed_user
from podwright.api.resources import CONFIG_MAPS
from podwright.client.kubeconfig import read_kubeconfig

_PROCESSES = 4
_PATH = "/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dfan-out"


async def measure(node: Node) -> Sequence[Measurement]:
    """First 100 watchers, then 1,000."""
    empty = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fan-out"}, "data": {"marker": ""}}
    await node.client.create(CONFIG_MAPS, empty, "default")
    return [await _latency(node, 100, 4.0), await _latency(node, 1000, 100.0)]


async def _latency(node: Node, count: int, wanted: float) -> Measurement:
    access = read_kubeconfig(node.data_dir / "kubeconfig")
    address = urlsplit(access.server)
    task = {
        "host": address.hostname, "port": address.port, "ca": access.ca.decode(), "path": _PATH,
        "certificate": str(await allowed_user(node)), "count": count // _PROCESSES,
    }  # fmt: skip
    processes = [await _process() for _ in range(_PROCESSES)]
    try:
        await asyncio.gather(*(_ask(process, json.dumps(task)) for process in processes))
        server = node.pids()["podwright"]
        before = cpu_seconds(server)
        samples = [await _one_write(node, processes, f"m{count}-{n}-m") for n in range(node.samples(20))]
        each = (cpu_seconds(server) - before) / len(samples) * 1e6
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
    note = f"{_PROCESSES} processes of watchers; median of {len(samples)}, the last watcher counts"
    return Measurement(
        f"one write to {count} watchers", median(samples), "ms", wanted, cpu=each, note=note, samples=samples
    )


async def _process() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.watchers", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


async def _ask(process: asyncio.subprocess.Process, line: str) -> str:
    """A line in, a line out. Raises RuntimeError when the process ended."""
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    return await _line(process)


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    if not line:
        raise RuntimeError("a process of watchers ended")
    return line.decode().strip()


async def _one_write(node: Node, processes: Sequence[asyncio.subprocess.Process], marker: str) -> float:
    """Milliseconds from the patch until the last watcher has it."""
    await asyncio.gather(*(_ask(process, marker) for process in processes))
    began = time.monotonic()
    await node.client.patch(CONFIG_MAPS, "fan-out", {"data": {"marker": marker}}, "default")
    seen = [float(line) for line in await asyncio.gather(*(_line(process) for process in processes))]
    return (max(seen) - began) * 1000
