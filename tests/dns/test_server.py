"""The server on loopback, asked by a full DNS library; upstream is a server of the test's own."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dnslib
import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running
from tests.proxy.objects import endpoint, endpoint_slice, service

from podwright.api.objects import Object
from podwright.api.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from podwright.client.informers import Informers
from podwright.dns.limit import Limiter
from podwright.dns.server import DnsServer
from podwright.dns.upstream import Forwarder, ResolvConf, Server

HOST = "127.0.0.1"
SVC = "default.svc.cluster.local"
RESOURCES = {"Service": SERVICES, "EndpointSlice": ENDPOINT_SLICES, "Namespace": NAMESPACES}
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "default"}}


class Upstream:
    """A name server with a fixed address for every name; `silent`: it hears and says nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent = False
        self.answers: Callable[[dnslib.DNSRecord], dnslib.DNSRecord] = fixed

    def reply(self, data: bytes) -> bytes:
        question = dnslib.DNSRecord.parse(data)
        self.asked.append(f"{question.q.qname} {dnslib.QTYPE[question.q.qtype]}")
        return b"" if self.silent else bytes(self.answers(question).pack())


def fixed(question: dnslib.DNSRecord) -> dnslib.DNSRecord:
    answer = question.reply()
    if question.q.qtype == dnslib.QTYPE.A:
        answer.add_answer(dnslib.RR(question.q.qname, rdata=dnslib.A("192.0.2.7"), ttl=60))
    return answer


def large(question: dnslib.DNSRecord) -> dnslib.DNSRecord:
    answer = question.reply()
    for i in range(100):
        answer.add_answer(dnslib.RR(question.q.qname, rdata=dnslib.A(f"192.0.2.{i}"), ttl=60))
    return answer


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if reply := self.upstream.reply(data):
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def listening(upstream: Upstream) -> AsyncIterator[Server]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        reply = upstream.reply(await reader.readexactly(length))
        writer.write(len(reply).to_bytes(2, "big") + reply)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    loop = asyncio.get_running_loop()
    tcp = await asyncio.start_server(converse, HOST, 0)
    address = tcp.sockets[0].getsockname()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(upstream), local_addr=address)
    try:
        yield Server(*address)
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()


@asynccontextmanager
async def serving(
    *objects: Object, servers: Sequence[Server] = (), patience: float = 0.2, most: int = 512
) -> AsyncIterator[tuple[tuple[str, int], FakeClient]]:
    client = FakeClient()
    for obj in (NAMESPACE, *objects):
        await client.create(RESOURCES[obj["kind"]], obj, obj["metadata"].get("namespace", ""))
    informers = Informers(client)

    async def known() -> Sequence[Server]:
        return servers

    forwarder = Forwarder(known, patience=patience, most=most)
    server = DnsServer(informers, "cluster.local", [(HOST, 0)], forwarder, ranges=["10.96.0.0/12"])
    [address] = server.bind()
    async with running(informers.run(), server.run()):

        async def ready() -> bool:
            answer = await ask(address, "dns-version.cluster.local", "TXT")
            return bool(answer.header.rcode == 0)

        await eventually(ready)
        yield address, client


async def ask(address: tuple[str, int], name: str, type_: str = "A", *, tcp: bool = False) -> dnslib.DNSRecord:
    question = dnslib.DNSRecord.question(name, type_)
    return dnslib.DNSRecord.parse(await exchange(address, bytes(question.pack()), tcp=tcp))


async def exchange(address: tuple[str, int], message: bytes, *, tcp: bool = False) -> bytes:
    async with asyncio.timeout(5):
        if tcp:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(len(message).to_bytes(2, "big") + message)
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            writer.close()
            await writer.wait_closed()
            return answer
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            await loop.sock_connect(udp, address)
            await loop.sock_sendall(udp, message)
            return await loop.sock_recv(udp, 65535)


def said(answer: dnslib.DNSRecord) -> list[str]:
    return sorted(str(r.rdata) for r in answer.rr)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_a_service_is_found_and_one_that_is_gone_is_not(tcp: bool) -> None:
    async with serving(service()) as (address, client):
        answer = await ask(address, f"web.{SVC}", tcp=tcp)
        assert said(answer) == ["10.96.0.10"]
        assert answer.rr[0].ttl == 30
        await client.delete(SERVICES, "web", "default")

        async def gone() -> bool:
            return bool((await ask(address, f"web.{SVC}", tcp=tcp)).header.rcode == dnslib.RCODE.NXDOMAIN)

        await eventually(gone)


async def test_no_such_name_and_no_such_record_differ_and_say_how_long_they_hold() -> None:
    async with serving(service()) as (address, _):
        no_name, no_record = await ask(address, f"x.{SVC}"), await ask(address, f"web.{SVC}", "AAAA")
    assert (no_name.header.rcode, no_record.header.rcode) == (dnslib.RCODE.NXDOMAIN, dnslib.RCODE.NOERROR)
    for answer in (no_name, no_record):
        assert not answer.rr
        assert [str(r.rname) for r in answer.auth] == ["cluster.local."]
        assert answer.auth[0].ttl == 5


async def test_a_large_answer_is_cut_over_udp_and_whole_over_tcp() -> None:
    ends = [endpoint(f"10.88.1.{i}") for i in range(100)]
    async with serving(service("db", "None"), endpoint_slice(*ends, of="db")) as (address, _):
        cut, whole = await ask(address, f"db.{SVC}"), await ask(address, f"db.{SVC}", tcp=True)
    assert cut.header.tc
    assert 20 < len(cut.rr) < 100
    assert not whole.header.tc
    assert len(whole.rr) == 100


async def test_the_first_address_of_a_headless_service_differs_from_time_to_time() -> None:
    ends = [endpoint(f"10.88.1.{i}") for i in range(4)]
    async with serving(service("db", "None"), endpoint_slice(*ends, of="db")) as (address, _):
        firsts = {str((await ask(address, f"db.{SVC}")).rr[0].rdata) for _ in range(60)}
    assert len(firsts) == 4


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_other_names_are_asked_upstream(tcp: bool) -> None:
    async with listening(Upstream()) as there, serving(servers=[there]) as (address, _):
        assert said(await ask(address, "example.com", tcp=tcp)) == ["192.0.2.7"]


async def test_an_answer_from_upstream_that_does_not_fit_is_to_be_asked_for_over_tcp() -> None:
    upstream = Upstream()
    upstream.answers = large
    async with listening(upstream) as there, serving(servers=[there]) as (address, _):
        cut, whole = await ask(address, "example.com"), await ask(address, "example.com", tcp=True)
    assert cut.header.tc
    assert not cut.rr
    assert len(whole.rr) == 100


async def test_names_of_the_cluster_never_go_upstream() -> None:
    upstream = Upstream()
    async with listening(upstream) as there, serving(servers=[there]) as (address, _):
        for name in (f"x.{SVC}", f"example.com.{SVC}", "example.com.cluster.local"):
            await ask(address, name)
        await ask(address, "9.0.96.10.in-addr.arpa", "PTR")
    assert upstream.asked == []


async def test_an_external_name_is_answered_with_the_address_it_leads_to() -> None:
    outside = {
        "kind": "Service",
        "metadata": {"name": "outside", "namespace": "default"},
        "spec": {"type": "ExternalName", "externalName": "example.com"},
    }
    inside = {
        "kind": "Service",
        "metadata": {"name": "inside", "namespace": "default"},
        "spec": {"type": "ExternalName", "externalName": f"web.{SVC}"},
    }
    circle = {
        "kind": "Service",
        "metadata": {"name": "circle", "namespace": "default"},
        "spec": {"type": "ExternalName", "externalName": f"circle.{SVC}"},
    }
    objects = (service(), outside, inside, circle)
    async with listening(Upstream()) as there, serving(*objects, servers=[there]) as (address, _):
        assert said(await ask(address, f"outside.{SVC}")) == ["192.0.2.7", "example.com."]
        assert said(await ask(address, f"inside.{SVC}")) == ["10.96.0.10", f"web.{SVC}."]
        assert (await ask(address, f"circle.{SVC}")).header.rcode == dnslib.RCODE.SERVFAIL


async def test_a_silent_upstream_is_passed_over_and_asked_last_from_then_on() -> None:
    silent, alive = Upstream(), Upstream()
    silent.silent = True
    async with (
        listening(silent) as first,
        listening(alive) as second,
        serving(servers=[first, second]) as (address, _),
    ):
        assert said(await ask(address, "a.example.com")) == ["192.0.2.7"]
        assert said(await ask(address, "b.example.com")) == ["192.0.2.7"]
    assert silent.asked == ["a.example.com. A"]


async def test_without_an_upstream_that_answers_it_is_the_servers_failure() -> None:
    silent = Upstream()
    silent.silent = True
    async with listening(silent) as there, serving(servers=[there], patience=0.05) as (address, _):
        assert (await ask(address, "example.com")).header.rcode == dnslib.RCODE.SERVFAIL
    assert len(silent.asked) == 2
    async with serving() as (address, _):
        assert (await ask(address, "example.com")).header.rcode == dnslib.RCODE.SERVFAIL


async def test_more_questions_than_may_wait_are_answered_at_once_with_a_failure() -> None:
    silent = Upstream()
    silent.silent = True
    async with listening(silent) as there, serving(service(), servers=[there], patience=60, most=3) as (address, _):
        waiting = [asyncio.create_task(ask(address, f"{i}.example.com")) for i in range(3)]
        await eventually(lambda: len(silent.asked) == 3)
        assert (await ask(address, "late.example.com")).header.rcode == dnslib.RCODE.SERVFAIL
        assert said(await ask(address, f"web.{SVC}")) == ["10.96.0.10"]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_malformed_messages_are_survived() -> None:
    async with serving(service()) as (address, _):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for message in (b"", b"\0", b"\xff" * 12, b"\xff" * 500, b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"):
                udp.sendto(message, address)
        for sent in (b"", b"\0", b"\0\0", b"\xff\xff", b"\0\5abcde", b"\0\5ab"):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(sent)
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
        assert said(await ask(address, f"web.{SVC}")) == ["10.96.0.10"]


async def test_before_the_lists_are_in_the_answer_is_later_not_no() -> None:
    informers = Informers(FakeClient())

    async def none() -> Sequence[Server]:
        return ()

    server = DnsServer(informers, "cluster.local", [(HOST, 0)], Forwarder(none))
    [address] = server.bind()
    async with running(server.run()):
        assert (await ask(address, f"web.{SVC}")).header.rcode == dnslib.RCODE.SERVFAIL


def test_an_address_that_is_taken_is_named() -> None:
    informers = Informers(FakeClient())

    async def none() -> Sequence[Server]:
        return ()

    first = DnsServer(informers, "cluster.local", [(HOST, 0)], Forwarder(none))
    [address] = first.bind()
    try:
        with pytest.raises(OSError, match=rf"DNS cannot listen on {HOST}:{address[1]}"):
            DnsServer(informers, "cluster.local", [address], Forwarder(none)).bind()
    finally:
        first.close()


def test_an_address_that_is_not_there_yet_is_no_failure() -> None:
    async def none() -> Sequence[Server]:
        return ()

    server = DnsServer(Informers(FakeClient()), "cluster.local", [("10.253.0.1", 0)], Forwarder(none))
    assert server.bind()[0][0] == "10.253.0.1"
    server.close()


async def test_an_answer_takes_less_than_a_millisecond() -> None:
    objects: list[Object] = []
    for i in range(300):
        ends = [endpoint(f"10.88.{1 + i // 50}.{i % 50 * 5 + n + 1}") for n in range(5)]
        objects += [service(f"s{i}", f"10.96.{1 + i // 200}.{i % 200}"), endpoint_slice(*ends, of=f"s{i}")]
    question = bytes(dnslib.DNSRecord.question(f"s7.{SVC}").pack())
    async with serving(*objects) as (address, _):
        taken = []
        for _ in range(300):
            begun = time.perf_counter()
            await exchange(address, question)
            taken.append(time.perf_counter() - begun)
    print(f"\nDNS answer: median {statistics.median(taken) * 1e6:.0f} us, the client's share included")
    assert statistics.median(taken) < 0.001


async def test_resolv_conf_is_read_again_and_ourselves_left_out(tmp_path: Path) -> None:
    now = 0.0
    file = tmp_path / "resolv.conf"
    conf = ResolvConf(file, own=["10.88.0.1"], clock=lambda: now)
    assert await conf.servers() == ()
    file.write_text("# by hand\nnameserver 192.0.2.1\nnameserver 10.88.0.1\nnameserver 192.0.2.2 # second\n")
    assert await conf.servers() == ()
    now = 10.0
    assert await conf.servers() == [Server("192.0.2.1"), Server("192.0.2.2")]


def test_a_client_that_floods_is_limited_and_the_others_are_not() -> None:
    limiter = Limiter(rate=10, burst=5, clients=2)
    assert [limiter.allows("a", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.allows("b", 0.0)
    assert limiter.allows("a", 0.1)
    assert not limiter.allows("a", 0.1)


def test_only_so_many_clients_are_remembered() -> None:
    limiter = Limiter(rate=1, burst=1, clients=2)
    assert [limiter.allows(client, 0.0) for client in ("a", "b", "c", "a", "c")] == [True, True, True, True, False]
