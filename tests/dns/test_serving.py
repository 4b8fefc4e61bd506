"""How cluster DNS is put into a node."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest
from tests.fakes.client import FakeClient

from podwright.api.errors import Forbidden, NotFound
from podwright.api.resources import SERVICES
from podwright.client.backoff import Backoff
from podwright.client.informers import Informers
from podwright.dns import serving
from podwright.dns.server import DnsServer
from podwright.dns.serving import NameServer, keep_kube_dns, name_server, service_address
from podwright.dns.upstream import Forwarder

RANGES = ("10.88.0.0/16", "10.96.0.0/16")


def test_the_service_has_the_tenth_address_of_the_range() -> None:
    assert service_address("10.96.0.0/16") == "10.96.0.10"


async def test_where_the_port_is_taken_any_other_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(serving, "PORT", port)
        informers = Informers(FakeClient())
        served = name_server(
            informers, "127.0.0.1", domain="cluster.local", resolv_conf=tmp_path / "none", ranges=RANGES
        )
    assert (served.host, served.port != port, served.port > 0) == ("127.0.0.1", True, True)


async def test_a_refusal_of_the_service_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_BACKOFF", Backoff(base=0.001, cap=0.001))
    client = FakeClient()
    client.fail_next("create", SERVICES, *[Forbidden.of("services", "kube-dns", "a webhook is down")] * 3)
    server = DnsServer(Informers(client), "cluster.local", [("127.0.0.1", 0)], Forwarder(lambda: ()), ranges=RANGES)
    await keep_kube_dns(client, NameServer(server, "10.88.0.1", 53), "10.96.0.10")
    assert (await client.get(SERVICES, "kube-dns", "kube-system"))["spec"]["clusterIP"] == "10.96.0.10"
    await keep_kube_dns(client, None, "10.96.0.10")
    with pytest.raises(NotFound):
        await client.get(SERVICES, "kube-dns", "kube-system")
