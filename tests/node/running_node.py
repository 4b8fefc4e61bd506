"""A node as a user has it: the installed `podwright` as a process of its own, and a look at what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.ports import free_port

from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
from podwright.containerd.layout import Layout
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive
from podwright.containerd.purge import mount_points
from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.cgroups.pods import instance_name

PODWRIGHT = Path(sys.executable).parent / "podwright"
_CNI_RESULTS = Path("/var/lib/cni/results")


@dataclass(frozen=True)
class Sandboxes:
    """What the runtime itself knows of: `<namespace>/<pod>` of each sandbox that is ready, and of each container."""

    ready: Sequence[str]
    containers: dict[str, list[str]]
    """pod -> ids of its running containers"""


@dataclass(frozen=True)
class RunningNode:
    """One data directory with its addresses. Nothing happens before `up`."""

    data_dir: Path
    port: int
    pod_cidr: str
    service_cidr: str
    name: str

    @classmethod
    def below(cls, folder: Path, name: str) -> RunningNode:
        """A node with a port and address ranges of its own."""
        port = free_port()
        high, low = (port >> 8) % 32, port & 255
        return cls(folder / name, port, f"10.{192 + high}.{low}.0/24", f"10.{224 + high}.{low}.0/24", name)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.data_dir / "kubeconfig"

    @property
    def static_pods(self) -> Path:
        """A folder for manifests, for tests that tell the kubelet of it."""
        return self.data_dir.with_name(f"{self.name}-static")

    @property
    def layout(self) -> Layout:
        """Where its runtime keeps things."""
        return Layout(self.data_dir)

    @property
    def pid(self) -> int:
        """Of the `podwright` process."""
        pid: int = json.loads((self.data_dir / "podwright.lock").read_text())["pid"]
        return pid

    def up(self, *more: str) -> str:
        """`podwright up --detach`; what it printed."""
        return self._podwright("up", "--detach", *self._flags(), *more)

    def up_in_foreground(self) -> subprocess.Popen[str]:
        """`podwright up`, for the caller to end; it prints to pipes."""
        return subprocess.Popen(
            [PODWRIGHT, "up", "--data-dir", self.data_dir, *self._flags()],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _flags(self) -> list[str]:
        return ["--listen", f"127.0.0.1:{self.port}", "--node-name", self.name,
                "--pod-cidr", self.pod_cidr, "--service-cidr", self.service_cidr]  # fmt: skip

    def down(self, *, purge: bool = False) -> str:
        """`podwright down`; what it printed."""
        return self._podwright("down", *(["--purge"] if purge else []))

    def _podwright(self, verb: str, *arguments: str) -> str:
        done = subprocess.run(
            [PODWRIGHT, verb, "--data-dir", self.data_dir, *arguments],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"podwright {verb}: {done.stderr}\n{self.log_end()}"
        return done.stdout

    def log_end(self) -> str:
        """The last lines of its log, for a failure's report."""
        log = self.data_dir / "podwright.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""

    def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the process and wait for that; the runtime and the containers live on."""
        process = os.pidfd_open(self.pid)
        try:
            signal.pidfd_send_signal(process, sig)
            ended, _, _ = select.select([process], [], [], 20)
            assert ended, f"podwright lives on after {sig.name}"
        finally:
            os.close(process)

    def import_example_image(self) -> None:
        """Make `podwright/busybox:1` usable by Pods."""
        images = {EXAMPLE_IMAGE: busybox_image(Path("/bin/busybox"))}
        asyncio.run(ManagedContainerd(self.data_dir).import_image(archive(images)))

    async def sandboxes(self) -> Sandboxes:
        """Asked of the runtime by CRI, past the kubelet."""
        client = RuntimeClient(self.layout.endpoint)
        try:
            listed = (await client.list_pod_sandbox()).items
            running = (await client.list_containers()).containers
        finally:
            await client.close()
        names = {one.id: f"{one.metadata.namespace}/{one.metadata.name}" for one in listed}
        containers: dict[str, list[str]] = {}
        for one in running:
            if one.state == pb.CONTAINER_RUNNING:
                containers.setdefault(names.get(one.pod_sandbox_id, "?"), []).append(one.id)
        return Sandboxes([names[one.id] for one in listed if one.state == pb.SANDBOX_READY], containers)

    def traces_of_pods(self) -> list[str]:
        """What is on the machine for Pods of this node; when it has none there is nothing."""
        layout, cri = self.layout, "io.containerd.grpc.v1.cri"
        folders = [
            self.data_dir / "pods",
            self.data_dir / "logs" / "pods",
            self.data_dir / "logs" / "containers",
            layout.root / cri / "sandboxes",
            layout.root / cri / "containers",
            layout.state / cri / "netns",
            layout.state / "io.containerd.runtime.v2.task" / "k8s.io",
            Path("/sys/class/net", layout.bridge, "brif"),
        ]
        found = [str(one) for folder in folders if folder.is_dir() for one in folder.iterdir()]
        found += [str(address) for address in layout.ipam_dir.glob(f"{layout.network}/[0-9]*.*")]
        for instance in Path("/sys/fs/cgroup").glob(f"*/{instance_name(self.data_dir)}"):
            found += [str(folder) for folder in instance.glob("kubepods/**/pod*")]
        return found

    def leftovers(self) -> list[str]:
        """Every trace on this machine, in words; after `down --purge` there is none."""
        return [*self._processes(), *self._mounts(), *self._network(), *self._cgroups(), *self._files()]

    def _processes(self) -> Iterator[str]:
        marks = (os.fsencode(self.data_dir), os.fsencode(self.layout.state))
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if any(mark in command for mark in marks):
                words = command.replace(b"\0", b" ").decode(errors="replace")
                yield f"process {folder.name}: {words}"

    def _mounts(self) -> Iterator[str]:
        below = [self.data_dir, self.layout.state]
        for point in mount_points(below, Path("/proc/self/mountinfo").read_text(encoding="utf-8")):
            yield f"mount {point}"

    def _network(self) -> Iterator[str]:
        if Path("/sys/class/net", self.layout.bridge).exists():
            yield f"interface {self.layout.bridge}"
        ruleset = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        marks = (self.layout.instance, self.pod_cidr.removesuffix("0/24"), self.service_cidr.removesuffix("0/24"))
        for line in ruleset.splitlines():
            if any(mark in line for mark in marks):
                yield f"nftables: {line.strip()}"

    def _cgroups(self) -> Iterator[str]:
        names = {instance_name(self.data_dir), self.layout.cgroup}
        for folder, below, _ in os.walk("/sys/fs/cgroup"):
            for name in names.intersection(below):
                yield f"cgroup {folder}/{name}"

    def _files(self) -> Iterator[str]:
        for path in (self.data_dir, self.layout.state, *_CNI_RESULTS.glob(f"{self.layout.network}-*")):
            if path.exists():
                yield f"file {path}"
