"""What a node costs that does nothing: CPU time and resident memory of its processes, with no Pod and with 50.

Counted are podwright and the managed containerd. The runtime's shims, one a Pod, are what containers cost on any
kubelet; they are told beside.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.node import Node
from benchmarks.pods import end, is_ready, manifest, pod_watch, start
from podwright.containerd.layout import Layout

_TICKS = os.sysconf("SC_CLK_TCK")
_SETTLE_SECONDS = 5.0
_COUNT = 50


async def measure(node: Node) -> Sequence[Measurement]:
    """First with no Pod, then with 50."""
    seconds = 10.0 if node.quick else 30.0
    rows = await _cost(node, "no Pod", seconds, cpu=0.5, memory=120)
    names = [f"idle-{number}" for number in range(_COUNT)]
    async with pod_watch(node) as watch:
        await asyncio.gather(*(start(node, watch, manifest(name), is_ready) for name in names))
        rows += await _cost(node, f"{_COUNT} Pods", seconds, cpu=1.0, memory=150)
        await asyncio.gather(*(end(node, watch, name) for name in names))
    return rows


async def _cost(node: Node, state: str, seconds: float, *, cpu: float, memory: float) -> list[Measurement]:
    pids = node.pids()
    await asyncio.sleep(_SETTLE_SECONDS)  # what just happened is not idling
    before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.perf_counter()
    await asyncio.sleep(seconds)
    passed = time.perf_counter() - began
    percent = {name: (cpu_seconds(pid) - before[name]) / passed * 100 for name, pid in pids.items()}
    resident = {name: _memory(pid, "Rss") for name, pid in pids.items()}
    proportional = {name: _memory(pid, "Pss") for name, pid in pids.items()}
    shims = [_memory(pid, "Pss") for pid in _shims(node)]
    told = f"Rss {_each(resident)}; Pss {_each(proportional)}; {len(shims)} shims beside: {sum(shims):.0f} MB Pss"
    return [
        Measurement(f"idle, {state}: CPU", sum(percent.values()), "%", cpu, note=_each(percent, 2)),
        Measurement(f"idle, {state}: memory", sum(resident.values()), "MB", memory, note=told),
    ]


def _each(values: dict[str, float], digits: int = 0) -> str:
    return " + ".join(f"{name} {value:.{digits}f}" for name, value in values.items())


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int, kind: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup has no {kind}")


def _shims(node: Node) -> list[int]:
    socket = str(Layout(node.data_dir).socket).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            if b"containerd-shim" in command and socket in command:
                found.append(int(entry.name))
    return found
