"""What the Pod network needs of the machine itself: forwarding, a way to Services, and rules that let Pods out.

Called when the managed runtime starts and when it is purged. What it changed for the whole machine is recorded beside
the instances' state, and put back by the last instance that goes.
Page: https://kubernetes.io/docs/concepts/cluster-administration/networking/
"""

from __future__ import annotations

import ipaddress
import json
import logging
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from podwright.containerd import host_ports
from podwright.containerd.layout import Layout
from podwright.containerd.programs import Programs

log = logging.getLogger(__name__)

SYSCTLS: Final[Mapping[str, str]] = {
    "net/ipv4/ip_forward": "1",
    # traffic between Pods on one bridge must pass the rules of Services
    "net/bridge/bridge-nf-call-iptables": "1",
}
PROC_SYS: Final = Path("/proc/sys")
_ROUTE_METRIC: Final = 4096


class NetworkError(Exception):
    """The machine's network could not be made ready; the text says which step."""


def masquerade_rules(layout: Layout, pod_cidr: str) -> str:
    """nftables, as one transaction: what leaves the Pod range for elsewhere gets this machine's address.

    The bridge may carry answers to 127.0.0.1 (see `_make_bridge`), so what a Pod itself sends to or from there is
    dropped: this machine's loopback is not for Pods. Saying `add` before `delete` makes it safe to repeat.
    """
    table = layout.nft_table
    return f"""add table ip {table}
delete table ip {table}
table ip {table} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {pod_cidr} ip daddr != {{ {pod_cidr}, 224.0.0.0/4 }} masquerade
  }}
  chain keep_loopback {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{layout.bridge}" ip daddr 127.0.0.0/8 drop
    iifname "{layout.bridge}" ip saddr 127.0.0.0/8 drop
  }}
}}
"""


def record_file(layout: Layout) -> Path:
    """How the machine was before the first instance, shared by all."""
    return layout.run_dir / "machine.json"


def gateway(pod_cidr: str) -> str:
    """The bridge's own address: what Pods reach this machine by. Raises ValueError for what is no address range."""
    return str(ipaddress.ip_network(pod_cidr)[1])


def set_up(layout: Layout, programs: Programs, pod_cidr: str, service_cidr: str = "") -> None:
    """Forwarding on, rules in place, bridge up, Services reached by it. Blocks: for a thread. Raises NetworkError."""
    if not record_file(layout).exists():
        tables = _run([str(programs.nft), "list", "tables", "ip"])
        record = {"sysctls": {}, "natTable": "table ip nat" in tables.splitlines()}
        record_file(layout).write_text(json.dumps(record), encoding="utf-8")
    set_sysctls(layout)
    _run([str(programs.nft), "-f", "-"], masquerade_rules(layout, pod_cidr))
    _make_bridge(layout, programs, pod_cidr, service_cidr)


def _make_bridge(layout: Layout, programs: Programs, pod_cidr: str, service_cidr: str) -> None:
    """The bridge that the CNI plugin would make for the first Pod, so that its address can be listened on before.

    Cluster IPs are routed to it, or a machine without a default route would not even try to reach one; a route that
    somebody else has for that range goes first. Connections from 127.0.0.1 to node ports go out by it.
    """
    address = f"{gateway(pod_cidr)}/{ipaddress.ip_network(pod_cidr).prefixlen}"
    steps = [f"address replace {address} dev {layout.bridge}", f"link set {layout.bridge} up"]
    if not Path(f"/sys/class/net/{layout.bridge}").exists():
        steps.insert(0, f"link add {layout.bridge} type bridge")
    if service_cidr:
        steps.append(f"route replace {service_cidr} dev {layout.bridge} metric {_ROUTE_METRIC}")
    _run([str(programs.ip), "-batch", "-"], "\n".join([*steps, ""]))
    route_localnet = PROC_SYS / "net/ipv4/conf" / layout.bridge / "route_localnet"
    try:
        route_localnet.write_text("1", encoding="ascii")
    except OSError as error:
        log.info("node ports are not reached by 127.0.0.1: cannot set %s: %s", route_localnet, error.strerror)


def tear_down(layout: Layout, programs: Programs, last: bool) -> None:
    """Remove bridge and rules; `last`: no other instance is left, so the machine's settings go back too.

    Raises NetworkError, OSError.
    """
    if Path(f"/sys/class/net/{layout.bridge}").exists():
        _run([str(programs.ip), "link", "delete", layout.bridge])
    table = layout.nft_table
    _run([str(programs.nft), "-f", "-"], f"add table ip {table}\ndelete table ip {table}\n")
    left = _remove_host_ports(layout, programs)
    if last and record_file(layout).exists():
        restore_sysctls(layout)
        record = json.loads(record_file(layout).read_text(encoding="utf-8"))
        if not record["natTable"] and left is not None and not host_ports.has_rules(left):
            _run([str(programs.nft), "-f", "-"], "add table ip nat\ndelete table ip nat\n")
        record_file(layout).unlink()


def set_sysctls(layout: Layout, proc_sys: Path = PROC_SYS) -> None:
    """Set what Pods need; what was there before stands in the record first. Raises NetworkError."""
    file = record_file(layout)
    record = json.loads(file.read_text(encoding="utf-8"))
    changed = {}
    for name, wanted in SYSCTLS.items():
        path = proc_sys / name
        # without br_netfilter bridged traffic never meets iptables and there is nothing to switch on
        if path.exists() and (found := path.read_text(encoding="ascii").strip()) != wanted:
            record["sysctls"].setdefault(name, found)
            changed[path] = wanted
    if not changed:
        return
    file.write_text(json.dumps(record), encoding="utf-8")
    for path, wanted in changed.items():
        try:
            path.write_text(wanted, encoding="ascii")
        except OSError as error:
            raise NetworkError(f"cannot set {path} to {wanted}: {error.strerror}") from error


def restore_sysctls(layout: Layout, proc_sys: Path = PROC_SYS) -> None:
    """Put back what the record has. Raises OSError."""
    for name, original in json.loads(record_file(layout).read_text(encoding="utf-8"))["sysctls"].items():
        (proc_sys / name).write_text(original, encoding="ascii")


def _remove_host_ports(layout: Layout, programs: Programs) -> str | None:
    """Take this network out of iptables; the nat table as it is then, None where there are no iptables."""
    if programs.iptables is None or not (save := programs.iptables.with_name("iptables-save")).exists():
        return None
    saved = _run([str(save), "-t", "nat"])
    batches = host_ports.removals(saved, layout.network)
    if not batches:
        return saved
    restore = programs.iptables.with_name("iptables-restore")
    for commands in batches:
        _run([str(restore), "--noflush"], "\n".join(["*nat", *commands, "COMMIT", ""]))
    return _run([str(save), "-t", "nat"])


def _run(command: list[str], stdin: str = "") -> str:
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode:
        raise NetworkError(f"{' '.join(command[:3])}: {result.stderr.strip() or result.returncode}")
    return result.stdout
