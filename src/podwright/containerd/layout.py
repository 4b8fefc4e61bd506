"""Where everything of one managed containerd lies, and the names that must be unique on the machine.

Pure; used by every module of this room. Two data directories never share a name: each gets ten hex digits of the
hash of its path, which stand in its bridge, its CNI network, its nftables table and its folder below /run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

RUN_DIR = Path("/run/podwright")
"""Parent of the state folders of all instances. State ends with a reboot, as /run does, and holds sockets, whose
paths may have 107 bytes at most: a data directory can lie deeper than that."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths and names of the instance that belongs to `data_dir` (absolute)."""

    data_dir: Path
    run_dir: Path = RUN_DIR

    @property
    def instance(self) -> str:
        """Ten hex digits, the same for the same data directory."""
        return hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:10]

    @property
    def home(self) -> Path:
        """`<data>/containerd`"""
        return self.data_dir / "containerd"

    @property
    def root(self) -> Path:
        """containerd's persistent data: images, snapshots, metadata."""
        return self.home / "root"

    @property
    def state(self) -> Path:
        """containerd's state of this boot, its socket in it."""
        return self.run_dir / self.instance

    @property
    def socket(self) -> Path:
        """The socket that serves CRI and containerd's own API."""
        return self.state / "containerd.sock"

    @property
    def endpoint(self) -> str:
        """The socket as a CRI endpoint."""
        return f"unix://{self.socket}"

    @property
    def notify_socket(self) -> Path:
        """Where containerd reports that it serves (sd_notify)."""
        return self.state / "notify.sock"

    @property
    def config(self) -> Path:
        """containerd's configuration; its path in a command line tells this containerd from every other."""
        return self.home / "config.toml"

    @property
    def log(self) -> Path:
        """What containerd and its shims print."""
        return self.home / "containerd.log"

    @property
    def process_record(self) -> Path:
        """Which process runs, as JSON."""
        return self.state / "containerd.json"

    @property
    def runtimes_dir(self) -> Path:
        """More runtime handlers, one TOML file each."""
        return self.home / "runtimes.d"

    @property
    def crun_wrapper(self) -> Path:
        """Starts crun on machines that it refuses otherwise."""
        return self.home / "crun"

    @property
    def cni_conf_dir(self) -> Path:
        """Holds exactly one network."""
        return self.home / "cni"

    @property
    def cni_conflist(self) -> Path:
        """The network."""
        return self.cni_conf_dir / "10-podwright.conflist"

    @property
    def ipam_dir(self) -> Path:
        """Addresses that are in use. Beside the network, not below it: containerd watches that folder."""
        return self.home / "ipam"

    @property
    def registries(self) -> Path:
        """Mirrors and certificates, in containerd's certs.d layout."""
        return self.data_dir / "registries"

    @property
    def imported_marker(self) -> Path:
        """Name of the sandbox image that was imported last; it goes when the images go."""
        return self.root / "sandbox-image"

    @property
    def network(self) -> str:
        """Name of the CNI network."""
        return f"podwright-{self.instance}"

    @property
    def bridge(self) -> str:
        """Name of the bridge (Linux allows 15 bytes)."""
        return f"pw-{self.instance}"

    @property
    def nft_table(self) -> str:
        """Name of the nftables table, family ip."""
        return f"podwright-net-{self.instance}"

    @property
    def cgroup(self) -> str:
        """Name of containerd's own cgroup on cgroup v2."""
        return f"podwright-{self.instance}"
