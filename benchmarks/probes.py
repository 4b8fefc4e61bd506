"""A hundred Pods with startup, readiness and liveness probes: what probing costs, and whether it keeps its times.

The probes ask a receiver in this process, which notes when each comes: what a probe is late is seen from outside.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from aiohttp import web

from benchmarks.idle import cpu_seconds
from benchmarks.measurement import Measurement
from benchmarks.node import Node, free_port
from benchmarks.pods import end, is_ready, manifest, pod_watch, start

_COUNT = 100
_AT_ONCE = 20
_PERIOD = 10
_KINDS = ("startupProbe", "readinessProbe", "livenessProbe")


class Receiver:
    """Answers every request, and remembers when each path was asked for."""

    def __init__(self) -> None:
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Well."""
        self.times[request.path].append(time.perf_counter())
        return web.Response(text="well")


@asynccontextmanager
async def _receiving(port: int) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def measure(node: Node) -> Sequence[Measurement]:
    """Some periods of 100 Pods."""
    port, seconds = free_port(), _PERIOD * (3.0 if node.quick else 6.0)
    names = [f"probed-{number}" for number in range(_COUNT)]
    async with _receiving(port) as receiver, pod_watch(node) as watch:
        for first in range(0, _COUNT, _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            await asyncio.gather(*(start(node, watch, _pod(name, port), is_ready) for name in some))
        await asyncio.sleep(_PERIOD)  # every probe has found its time
        pids = node.pids()
        before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.perf_counter()
        receiver.times.clear()
        await asyncio.sleep(seconds)
        passed = time.perf_counter() - began
        percent = {name: (cpu_seconds(pid) - before[name]) / passed * 100 for name, pid in pids.items()}
        late = [after - at - _PERIOD for times in receiver.times.values() for at, after in pairwise(times)]
        asked = sum(map(len, receiver.times.values()))
        for first in range(0, _COUNT, _AT_ONCE):
            await asyncio.gather(*(end(node, watch, name, grace=0) for name in names[first : first + _AT_ONCE]))
    each = " + ".join(f"{name} {value:.2f}" for name, value in percent.items())
    return [
        Measurement(
            f"{_COUNT} Pods with probes: CPU of podwright", percent["podwright"], "%", 1.0,
            note=f"{asked / passed:.0f} probes a second; {each}",
        ),
        Measurement(
            f"{_COUNT} Pods with probes: the latest", 100 * max(late) / _PERIOD, "% of its period", 10.0,
            note=f"{len(late)} intervals of {len(receiver.times)} probes",
        ),
    ]  # fmt: skip


def _pod(name: str, port: int) -> dict[str, object]:
    probes = {
        kind: {"httpGet": {"host": "127.0.0.1", "port": port, "path": f"/{name}/{kind}"}, "periodSeconds": _PERIOD}
        for kind in _KINDS
    }
    return manifest(name, **probes)
