"""`up` and `down` as a user calls them: Ready soon, safe to repeat, and nothing left after a purge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.running_node import RunningNode

from podwright.api.resources import NODES
from podwright.client.http import HttpClient


@pytest.fixture
def own_node(node_folder: Path) -> Iterator[RunningNode]:
    """A node of the test's own, not yet up."""
    running = RunningNode.below(node_folder, "own")
    yield running
    running.down(purge=True)
    assert running.leftovers() == []


async def test_up_says_where_it_serves_and_the_node_is_ready(own_node: RunningNode) -> None:
    said = own_node.up()
    assert f"serving https://127.0.0.1:{own_node.port}" in said
    assert f"export KUBECONFIG={own_node.kubeconfig}" in said
    assert own_node.kubeconfig.stat().st_mode & 0o777 == 0o600
    async with HttpClient.from_kubeconfig(own_node.kubeconfig) as client:
        node = await client.get(NODES, own_node.name)
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True"


def test_up_again_says_that_it_is_up(own_node: RunningNode) -> None:
    own_node.up()
    pid = own_node.pid
    assert f"already up here (pid {pid})" in own_node.up()
    assert own_node.pid == pid


def test_down_of_what_was_never_up_is_no_error(own_node: RunningNode) -> None:
    assert "nothing to stop" in own_node.down(purge=True)


def test_purge_after_a_crash_leaves_nothing(own_node: RunningNode) -> None:
    own_node.up()
    assert own_node.leftovers() != []  # or the look would see nothing
    own_node.kill()
