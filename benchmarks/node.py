"""A node of its own for the benchmarks: data directory, port and address ranges that nobody else uses.

`podwright up --detach` as users run it, the example image in it, a client over TLS, and the runtime's own socket
for the floor.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from podwright.cli.instance import find
from podwright.client.http import HttpClient
from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
from podwright.containerd.layout import Layout
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive
from podwright.cri.client import ImageClient, RuntimeClient

PODWRIGHT = Path(sys.executable).with_name("podwright")
POD_CIDR, SERVICE_CIDR = "10.94.0.0/16", "10.101.0.0/16"
_CONFIG = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
serializeImagePulls: false
"""


class CommandError(Exception):
    """A `podwright` verb failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Node:
    """A running node."""

    data_dir: Path
    client: HttpClient
    runtime: RuntimeClient
    images: ImageClient
    quick: bool
    """fewer samples"""

    def samples(self, wanted: int) -> int:
        """How many samples to take."""
        return max(3, wanted // 5) if self.quick else wanted

    def pids(self) -> dict[str, int]:
        """The node's two processes."""
        instance = find(self.data_dir)
        record = json.loads(Layout(self.data_dir).process_record.read_text(encoding="utf-8"))
        return {"podwright": instance.pid if instance else 0, "containerd": int(record["pid"])}

    def url(self) -> str:
        """Where the API is."""
        instance = find(self.data_dir)
        return instance.url if instance else ""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def podwright(*arguments: str) -> float:
    """Run a verb; the seconds from its start to its end. Raises CommandError."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        PODWRIGHT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    took = time.perf_counter() - began
    if process.returncode:
        raise CommandError(f"podwright {' '.join(arguments)}: {output.decode(errors='replace').strip()}")
    return took


async def up(data_dir: Path, extra: Sequence[str] = ()) -> float:
    """`podwright up --detach`; the seconds that the whole command took, interpreter start included."""
    return await podwright(
        "up", "--detach", "--data-dir", str(data_dir), "--listen", f"127.0.0.1:{free_port()}",
        "--pod-cidr", POD_CIDR, "--service-cidr", SERVICE_CIDR, *extra,
    )  # fmt: skip


async def down(data_dir: Path, *, purge: bool = False) -> None:
    """`podwright down`."""
    await podwright("down", "--data-dir", str(data_dir), *(["--purge"] if purge else []))


@asynccontextmanager
async def running_node(*, quick: bool) -> AsyncIterator[Node]:
    """A node with the example image, until the block ends; then nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="pwb") as folder:
        data_dir = Path(folder) / "d"
        config = Path(folder) / "kubelet.yaml"
        config.write_text(_CONFIG, encoding="utf-8")
        try:
            await up(data_dir, ["--config", str(config)])
            image = await asyncio.to_thread(busybox_image, Path("/bin/busybox"))
            await ManagedContainerd(data_dir).import_image(archive({EXAMPLE_IMAGE: image}))
            endpoint = Layout(data_dir).endpoint
            runtime, images = RuntimeClient(endpoint), ImageClient(endpoint)
            async with HttpClient.from_kubeconfig(data_dir / "kubeconfig", context="") as client:
                yield Node(data_dir, client, runtime, images, quick)
            await runtime.close()
            await images.close()
        finally:
            if find(data_dir) is None and (data_dir / "podwright.log").exists():
                print((data_dir / "podwright.log").read_text(errors="replace")[-4000:], file=sys.stderr)
            if data_dir.exists():
                await down(data_dir, purge=True)
