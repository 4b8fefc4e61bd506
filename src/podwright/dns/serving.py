"""How cluster DNS is put into a node: the server at the bridge's address, and the Service that leads to it.

Called by `app.py`. Page: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podwright.api.errors import StatusError
from podwright.client.backoff import Backoff
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.dns import addon
from podwright.dns.server import DnsServer
from podwright.dns.upstream import Forwarder, ResolvConf

log = logging.getLogger(__name__)

PORT: Final = 53
_BACKOFF: Final = Backoff(base=1.0, cap=60.0)


@dataclass(frozen=True, slots=True)
class NameServer:
    """The DNS server and the address it has taken."""

    server: DnsServer
    host: str
    port: int


def service_address(service_cidr: str) -> str:
    """The address of the Service kube-dns: the tenth of the range, as clusters commonly have it."""
    return str(ipaddress.ip_network(service_cidr)[10])


def name_server(
    informers: Informers, address: str, *, domain: str, resolv_conf: Path, ranges: Sequence[str]
) -> NameServer:
    """A server that has taken port 53 of `address`, or any other port where that is taken. Raises OSError."""
    upstream = Forwarder(ResolvConf(resolv_conf, own=(address,)).servers)

    def bound(port: int) -> NameServer:
        server = DnsServer(informers, domain, [(address, port)], upstream, ranges=ranges)
        return NameServer(server, *server.bind()[0][:2])

    try:
        return bound(PORT)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        log.info("port %d of %s is taken; Pods ask the Service kube-dns instead", PORT, address)
        return bound(0)


async def keep_kube_dns(client: Client, names: NameServer | None, cluster_ip: str) -> None:
    """See that the Service kube-dns leads to the server (None: that it is not there), however often it takes."""
    failures = 0
    while True:
        try:
            if names is None:
                await addon.remove(client)
            else:
                await addon.keep(client, addon.kube_dns_objects(cluster_ip, names.host, names.port))
        except StatusError as error:
            # Admission may refuse what it is shown, a webhook that is down for one: the node lives on.
            failures += 1
            log.warning("the Service kube-dns is not as it should be: %s", error.message)
            await asyncio.sleep(_BACKOFF.delay(failures))
        else:
            return
