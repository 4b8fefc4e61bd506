from __future__ import annotations

from pathlib import Path

import pytest

from podwright.kubelet.cgroups.hierarchy import parse_mountinfo

V1 = """\
30 23 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""
HYBRID = V1 + (
    "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.mark.parametrize(
    ("text", "v1", "named", "unified", "is_v2"),
    [
        pytest.param(
            V1, {"cpu": "cpu,cpuacct", "cpuacct": "cpu,cpuacct", "memory": "memory"}, [], None, False, id="v1"
        ),
        pytest.param(
            HYBRID,
            {"cpu": "cpu,cpuacct", "cpuacct": "cpu,cpuacct", "memory": "memory"},
            ["systemd"],
            "unified",
            False,
            id="hybrid",
        ),
        pytest.param(V2, {}, [], "", True, id="v2"),
        pytest.param("nonsense\n", {}, [], None, False, id="none"),
    ],
)
def test_hierarchies(text: str, v1: dict[str, str], named: list[str], unified: str | None, is_v2: bool) -> None:
    root, got = Path("/sys/fs/cgroup"), parse_mountinfo(text)
    assert dict(got.v1) == {controller: root / path for controller, path in v1.items()}
    assert list(got.named) == [root / path for path in named]
    assert got.unified == (None if unified is None else root / unified)
    assert got.is_v2 is is_v2


def test_a_shared_mount_point_is_one_root() -> None:
    assert [path.name for path in parse_mountinfo(HYBRID).roots] == ["cpu,cpuacct", "memory", "systemd", "unified"]
