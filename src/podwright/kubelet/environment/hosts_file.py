"""The text of the managed /etc/hosts of a Pod.

Pure. `environment.py` writes it below the Pod's directory before each container start and mounts it, unless the
container mounts something of its own there.
Page: https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.kubelet.environment.hostname import PodName

PATH = "/etc/hosts"
_HEADER = "# Kubernetes-managed hosts file."
_LOCAL = (
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
)

Aliases = Sequence[Mapping[str, Any]]
"""spec.hostAliases"""


def pod_hosts(pod_ips: Sequence[str], name: PodName, aliases: Aliases) -> str:
    """The file of a Pod with its own network: its addresses and names, then the aliases."""
    both = f"{name.fqdn}\t{name.host}" if name.domain else name.host
    lines = [_HEADER, *_LOCAL, *(f"{ip}\t{both}" for ip in pod_ips)]
    return "\n".join(lines) + "\n" + _aliases(aliases)


def host_network_hosts(node_file: str, aliases: Aliases) -> str:
    """The file of a Pod on the host's network: a copy of the node's, then the aliases."""
    return "# Kubernetes-managed hosts file (host network).\n" + node_file + _aliases(aliases)


def _aliases(aliases: Aliases) -> str:
    if not aliases:
        return ""
    lines = ["", "# Entries added by HostAliases."]
    lines += ["\t".join([str(alias.get("ip") or ""), *(alias.get("hostnames") or ())]) for alias in aliases]
    return "\n".join(lines) + "\n"
