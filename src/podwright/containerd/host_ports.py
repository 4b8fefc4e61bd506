"""What the CNI portmap plugin leaves in iptables when its Pods were not taken down properly, and taking it out. Pure.

Called by network.tear_down. The plugin keeps one chain for each container, named in CNI-HOSTPORT-DNAT with a comment
that holds the network's name, and three chains that all networks share.
Source: https://www.cni.dev/plugins/current/meta/portmap/
"""

from __future__ import annotations

from typing import Final

_DNAT: Final = "CNI-HOSTPORT-DNAT"
_SHARED: Final = (_DNAT, "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ")


def removals(saved: str, network: str) -> list[list[str]]:
    """Batches for `iptables-restore --noflush`, from `iptables-save -t nat`: everything of one network.

    When no other network has host ports, the shared chains go too. A chain is removed in a later batch than the
    rules that lead into it: within one, the kernel still sees it in use.
    """
    lines = saved.splitlines()
    entries = [line for line in lines if line.startswith(f"-A {_DNAT} ")]
    ours = [line for line in entries if f'name: \\"{network}\\"' in line]
    chains = [_target(line) for line in ours]
    shared: list[str] = []
    if len(entries) == len(ours):
        shared = [chain for chain in _SHARED if any(line.startswith(f":{chain} ") for line in lines)]
    gone = [*chains, *shared]
    jumps = [line for line in lines if _is_jump(line, gone) and line.split()[1] not in gone]
    batches = [[_delete(line) for line in jumps], [f"-F {chain}" for chain in gone], [f"-X {chain}" for chain in gone]]
    return [batch for batch in batches if batch]


def has_rules(saved: str) -> bool:
    """Whether anything but empty built-in chains stands in a table."""
    return any(line.startswith("-A ") or (line.startswith(":") and " - " in line) for line in saved.splitlines())


def _delete(line: str) -> str:
    return "-D" + line.removeprefix("-A")


def _target(line: str) -> str:
    return line.rpartition("-j ")[2].strip()


def _is_jump(line: str, chains: list[str]) -> bool:
    return line.startswith("-A ") and _target(line) in chains
