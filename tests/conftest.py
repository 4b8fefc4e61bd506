"""What needs a real node shares one: started by the installed program, purged at the end, nothing of it left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.running_node import PODWRIGHT, RunningNode

_HERE = Path(__file__).parent
_ON_A_NODE = (_HERE / "node", _HERE / "kubectl")
_PROGRAMS = (
    "containerd",
    "runc",
    "crun",
    "catatonit",
    "nft",
    "ip",
    "busybox",
    "docker-registry",
    "kubectl",
    "conntrack",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that runs containers carries the mark by which `make unit` leaves it out."""
    for item in items:
        if any(folder in item.path.parents for folder in _ON_A_NODE):
            item.add_marker(pytest.mark.node)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Says what is missing. As root and in CI that is a failure: tests that vanish look like tests that pass."""
    if item.get_closest_marker("node") is None:
        return
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if not PODWRIGHT.exists():
        missing.append("the installed package")
    if missing:
        pytest.fail(f"missing for real nodes: {', '.join(missing)}; `make setup` installs it", pytrace=False)
    if os.geteuid() != 0:
        reason = "real nodes need root"
        if "CI" in os.environ:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def node_folder() -> Iterator[Path]:
    """For data directories: short paths, since sockets lie below them."""
    with tempfile.TemporaryDirectory(prefix="pw-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def node(node_folder: Path) -> Iterator[RunningNode]:
    """The node that tests share, with the example image `podwright/busybox:1`. It must go without a trace."""
    running = RunningNode.below(node_folder, "shared")
    running.static_pods.mkdir()
    config = node_folder / "kubelet.yaml"
    config.write_text(
        f"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: {running.static_pods}\n"
    )
    running.up("--config", str(config))
    try:
        running.import_example_image()
        yield running
    finally:
        running.down(purge=True)
    assert running.leftovers() == []
