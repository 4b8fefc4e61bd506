"""What an API server is told when it is made: where it listens, where its files are, which addresses it hands out.

Made by `app.py` from the flags of `podwright up`; read by every module of this package.
Page: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApiServerConfig:
    """Settings of one API server; addresses without brackets, times in seconds, sizes in bytes."""

    data_dir: Path
    """`pki/` and `kubeconfig` are made below it."""
    host: str = "127.0.0.1"
    port: int = 6443
    """0: any free port."""
    extra_hosts: Sequence[str] = ()
    """More addresses to listen on with the same port (the one that Pods reach), each a SAN of the certificate."""
    advertise_address: str = ""
    """The address that the `kubernetes` Service leads to; "" or loopback: the Service has no endpoints."""
    node_name: str = "podwright"
    node_addresses: Sequence[str] = ()
    """More SANs for the kubelet's serving certificate."""
    kubelet_host: str = ""
    """Where the kubelet of `node_name` listens; "": at its node's address."""
    service_cidr: str = "10.96.0.0/16"
    node_ports: tuple[int, int] = (30000, 32767)
    """First and last port for Services of type NodePort and LoadBalancer."""
    cluster_domain: str = "cluster.local"
    max_body: int = 3 * 1024 * 1024
    compact_every: float = 300.0
    """Seconds of history that watches and continue tokens can count on."""
    compact_revisions: int = 50_000
    """History is cut as well once it is this long."""

    @property
    def issuer(self) -> str:
        """The `iss` of service account tokens, and their default audience."""
        return f"https://kubernetes.default.svc.{self.cluster_domain}"

    @property
    def kubernetes_service_ip(self) -> str:
        """The first address of the service range: the Service `default/kubernetes`."""
        return str(ipaddress.ip_network(self.service_cidr)[1])

    @property
    def pki_dir(self) -> Path:
        """Where keys and certificates are."""
        return self.data_dir / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.data_dir / "kubeconfig"
