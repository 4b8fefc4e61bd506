"""Services between real Pods: found by address, by name, from a Pod and from the node."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.waiting import eventually, running
from tests.node.pods import Pods, container, job, pod
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.api.resources import SERVICES
from podwright.client.informers import Informers
from podwright.containerd.network import gateway
from podwright.dns.server import DnsServer
from podwright.dns.upstream import Forwarder, Server

LAST = "/dev/termination-log"
WEB = "mkdir /tmp/w; echo $HOSTNAME > /tmp/w/name; httpd -f -p 8080 -h /tmp/w & trap 'exit 0' TERM; wait"


def web(name: str, **fields: Any) -> Object:
    probe = {"httpGet": {"path": "/name", "port": 8080}, "periodSeconds": 1}
    ports = [{"name": "web", "containerPort": 8080}]
    made = pod(name, container(WEB, ports=ports, readinessProbe=probe), **fields)
    made["metadata"]["labels"] = {"app": "web"}
    return made


async def with_service(pods: Pods, name: str = "web", **spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    made = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "web"}, "ports": ports, **spec},
    }
    return await pods.client.create(SERVICES, made, pods.namespace)


def fetch(host: str, port: int) -> str:
    """A command that prints one answer. (The static busybox dies in its wget, which looks up the service `http`.)"""
    return f"{{ printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host} {port} | tail -n 1 || echo failed; }}"


def fetching(host: str, port: int, times: int) -> str:
    """A script that leaves the distinct answers to `times` requests."""
    return f"i=0; while [ $i -lt {times} ]; do {fetch(host, port)}; i=$((i+1)); done | sort -u > {LAST}"


async def test_pods_reach_each_other_through_a_services_address_and_node_port(node: RunningNode, pods: Pods) -> None:
    service = await with_service(pods, type="NodePort")
    for name in ("a", "b"):
        await pods.create(web(name))
    for name in ("a", "b"):
        await pods.ready(name)
    address, node_port = service["spec"]["clusterIP"], service["spec"]["ports"][0]["nodePort"]
    for client, host, port in (("by-address", address, 80), ("by-port", gateway(node.pod_cidr), node_port)):
        assert (await pods.message(job(client, fetching(host, port, 30)))).split() == ["a", "b"]


async def asked(host: str, port: int) -> str:
    """The name that answers. Raises OSError, or AssertionError when an answer breaks off."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /name HTTP/1.0\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    assert b" 200 OK" in answer.splitlines()[0], answer
    return answer.decode().split()[-1]


async def answers(host: str, port: int) -> bool:
    """Whether somebody does: Ready is said before the endpoints follow."""
    try:
        return bool(await asked(host, port))
    except ConnectionRefusedError:
        return False


async def test_the_node_reaches_pods_through_a_services_address_and_by_its_loopback(pods: Pods) -> None:
    service = await with_service(pods, type="NodePort")
    await pods.create(web("a"))
    await pods.ready("a")
    await eventually(lambda: answers(service["spec"]["clusterIP"], 80), 20)
    assert await asked("127.0.0.1", service["spec"]["ports"][0]["nodePort"]) == "a"


async def test_a_rolling_change_of_pods_under_a_steady_load_loses_no_request(pods: Pods, tmp_path: Path) -> None:
    """`old` makes way for `new`, which gets nothing until it is ready; `stays` stays."""
    service = await with_service(pods)
    address = service["spec"]["clusterIP"]
    for name in ("old", "stays"):
        one = web(name, terminationGracePeriodSeconds=5)
        # it serves on while those who ask learn that it goes
        one["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 2}}}
        await pods.create(one)
    for name in ("old", "stays"):
        await pods.ready(name)
    await eventually(lambda: answers(address, 80), 20)
    heard: list[str] = []
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            heard.append(await asked(address, 80))

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(load())
        await eventually(lambda: {"old", "stays"} <= set(heard), 20)
        new = web("new", volumes=[{"name": "gate", "hostPath": {"path": str(tmp_path)}}])
        new["spec"]["containers"][0] |= {
            "readinessProbe": {"exec": {"command": ["test", "-e", "/gate/open"]}, "periodSeconds": 1},
            "volumeMounts": [{"name": "gate", "mountPath": "/gate"}],
        }
        await pods.create(new)
        await pods.until("new", lambda one: one["status"].get("phase") == "Running")
        so_far = len(heard)
        await eventually(lambda: len(heard) > so_far + 200, 20)
        assert "new" not in heard
        (tmp_path / "open").touch()
        await pods.ready("new")
        await eventually(lambda: "new" in heard, 20)
        await pods.delete("old")
        await pods.gone("old")
        so_far = len(heard)
        await eventually(lambda: len(heard) > so_far + 200, 20)
        stop.set()
    assert set(heard[so_far:]) == {"new", "stays"}


@asynccontextmanager
async def dns(node: RunningNode, pods: Pods) -> AsyncIterator[None]:
    """A DNS server on the bridge, unless the node has one there already."""

    async def nowhere() -> Sequence[Server]:
        return ()

    informers = Informers(pods.client)
    server = DnsServer(informers, "cluster.local", [(gateway(node.pod_cidr), 53)], Forwarder(nowhere))
    try:
        server.bind()
    except OSError as error:
        assert error.errno == errno.EADDRINUSE
        yield
        return
    async with running(informers.run(), server.run()):
        yield


async def test_pods_find_services_and_each_other_by_name(node: RunningNode, pods: Pods) -> None:
    service = await with_service(pods)
    await with_service(pods, "peers", clusterIP="None")
    await pods.create(web("a", subdomain="peers", hostname="first"))
    await pods.ready("a")
    domain = f"{pods.namespace}.svc.cluster.local"
    resolver: Object = {
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": [gateway(node.pod_cidr)],
            "searches": [domain, "svc.cluster.local", "cluster.local"],
            "options": [{"name": "ndots", "value": "5"}],
        },
    }
    async with dns(node, pods):
        hosts = [
            ("web", 80),
            (f"web.{pods.namespace}", 80),
            (f"web.{domain}", 80),
            ("peers", 8080),
            ("first.peers", 8080),
        ]
        script = "; ".join(fetch(*host) for host in hosts)
        found = await pods.message(job("asks", f"({script}) > {LAST}", **resolver))
        assert found.split() == ["first"] * 5
        looked_up = await pods.message(job("looks", f"nslookup web.{domain} > {LAST}", **resolver))
    assert service["spec"]["clusterIP"] in looked_up
