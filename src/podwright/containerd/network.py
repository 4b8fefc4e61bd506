"""What the Pod network needs of the machine itself: forwarding, and one rule that lets Pods out.

Called when the managed runtime starts and when it is purged. What it changed for the whole machine is recorded beside
the instances' state, and put back by the last instance that goes.
Page: https://kubernetes.io/docs/concepts/cluster-administration/networking/
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from podwright.containerd.layout import Layout
from podwright.containerd.programs import Programs

SYSCTLS: Final[Mapping[str, str]] = {
    "net/ipv4/ip_forward": "1",
    # traffic between Pods on one bridge must pass the rules of Services
    "net/bridge/bridge-nf-call-iptables": "1",
}
PROC_SYS: Final = Path("/proc/sys")


class NetworkError(Exception):
    """The machine's network could not be made ready; the text says which step."""


def masquerade_rules(layout: Layout, pod_cidr: str) -> str:
    """nftables, as one transaction: what leaves the Pod range for elsewhere gets this machine's address.

    Saying `add` before `delete` makes it safe to repeat.
    """
    table = layout.nft_table
    return f"""add table ip {table}
delete table ip {table}
table ip {table} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {pod_cidr} ip daddr != {{ {pod_cidr}, 224.0.0.0/4 }} masquerade
  }}
}}
"""


def record_file(layout: Layout) -> Path:
    """Original values of sysctls, shared by all instances."""
    return layout.run_dir / "sysctls.json"


def set_up(layout: Layout, programs: Programs, pod_cidr: str) -> None:
    """Forwarding on, rule in place. Blocks: call it in a thread. Raises NetworkError."""
    _set_sysctls(layout)
    _run([str(programs.nft), "-f", "-"], masquerade_rules(layout, pod_cidr))


def tear_down(layout: Layout, programs: Programs, last: bool) -> None:
    """Remove bridge and rule; `last`: no other instance is left, so the machine's settings go back too."""
    if Path(f"/sys/class/net/{layout.bridge}").exists():
        _run([str(programs.ip), "link", "delete", layout.bridge])
    table = layout.nft_table
    _run([str(programs.nft), "-f", "-"], f"add table ip {table}\ndelete table ip {table}\n")
    _remove_host_ports(layout, programs)
    if last:
        _restore_sysctls(layout)


def _set_sysctls(layout: Layout, proc_sys: Path = PROC_SYS) -> None:
    file = record_file(layout)
    record: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    changed = {}
    for name, wanted in SYSCTLS.items():
        path = proc_sys / name
        # without br_netfilter bridged traffic never meets iptables and there is nothing to switch on
        if path.exists() and (found := path.read_text(encoding="ascii").strip()) != wanted:
            record.setdefault(name, found)
            changed[path] = wanted
    if not changed:
        return
    file.write_text(json.dumps(record), encoding="utf-8")
    for path, wanted in changed.items():
        try:
            path.write_text(wanted, encoding="ascii")
        except OSError as error:
            raise NetworkError(f"cannot set {path} to {wanted}: {error.strerror}") from error


def _restore_sysctls(layout: Layout, proc_sys: Path = PROC_SYS) -> None:
    file = record_file(layout)
    if file.exists():
        for name, original in json.loads(file.read_text(encoding="utf-8")).items():
            (proc_sys / name).write_text(original, encoding="ascii")
        file.unlink()


def host_port_removals(saved: str, network: str) -> list[str]:
    """iptables commands that remove what the portmap plugin left of one network, from `iptables-save -t nat`."""
    chains: list[str] = []
    commands: list[str] = []
    for line in saved.splitlines():
        if line.startswith("-A CNI-HOSTPORT-DNAT ") and f'name: \\"{network}\\"' in line:
            commands.append("-D" + line.removeprefix("-A"))
            chains.append(line.rpartition("-j ")[2].strip())
    for chain in chains:
        commands += [f"-F {chain}", f"-X {chain}"]
    return commands


def _remove_host_ports(layout: Layout, programs: Programs) -> None:
    if programs.iptables is None:
        return
    save = programs.iptables.with_name("iptables-save")
    if not save.exists():
        return
    commands = host_port_removals(_run([str(save), "-t", "nat"]), layout.network)
    if commands:
        restore = programs.iptables.with_name("iptables-restore")
        _run([str(restore), "--noflush"], "\n".join(["*nat", *commands, "COMMIT", ""]))


def _run(command: list[str], stdin: str = "") -> str:
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if result.returncode:
        raise NetworkError(f"{' '.join(command[:3])}: {result.stderr.strip() or result.returncode}")
    return result.stdout
