"""CgroupTree on the kernel's own hierarchies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from podwright.kubelet.cgroups.hierarchy import read_hierarchies
from podwright.kubelet.cgroups.limits import Limits
from podwright.kubelet.cgroups.tree import CgroupTree

pytestmark = [pytest.mark.node]


@pytest.fixture
def name() -> Iterator[str]:
    name = f"/podwright-test-{uuid.uuid4().hex[:8]}"
    yield name
    CgroupTree(read_hierarchies()).remove(name)


async def test_what_is_written_is_there_and_what_is_left_inside_is_killed(name: str) -> None:
    hierarchies = read_hierarchies()
    tree = CgroupTree(hierarchies)
    tree.create(f"{name}/pod", Limits(512, 50000, 64 << 20, 100))
    tree.create(f"{name}/pod", Limits(256, 25000, 32 << 20, 50))
    file = "memory.max" if hierarchies.is_v2 else "memory.limit_in_bytes"
    assert tree.read("memory", f"{name}/pod", file) == f"{32 << 20}\n"
    assert tree.read("pids", f"{name}/pod", "pids.max") == "50\n"
    assert tree.children(name) == {"pod"}
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    root = hierarchies.unified if hierarchies.is_v2 else hierarchies.v1["pids"]
    assert root is not None
    # On v2 only a leaf may hold processes.
    inside = root / name.lstrip("/") / "pod" / "container"
    inside.mkdir()
    (inside / "cgroup.procs").write_text(str(process.pid))
    await asyncio.to_thread(tree.remove, name)
    assert await process.wait() == -9
    assert not [root for root in hierarchies.roots if (root / name.lstrip("/")).exists()]
    tree.remove(name)
