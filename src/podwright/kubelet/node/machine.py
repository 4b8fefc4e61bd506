"""Reads what this machine is and how much of it is left.

Blocking, some milliseconds; called by `manager` in a thread. The two values go into the pure `node_object` and
`conditions`.
Page: https://kubernetes.io/docs/reference/node/node-status/
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What does not change while the kubelet runs. Sizes in bytes."""

    cpus: int
    memory: int
    disk: int
    """of the file system that holds the data directory"""
    pids: int
    swap: int = 0
    hugepages: Mapping[int, int] = field(default_factory=dict)
    """page size to how much of it is set aside"""
    machine_id: str = ""
    system_uuid: str = ""
    boot_id: str = ""
    kernel: str = ""
    os_image: str = ""
    architecture: str = "amd64"
    hostname: str = ""
    addresses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left at one moment. Sizes in bytes."""

    memory_available: int
    disk_available: int
    disk_inodes: int
    disk_inodes_free: int
    pids_available: int


def read_machine(data_dir: Path, node_ips: Sequence[str] = (), proc: Path = Path("/proc")) -> Machine:
    """What the machine is; `node_ips`: addresses to use instead of the one on the default route. Raises OSError."""
    memory = _meminfo(proc)
    disk = os.statvfs(data_dir)
    return Machine(
        cpus=os.cpu_count() or 1,
        memory=memory["MemTotal"],
        disk=disk.f_blocks * disk.f_frsize,
        pids=_max_pids(proc),
        swap=memory.get("SwapTotal", 0),
        hugepages=_hugepages(),
        machine_id=_first_text("/etc/machine-id", "/var/lib/dbus/machine-id"),
        system_uuid=_first_text("/sys/class/dmi/id/product_uuid", "/etc/machine-id"),
        boot_id=_first_text(proc / "sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=_os_image(),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
        hostname=socket.gethostname(),
        addresses=tuple(node_ips) or default_addresses(),
    )


def read_usage(data_dir: Path, proc: Path = Path("/proc")) -> Usage:
    """How much is left. Raises OSError."""
    disk = os.statvfs(data_dir)
    running = int((proc / "loadavg").read_text().split()[3].partition("/")[2])
    return Usage(
        memory_available=_meminfo(proc)["MemAvailable"],
        disk_available=disk.f_bavail * disk.f_frsize,
        disk_inodes=disk.f_files,
        disk_inodes_free=disk.f_ffree,
        pids_available=_max_pids(proc) - running,
    )


def default_addresses() -> tuple[str, ...]:
    """The address from which this machine would reach the internet, IPv4 before IPv6; loopback when there is none."""
    # A UDP socket that is connected has chosen its source address; nothing is sent.
    for family, far_away in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far_away, 9))
            return (str(probe.getsockname()[0]),)
    return ("127.0.0.1",)


def _meminfo(proc: Path) -> dict[str, int]:
    lines = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    return {parts[0].rstrip(":"): int(parts[1]) * 1024 for parts in lines if len(parts) == 3}


def _max_pids(proc: Path) -> int:
    names = ("sys/kernel/pid_max", "sys/kernel/threads-max")
    return min(int((proc / name).read_text()) for name in names)


def _hugepages() -> dict[int, int]:
    pages = {}
    for folder in Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB"):
        size = int(folder.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
        pages[size] = size * int((folder / "nr_hugepages").read_text())
    return pages


def _first_text(*paths: str | Path) -> str:
    for path in paths:
        with contextlib.suppress(OSError):
            if said := Path(path).read_text().strip():
                return said
    return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
