"""`podwright up --detach`: from the command's start to its end, which is when the node is Ready.

Interpreter start, imports and the managed containerd are in it. Once with a fresh data directory, once more after
`podwright down`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.measurement import Measurement
from benchmarks.node import down, up

_BUDGET, _THEN = 1.5, 1.0


async def measure(*, quick: bool) -> Sequence[Measurement]:
    """A few fresh nodes, each started twice."""
    fresh, again = [], []
    for _ in range(2 if quick else 5):
        with tempfile.TemporaryDirectory(prefix="pwb") as folder:
            data_dir = Path(folder) / "d"
            try:
                fresh.append(await up(data_dir))
                await down(data_dir)
                again.append(await up(data_dir))
            finally:
                await down(data_dir, purge=True)
    note = "budget 1.5 s, then 1.0; the whole command"
    return [
        Measurement("up to Ready, fresh", median(fresh), "s", _BUDGET, then=_THEN, note=note, samples=fresh),
        Measurement("up to Ready, after down", median(again), "s", _BUDGET, then=_THEN, note=note, samples=again),
    ]
