"""What Pods share with the node and containers with each other: network, processes, names, ports."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

from tests.fakes.ports import free_port
from tests.node.pods import Pods, container, job, pod

SAY = "> /dev/termination-log 2>&1"


async def test_namespaces_of_the_node(pods: Pods) -> None:
    spaces = {kind: str(Path("/proc/self/ns", kind).readlink()) for kind in ("net", "pid", "ipc")}
    script = f"for kind in net pid ipc; do readlink /proc/self/ns/$kind; done {SAY}"
    own, net, pid, ipc = await asyncio.gather(
        pods.message(job("own", script)),
        pods.message(job("net", script, hostNetwork=True)),
        pods.message(job("pid", script, hostPID=True)),
        pods.message(job("ipc", script, hostIPC=True)),
    )
    shared = {name: {kind for kind, space in spaces.items() if space in said.split()}
              for name, said in {"own": own, "net": net, "pid": pid, "ipc": ipc}.items()}  # fmt: skip
    assert shared == {"own": set(), "net": {"net"}, "pid": {"pid"}, "ipc": {"ipc"}}


async def test_a_pod_on_the_nodes_network_has_the_nodes_address(pods: Pods) -> None:
    await pods.create(pod("p", hostNetwork=True))
    status = (await pods.ready("p"))["status"]
    assert status["podIP"] == status["hostIP"] and status["podIPs"] == [{"ip": status["podIP"]}]


async def test_containers_share_the_network_and_on_request_processes(pods: Pods) -> None:
    serve = container("mkdir /www; echo hi > /www/i; httpd -f -p 80 -h /www & trap 'exit 0' TERM; wait", "serve",
                      readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1})  # fmt: skip
    ask = container(f"until wget -qO- 127.0.0.1/i; do :; done {SAY}; exit 0", "main")
    see = container(f"until pidof httpd; do :; done; ps -o args | grep -c '^httpd' {SAY}", "main")
    await pods.create(pod("net", serve, ask, restartPolicy="Never"))
    await pods.create(pod("pids", serve, see, restartPolicy="Never", shareProcessNamespace=True))

    def said(one: object) -> str:
        statuses = one["status"].get("containerStatuses", [])  # type: ignore[index]
        ended = [s["state"].get("terminated", {}) for s in statuses if s["name"] == "main"]
        return "".join(end.get("message", "") for end in ended)

    net, pids = await asyncio.gather(pods.until("net", said), pods.until("pids", said))
    assert said(net).endswith("hi\n") and said(pids) == "1\n"


async def test_names_of_the_pod(pods: Pods) -> None:
    script = f"(hostname; cat /etc/hosts; cat /etc/resolv.conf) {SAY}"
    dns = {"nameservers": ["10.9.9.9"], "searches": ["here.test"], "options": [{"name": "ndots", "value": "3"}]}
    plain, named = await asyncio.gather(
        pods.message(job("plain", script)),
        pods.message(
            job(
                "named",
                script,
                hostname="other",
                dnsPolicy="None",
                dnsConfig=dns,
                hostAliases=[{"ip": "10.1.2.3", "hostnames": ["far.test"]}],
            )
        ),
    )
    assert plain.startswith("plain\n") and "# Kubernetes-managed hosts file." in plain
    assert named.startswith("other\n") and "10.1.2.3\tfar.test" in named
    assert {"nameserver 10.9.9.9", "search here.test", "options ndots:3"} <= set(named.splitlines())


async def test_pods_reach_each_other_by_address(pods: Pods) -> None:
    serve = container("mkdir /www; echo hi > /www/i; httpd -f -p 80 -h /www & trap 'exit 0' TERM; wait",
                      readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1})  # fmt: skip
    await pods.create(pod("serve", serve))
    address = (await pods.ready("serve"))["status"]["podIP"]
    assert await pods.message(job("ask", f"wget -qO /dev/termination-log {address}/i")) == "hi\n"


async def test_a_host_port_leads_to_the_pod(pods: Pods) -> None:
    port = free_port()
    serve = container(
        "mkdir /www; echo hi > /www/i; httpd -f -p 80 -h /www & trap 'exit 0' TERM; wait",
        ports=[{"containerPort": 80, "hostPort": port}],
        readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1},
    )
    await pods.create(pod("serve", serve))
    host = (await pods.ready("serve"))["status"]["hostIP"]
    # The node itself comes in by the way of its own processes.
    for address in ("127.0.0.1", host):
        said = await asyncio.to_thread(lambda url: urllib.request.urlopen(url, timeout=5).read(),
                                       f"http://{address}:{port}/i")  # fmt: skip
        assert said == b"hi\n"
    await pods.create(pod("same", serve))
    refused = await pods.until("same", lambda one: one["status"].get("conditions"))
    assert "didn't have free ports for the requested pod ports" in refused["status"]["conditions"][0]["message"]
