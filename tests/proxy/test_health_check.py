"""What a load balancer is told when it asks this node for the endpoints of a Service."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from typing import Any

import aiohttp
import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running
from tests.proxy.objects import endpoint, endpoint_slice, service
from tests.proxy.test_proxy import Kernel, put

from podwright.api.objects import Key, Object
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.client.informers import Informers
from podwright.proxy.health_check import Health, HealthChecks, health
from podwright.proxy.proxy import ServiceProxy
from podwright.proxy.rules import Node

HOST = "127.9.8.7"
LOCAL: dict[str, Any] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 32000}
WEB = Key("default", "web")


@pytest.mark.parametrize(
    ("spec", "slices", "expected"),
    [
        pytest.param(LOCAL, [], {32000: Health(WEB, 0)}, id="no endpoints at all"),
        pytest.param(
            LOCAL,
            [endpoint_slice(endpoint("10.88.0.2"), endpoint("10.88.0.3"), endpoint("10.89.0.2", node="node-2"))],
            {32000: Health(WEB, 2)},
            id="only endpoints of this node count",
        ),
        pytest.param(
            LOCAL,
            [endpoint_slice(endpoint("10.88.0.2", ready=False, serving=True, terminating=True))],
            {32000: Health(WEB, 0)},
            id="one that is going counts no longer",
        ),
        pytest.param(
            LOCAL,
            [endpoint_slice(endpoint("10.88.0.2")), endpoint_slice(endpoint("10.88.0.2"), suffix="b")],
            {32000: Health(WEB, 1)},
            id="one with two ports counts once",
        ),
        pytest.param({**LOCAL, "externalTrafficPolicy": "Cluster"}, [], {}, id="every node leads to every endpoint"),
        pytest.param({"type": "ClusterIP"}, [], {}, id="there is no balancer"),
    ],
)
def test_what_is_told(spec: dict[str, Any], slices: Iterable[Object], expected: dict[int, Health]) -> None:
    assert health(service(**spec), slices, "node-1") == expected


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


async def ask(port: int) -> tuple[int, Any, str] | None:
    """Status, body and weight; None when nobody listens, or breaks off because the port is being given up."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{HOST}:{port}/healthz") as answer:
            weight = answer.headers.get("X-Load-Balancing-Endpoint-Weight", "")
            # Whoever comes while the port is being given up gets a 404 without a body.
            return answer.status, json.loads(await answer.text() or "null"), weight
    except aiohttp.ClientError:
        return None


def told(count: int) -> tuple[int, Any, str]:
    body = {
        "service": {"namespace": "default", "name": "web"},
        "localEndpoints": count,
        "serviceProxyHealthy": True,
    }
    return 200 if count else 503, body, str(count)


async def test_a_port_answers_for_as_long_as_it_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    checks, port = HealthChecks(HOST), free_port()
    await checks.bring_in_step({port: Health(WEB, 2)})
    assert await ask(port) == told(2)
    await checks.bring_in_step({port: Health(WEB, 0)})
    assert await ask(port) == told(0)
    other = HealthChecks(HOST)
    for _ in range(2):
        await other.bring_in_step({port: Health(WEB, 1)})
    assert caplog.text.count("its health cannot be told") == 1
    await checks.close()
    assert await ask(port) is None
    await other.bring_in_step({port: Health(WEB, 1)})
    assert await ask(port) == told(1)
    await other.close()


async def test_the_proxy_tells_what_the_api_says() -> None:
    client, port = FakeClient(), free_port()
    balanced = service(**{**LOCAL, "healthCheckNodePort": port})
    await put(client, balanced)
    await put(client, endpoint_slice(endpoint("10.88.0.2")))
    informers = Informers(client)
    proxy = ServiceProxy(informers, Node("node-1", "10.88.0.0/16"), "t", Kernel(), HealthChecks(HOST))

    async def tells(count: int) -> bool:
        return await ask(port) == told(count)

    async with running(informers.run(), proxy.run()):
        await eventually(lambda: tells(1))
        await client.delete(ENDPOINT_SLICES, "web-a", "default")
        await eventually(lambda: tells(0))
        await client.delete(SERVICES, "web", "default")

        async def silent() -> bool:
            return await ask(port) is None

        await eventually(silent)
        await put(client, balanced)
        await eventually(lambda: tells(0))
    assert await ask(port) is None
