"""`up` and `down` as a user calls them: Ready soon, safe to repeat, and nothing left after a purge."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.node.pods import Pods, container, pod
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.resources import NODES
from podwright.client.http import HttpClient
from podwright.containerd.example_image import busybox_image
from podwright.containerd.oci_image import archive
from podwright.kubelet.volumes import mounts


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


@pytest.fixture
def disk(own_node: RunningNode) -> Iterator[Path]:
    """The node's data directory on a file system of its own."""
    own_node.data_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "pw-test", own_node.data_dir], check=True)
    yield own_node.data_dir
    mounts.unmount(str(own_node.data_dir))
    own_node.data_dir.rmdir()


async def test_a_data_directory_that_is_a_disk_is_emptied_and_stays(own_node: RunningNode, disk: Path) -> None:
    own_node.up()
    await asyncio.to_thread(own_node.import_example_image)
    volume = {"name": "v", "emptyDir": {"medium": "Memory"}}
    mount = {"name": "v", "mountPath": "/v"}
    async with HttpClient.from_kubeconfig(own_node.kubeconfig) as client:
        pods = Pods(client, "default")
        await pods.create(pod("p", container(volumeMounts=[mount]), volumes=[volume]))
        await pods.ready("p")
    own_node.kill()
    assert mounts.mounted_below(disk / "pods")
    more = disk / "volumes" / "somebody" / "else's"
    more.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "pw-test", more], check=True)
    (more / "file").touch()
    with pytest.raises(AssertionError, match=f"{re.escape(str(more))} is mounted in the data directory"):
        own_node.down(purge=True)
    assert (more / "file").exists()
    mounts.unmount(str(more))
    assert f"emptied: {disk}" in own_node.down(purge=True)
    assert disk.is_mount() and list(disk.iterdir()) == []
    assert own_node.leftovers() == [f"file {disk}"]
    # Empty, it serves again.
    own_node.up()
    own_node.down(purge=True)


def test_a_taken_port_is_said_in_one_line(own_node: RunningNode, node: RunningNode) -> None:
    process = replace(own_node, port=node.port).up_in_foreground()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and "Traceback" not in said
    assert "address already in use" in said and str(node.port) in said


@pytest.mark.parametrize("flags", [["--listen", "nonsense"], ["--pod-cidr", "10.0.0.1/8"], ["--node-name", "No Name"]])
def test_wrong_flags_are_refused_before_anything_is_made(own_node: RunningNode, flags: list[str]) -> None:
    done = subprocess.run(
        [PODWRIGHT, "up", "--data-dir", own_node.data_dir, *flags], capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
    assert flags[0].removeprefix("--") in done.stderr and flags[1] in done.stderr
    assert not own_node.data_dir.exists()


@pytest.mark.parametrize(
    "reached",
    [
        pytest.param(lambda node: node.data_dir / "state.db", id="when the store is open"),
        pytest.param(lambda node: node.layout.socket, id="when the runtime starts"),
        pytest.param(lambda node: node.kubeconfig, id="when the API is about to be served"),
    ],
)
def test_a_start_that_was_killed_is_no_hindrance(own_node: RunningNode, reached: Callable[[RunningNode], Path]) -> None:
    with own_node.up_in_foreground() as process:
        try:
            deadline = time.monotonic() + 20
            while not reached(own_node).exists():
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.001)
        finally:
            process.kill()
    assert "is Ready" in own_node.up()


def test_archives_in_the_preload_folder_are_images_of_the_node(own_node: RunningNode) -> None:
    folder = own_node.data_dir / "preload"
    folder.mkdir(parents=True)
    image = busybox_image(Path(shutil.which("busybox") or ""))
    (folder / "example.tar").write_bytes(archive({"podwright/preloaded:1": image}))
    (folder / "broken.tar").write_bytes(b"no archive")
    own_node.up()
    command = [PODWRIGHT, "image", "ls", "--data-dir", own_node.data_dir]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "podwright/preloaded:1" in listed
    assert "broken.tar was not imported" in (own_node.data_dir / "podwright.log").read_text()
