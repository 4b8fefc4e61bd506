"""What a machine has and lacks for running Pods. Pure: facts in, findings out; `doctor` gathers and prints.

Page: https://kubernetes.io/docs/setup/production-environment/container-runtimes/
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final


class Level(enum.Enum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """something works less well, or not at all, that not everybody needs"""
    MISSING = "missing"
    """no Pod runs without it"""


@dataclass(frozen=True, slots=True)
class Need:
    """A program, the Debian package that has it, and what it is for."""

    program: str
    package: str
    purpose: str
    essential: bool = True


NEEDS: Final[Sequence[Need]] = (
    Need("containerd", "containerd", "runs containers"),
    Need("ctr", "containerd", "imports images"),
    Need("containerd-shim-runc-v2", "containerd", "holds containers while containerd restarts"),
    Need("catatonit", "catatonit", "is the sandbox of every Pod"),
    Need("CNI plugins", "containernetworking-plugins", "give Pods their network"),
    Need("nft", "nftables", "sets the rules of network and Services"),
    Need("ip", "iproute2", "sets up the Pods' bridge"),
    Need("iptables", "iptables", "hostPort of Pods", essential=False),
    Need("mount", "mount", "mounts the volumes of Pods"),
    Need("busybox", "busybox-static", "the image of demo and examples", essential=False),
    Need("kubectl", "kubernetes-client", "the usual command line of Kubernetes", essential=False),
)
RUNTIMES: Final[Sequence[Need]] = (
    Need("runc", "runc", "the usual OCI runtime"),
    Need("crun", "crun", "a smaller and faster OCI runtime", essential=False),
)
OLDEST_KUBECTL_MINOR: Final = 27
_OLD_KUBECTL: Final = f": older than 1.{OLDEST_KUBECTL_MINOR}, the oldest that is tried; newer ones: https://kubernetes.io/docs/tasks/tools/"


@dataclass(frozen=True, slots=True)
class Program:
    """Where it lies and what version it says it has ("" when it says none)."""

    path: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One machine, as it was found."""

    programs: Mapping[str, Program] = field(default_factory=dict)
    """what is there, by name"""
    handlers: Mapping[str, Program] = field(default_factory=dict)
    """OCI runtimes and shims by the name of their handler"""
    is_root: bool = True
    sys_resource: bool = True
    """whether this process has CAP_SYS_RESOURCE"""
    cgroups: str = ""
    """v1, v1 and v2, v2, or "" for none"""
    overlay: bool = True
    """whether the kernel knows overlayfs now"""
    ip_forward: bool = True
    root_shared: bool = True
    """whether the mount at / lets mounts pass to its copies"""
    bridge_netfilter: bool | None = True
    """net.bridge.bridge-nf-call-iptables; None when the kernel has no br_netfilter loaded"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    level: Level
    name: str
    text: str
    install: str = ""
    """the Debian package that would help"""


def examine_programs(facts: Facts) -> Iterator[Finding]:
    """Each program that is needed, and each runtime."""
    for need in (*NEEDS, *RUNTIMES):
        found = facts.programs.get(need.program) or facts.handlers.get(need.program)
        if found is not None:
            told = " ".join(filter(None, (found.path, found.version)))
            old = need.program == "kubectl" and _is_old_kubectl(found.version)
            yield Finding(Level.NOTE if old else Level.OK, need.program, told + (_OLD_KUBECTL if old else ""))
            continue
        # any runtime will do
        essential = need.essential and not (need in RUNTIMES and facts.handlers)
        level = Level.MISSING if essential else Level.NOTE
        yield Finding(level, need.program, f"not found ({need.purpose})", need.package)


def _is_old_kubectl(version: str) -> bool:
    found = re.match(r"v?1\.(\d+)", version)
    return found is not None and int(found[1]) < OLDEST_KUBECTL_MINOR


def examine_kernel(facts: Facts) -> Iterator[Finding]:
    """What the kernel and this user's rights allow."""
    if facts.is_root:
        yield Finding(Level.OK, "root", "yes")
    else:
        yield Finding(Level.NOTE, "root", "not now: `podwright up` needs root, so run it with sudo")
    if facts.cgroups:
        yield Finding(Level.OK, "cgroups", facts.cgroups)
    else:
        yield Finding(Level.MISSING, "cgroups", "none mounted: mount -t cgroup2 none /sys/fs/cgroup")
    if facts.overlay:
        yield Finding(Level.OK, "overlayfs", "yes")
    else:
        yield Finding(
            Level.NOTE, "overlayfs", "not loaded: modprobe overlay; without it images are copied, which is slow and big"
        )
    if facts.ip_forward:
        yield Finding(Level.OK, "ip_forward", "on")
    else:
        yield Finding(Level.NOTE, "ip_forward", "off; `podwright up` turns it on, as Pods reach nothing without it")
    yield _bridge_netfilter(facts.bridge_netfilter)
    if facts.root_shared:
        yield Finding(Level.OK, "mounts of /", "shared")
    else:
        text = "private; mountPropagation of hostPath volumes needs: mount --make-rshared /"
        yield Finding(Level.NOTE, "mounts of /", text)
    if facts.is_root and not facts.sys_resource:
        yield Finding(
            Level.NOTE,
            "CAP_SYS_RESOURCE",
            "not held: containers can't be protected from the OOM killer (oom_score_adj) more than this process is",
        )
    elif facts.is_root:
        yield Finding(Level.OK, "CAP_SYS_RESOURCE", "held")


def _bridge_netfilter(state: bool | None) -> Finding:
    name = "bridge-nf-call-iptables"
    if state:
        return Finding(Level.OK, name, "on")
    how = "modprobe br_netfilter" if state is None else "sysctl -w net.bridge.bridge-nf-call-iptables=1"
    return Finding(
        Level.NOTE, name, f"{'not there' if state is None else 'off'}: {how}; without it a Pod can't reach itself or a "
        "neighbour by a Service's address",
    )  # fmt: skip


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether Pods can run."""
    return all(finding.level is not Level.MISSING for finding in findings)


def install_command(findings: Sequence[Finding], level: Level) -> str:
    """One apt-get for everything of this level; "" when there is nothing to install."""
    packages = sorted({finding.install for finding in findings if finding.install and finding.level is level})
    return f"apt-get install {' '.join(packages)}" if packages else ""


def runtime_class(handler: str) -> str:
    """A RuntimeClass for a handler, on one line."""
    return f"{{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {{name: {handler}}}, handler: {handler}}}"
