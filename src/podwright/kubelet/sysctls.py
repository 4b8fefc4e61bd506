"""Which kernel parameters a Pod may set: those of its own namespaces that cannot harm others, and what the node allows.

Pure; called by `kubelet` when it takes a Pod on, and by `configuration` for `allowedUnsafeSysctls`.
Page: https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from podwright.api.objects import Object
from podwright.api.pods import spec_of
from podwright.kubelet.status.generate import Verdict

SAFE = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip
"""Parameters that every node allows, as of v1.36."""

_IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_NET = ("net.",)
_NAME = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9]([-_a-z0-9]*[a-z0-9])?|[a-z0-9]?([-_a-z0-9]*)\*)")


def dotted(name: str) -> str:
    """`net/ipv4/conf/eth0.1/forwarding` as `net.ipv4.conf.eth0/1.forwarding`; the first separator tells the form."""
    separator = next((character for character in name if character in "./"), ".")
    return name if separator == "." else name.translate(str.maketrans("./", "/."))


def wrong_patterns(patterns: Sequence[str]) -> Iterator[str]:
    """What is wrong with an allowedUnsafeSysctls: a name, or the beginning of names with a `*` after it."""
    for pattern in patterns:
        if not _NAME.fullmatch(pattern):
            yield f"{pattern!r} is neither the name of a parameter nor the beginning of names and a *"
        elif not dotted(pattern).startswith((*_IPC, *_NET)):
            yield f"{pattern!r} is not known to be of a Pod's own: that of the whole node would be changed"


def forbidden_sysctl(pod: Object, allowed: Sequence[str]) -> Verdict | None:
    """Why the node does not take `pod`, which may set what is in SAFE or in `allowed`; None: nothing forbids it."""
    spec = spec_of(pod)
    patterns = [dotted(pattern) for pattern in allowed]
    for entry in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = dotted(entry["name"])
        why = ""
        if name not in SAFE and not any(_matches(name, pattern) for pattern in patterns):
            why = "not allowlisted"
        elif spec.get("hostNetwork") and name.startswith(_NET):
            why = "not allowed with host net enabled"
        elif spec.get("hostIPC") and name.startswith(_IPC):
            why = "not allowed with host ipc enabled"
        if why:
            return Verdict("SysctlForbidden", f'Pod was rejected: forbidden sysctl: "{name}" {why}')
    return None


def _matches(name: str, pattern: str) -> bool:
    return name.startswith(pattern.removesuffix("*")) if pattern.endswith("*") else name == pattern
