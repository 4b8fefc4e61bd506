"""What an exec hook uses is the container's: its process is in the container's cgroup, and so is its memory."""

from __future__ import annotations

from pathlib import Path

from tests.node.observed import FOREVER, container, observed, shell, spec
from tests.node.running_node import RunningNode
from tests.node.test_pod_resources import ROOT, UNIFIED, folder_of

LIMIT = 64 << 20
# busybox keeps what follows the last line break in memory, all of it
HUNGRY = "tell hook; head -c 32000000 /dev/zero | tail -n 1 | sleep 3; tell over"


def processes(folder: str) -> list[str]:
    """Command lines of the processes in a cgroup."""
    path = ROOT / folder if UNIFIED else ROOT / "memory" / folder
    found = []
    for pid in (path / "cgroup.procs").read_text().split():
        command = Path("/proc", pid, "cmdline")
        if command.exists():
            found.append(command.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def most_memory(folder: str) -> int:
    """The most that a cgroup has ever held."""
    if not UNIFIED:
        return int((ROOT / "memory" / folder / "memory.max_usage_in_bytes").read_text())
    peak = ROOT / folder / "memory.peak"
    return int((peak if peak.exists() else ROOT / folder / "memory.current").read_text())


async def test_the_process_and_the_memory_of_a_hook_are_its_containers(node: RunningNode, tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": shell(HUNGRY)}}}
    limits = {"limits": {"memory": str(LIMIT)}}
    async with observed(node.kubeconfig, "costs", tmp_path) as here:
        await here.create({"p": spec(container("tell up; " + FOREVER, lifecycle=hook, resources=limits))})
        await here.until_told("p", "hook")
        waiting = await here.until("p", lambda state: bool(state.status.get("qosClass")))
        pod_folder = folder_of(node, waiting.pod)
        (container_id,) = (await node.sandboxes()).containers["costs/p"]
        folder = f"{pod_folder}/{container_id}"
        inside = processes(folder)
        assert any("tell hook" in command for command in inside), inside
        assert any("tell up" in command for command in inside), inside
        await here.until_told("p", "over")
        used = most_memory(folder)
        assert 32_000_000 < used <= LIMIT
