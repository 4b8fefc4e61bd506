"""What the managed containerd is told: config.toml and the CNI network. Pure, with golden tests.

Version 2 of the format: containerd 1.6 and 1.7 read it as it is, 2.x moves it to version 3 by itself.
Pages: https://github.com/containerd/containerd/blob/main/docs/cri/config.md, https://www.cni.dev/docs/spec/
"""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from podwright.containerd import toml
from podwright.containerd.layout import Layout
from podwright.containerd.programs import Programs

CRI: Final = "io.containerd.grpc.v1.cri"

DISABLED_PLUGINS: Final = (
    # snapshotters that need other file systems; each is probed at start
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
    # nobody reads traces or containerd's own metrics; restart policies are the kubelet's
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.monitor.v1.cgroups",
    "io.containerd.monitor.task.v1.cgroups",
    "io.containerd.internal.v1.restart",
    "io.containerd.monitor.container.v1.restart",
    # makes /opt/containerd
    "io.containerd.internal.v1.opt",
    "io.containerd.nri.v1.nri",
)

_HANDLER: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SHIM_TYPES: Final[Mapping[str, str]] = {"runsc": "io.containerd.runsc.v1", "kata": "io.containerd.kata.v2"}
_RUNC_SHIM: Final = "io.containerd.runc.v2"


class RuntimeFileError(ValueError):
    """A file of runtimes.d that can't be used; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What the node's owner decides about the runtime. Raises ValueError for a Pod range that can't be used."""

    pod_cidr: str = "10.88.0.0/16"
    service_cidr: str = ""
    """addresses of Services that this machine is to reach by the bridge; "": none"""
    max_container_log_line_size: int = 16384
    """bytes"""
    snapshotter: str = "overlayfs"
    extra_runtimes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """handler name -> runtime table, from runtimes.d"""

    def __post_init__(self) -> None:
        network = ipaddress.ip_network(self.pod_cidr)
        if network.version != 4 or network.prefixlen > 29:
            raise ValueError(f"pod CIDR {self.pod_cidr}: the managed network needs an IPv4 range of /29 or larger")


def parse_runtime_file(name: str, text: str) -> dict[str, Any]:
    """One file of runtimes.d: `name` (without .toml) is the handler, the content its runtime table.

    `runtime_type` may be left out (runc's shim). Raises RuntimeFileError.
    """
    where = f"runtimes.d/{name}.toml"
    if not _HANDLER.fullmatch(name):
        raise RuntimeFileError(f"{where}: a handler's name has lower case letters, digits and inner dashes only")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuntimeFileError(f"{where}: {error}") from None
    for key, kind in (("runtime_type", str), ("runtime_path", str), ("options", dict)):
        if key in table and not isinstance(table[key], kind):
            raise RuntimeFileError(f"{where}: {key}: expected a {'table' if kind is dict else 'string'}")
    return {"runtime_type": _RUNC_SHIM, **table}


def runtimes(layout: Layout, programs: Programs, options: NodeOptions) -> dict[str, Mapping[str, Any]]:
    """Every runtime handler, the default one first."""
    order = sorted(programs.runtimes, key=lambda name: (name != "runc", name != "crun", name))
    tables: dict[str, Mapping[str, Any]] = {}
    for name in order:
        if name in _SHIM_TYPES:
            tables[name] = {"runtime_type": _SHIM_TYPES[name]}
        else:
            tables[name] = {"runtime_type": _RUNC_SHIM, "options": {"BinaryName": str(programs.runtimes[name])}}
    tables.update(options.extra_runtimes)
    return {name: _isolated(layout, name, table) for name, table in tables.items()}


def _isolated(layout: Layout, name: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """runc keeps its state in a folder that every containerd would share; ours has its own, one for each handler."""
    if table["runtime_type"] != _RUNC_SHIM:
        return table
    own = {"Root": str(layout.state / "oci" / name), "SystemdCgroup": False}
    return {**table, "options": {**own, **table.get("options", {})}}


def containerd_config(layout: Layout, programs: Programs, options: NodeOptions, sandbox_image: str) -> str:
    """config.toml."""
    handlers = runtimes(layout, programs, options)
    cri: dict[str, Any] = {
        "sandbox_image": sandbox_image,
        "disable_tcp_service": True,
        "stream_server_address": "127.0.0.1",
        "stream_server_port": "0",
        "max_container_log_line_size": options.max_container_log_line_size,
        # without CAP_SYS_RESOURCE a score can't go below our own
        "restrict_oom_score_adj": True,
        "tolerate_missing_hugetlb_controller": True,
        "netns_mounts_under_state_dir": True,
        # as every other container tool does: low ports and ping without privileges, inside the Pod's own network
        "enable_unprivileged_ports": True,
        "enable_unprivileged_icmp": True,
        "max_concurrent_downloads": 8,
        # how often the sizes of all layers are added up, in seconds; every 10 by default, a burden on an idle machine
        "stats_collect_period": 60,
        "cni": {
            "bin_dir": str(programs.cni_dir),
            "conf_dir": str(layout.cni_conf_dir),
            "max_conf_num": 1,
        },
        "containerd": {
            "default_runtime_name": next(iter(handlers)),
            "snapshotter": options.snapshotter,
            # the compressed layers are no longer needed once unpacked, but a push or an export would need them
            "discard_unpacked_layers": False,
            "runtimes": handlers,
        },
        "registry": {"config_path": str(layout.registries)},
    }
    return toml.dumps(
        {
            "version": 2,
            "root": str(layout.root),
            "state": str(layout.state),
            "disabled_plugins": list(DISABLED_PLUGINS),
            # a containerd whose CRI could not start would serve, and never be ready
            "required_plugins": [CRI],
            "grpc": {"address": str(layout.socket)},
            # a level that says what went wrong without a line for every probe
            "debug": {"level": "warn"},
            "plugins": {
                CRI: cri,
                # removed images free their space soon, but never while a node starts
                "io.containerd.gc.v1.scheduler": {"startup_delay": "5s"},
            },
        }
    )


def cni_config(layout: Layout, options: NodeOptions) -> str:
    """The Pod network: a bridge of our own, addresses from the Pod range, host ports.

    Masquerading is not asked of the bridge plugin, which would run iptables several times for every Pod: one
    nftables rule of `network` does it for the whole range.
    """
    document = {
        "cniVersion": "0.4.0",
        "name": layout.network,
        "plugins": [
            {
                "type": "bridge",
                "bridge": layout.bridge,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": options.pod_cidr}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(layout.ipam_dir),
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def read_runtime_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Every handler of runtimes.d, in the order of names. Raises RuntimeFileError, OSError."""
    if not folder.is_dir():
        return {}
    return {
        file.stem: parse_runtime_file(file.stem, file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("*.toml"))
    }
