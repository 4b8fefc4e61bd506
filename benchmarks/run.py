"""`make bench`: measure the budgets of docs/budgets.md on this machine and write a table and JSON.

Each budget is measured against the floor of bare CRI calls on the same containerd in the same run, samples in turn.
The exit status does not depend on whether budgets are met: a budget that is missed is a finding, not a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks import (
    api_server,
    delete,
    fan_out,
    fifty_pods,
    idle,
    one_pod,
    parallel_pulls,
    post_start,
    probes,
    services,
    up_to_ready,
)
from benchmarks.measurement import Measurement
from benchmarks.node import running_node
from benchmarks.pods import default_service_account

RESULTS: Final = Path(__file__).with_name("results")
ON_A_NODE: Final = {
    "idle": idle,  # first: on a node that has done nothing yet
    "one_pod": one_pod,
    "fifty_pods": fifty_pods,
    "delete": delete,
    "post_start": post_start,
    "probes": probes,
    "parallel_pulls": parallel_pulls,
    "services": services,
    "fan_out": fan_out,
    "api_server": api_server,  # last: it leaves thousands of objects to the purge
}
NAMES: Final = ("up_to_ready", *ON_A_NODE)


@dataclass(slots=True)
class Results:
    """What was measured, and which budgets could not be."""

    rows: list[Measurement] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def add(self, name: str, measuring: Awaitable[Sequence[Measurement]]) -> None:
        """Take one budget's rows; one that fails is told and does not cost the others."""
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            self.rows += await measuring
        except Exception:  # noqa: BLE001 - whatever it is, it is shown, and the exit status tells
            traceback.print_exc()
            self.failed.append(name)


async def measure(names: Sequence[str], *, quick: bool) -> Results:
    """The chosen budgets, one after the other."""
    results = Results()
    if "up_to_ready" in names:
        await results.add("up_to_ready", up_to_ready.measure(quick=quick))
    chosen = [name for name in ON_A_NODE if name in names]
    if chosen:
        async with running_node(quick=quick) as node:
            await default_service_account(node)
            for name in chosen:
                await results.add(name, ON_A_NODE[name].measure(node))
    return results


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": model[0].partition(":")[2].strip() if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "busy_percent": _busy(1.0),
    }


def _busy(seconds: float) -> float:
    """Percent of all cores that others use while we do nothing."""

    def read() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return sum(fields[:8]), fields[3] + fields[4]

    total, idle_time = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return round(100 * (1 - (idle_after - idle_time) / max(1, total_after - total)), 1)


def table(rows: Sequence[Measurement], before: dict[str, Any], after: dict[str, Any]) -> Table:
    """The result for people."""
    told = (
        f"{before['cores']} x {before['cpu']}, Python {before['python']}; others' load before: "
        f"{before['busy_percent']} % of all cores, load average {before['load'][0]}; after: {after['busy_percent']} %"
    )
    out = Table(title="Budgets", caption=told)
    out.add_column("what")
    for column in ("measured", "CPU", "floor", "ratio", "budget", "next"):
        out.add_column(column, justify="right")
    out.add_column("verdict")
    out.add_column("note")
    for row in rows:
        floor = "" if row.floor is None else f"{row.floor:,.4g}"
        cpu = "" if row.cpu is None else f"{row.cpu:,.0f} us"
        following = "" if row.then is None else f"{row.then:,.4g}"
        out.add_row(
            row.budget, f"{_number(row.measured)} {row.unit}", cpu, floor, f"{row.ratio:.2f}", _number(row.limit),
            following, row.verdict, row.note,
        )  # fmt: skip
    return out


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("containers need root: run this with sudo")
    before = machine()
    results = asyncio.run(measure(options.only, quick=options.quick))
    after = machine()
    now = datetime.datetime.now(datetime.UTC)
    RESULTS.mkdir(exist_ok=True)
    result = RESULTS / f"{now:%Y-%m-%dT%H-%M-%SZ}.json"
    document = {
        "time": now.isoformat(),
        "quick": options.quick,
        "before": before,
        "after": after,
        "budgets": [row.to_json() for row in results.rows],
        "failed": results.failed,
    }
    result.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    Console(width=None if sys.stdout.isatty() else 200).print(table(results.rows, before, after))
    print(f"written to {result.relative_to(Path.cwd()) if result.is_relative_to(Path.cwd()) else result}")
    if results.failed:
        sys.exit(f"could not be measured: {', '.join(results.failed)}")


if __name__ == "__main__":
    main()
