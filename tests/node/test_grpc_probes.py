"""grpc probes of a real container: readiness follows what the server says, liveness restarts the container."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from tests.node.observed import FOREVER, container, now, observed, spec
from tests.node.running_node import RunningNode

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
Answer = Callable[[Any, Any], Awaitable[Any]]


class Health(grpc.GenericRpcHandler):
    """grpc.health.v1.Health of two services."""

    def __init__(self) -> None:
        self.answers = {b"": SERVING, b"\x0a\x05ready": SERVING}

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method != "/grpc.health.v1.Health/Check":
            return None

        async def check(request: bytes, context: Any) -> bytes:
            return self.answers[request]

        return grpc.unary_unary_rpc_method_handler(check)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Health, int]]:
    """The health server, on every address of this machine: a Pod with the host's network has one of them."""
    health, server = Health(), grpc.aio.server()
    server.add_generic_rpc_handlers((health,))
    port = server.add_insecure_port("0.0.0.0:0")
    await server.start()
    try:
        yield health, port
    finally:
        await server.stop(None)


async def test_readiness_and_liveness_by_grpc(node: RunningNode, tmp_path: Path) -> None:
    async with serving() as (health, port), observed(node.kubeconfig, "grpc", tmp_path) as here:
        often = {"periodSeconds": 1, "failureThreshold": 1}
        probed = container(
            "trap 'exit 0' TERM; " + FOREVER,
            readinessProbe={"grpc": {"port": port, "service": "ready"}, **often},
            livenessProbe={"grpc": {"port": port}, **often},
        )
        await here.create({"p": spec(probed, hostNetwork=True)})
        await here.until("p", lambda state: state.ready)
        flipped = now()
        health.answers[b"\x0a\x05ready"] = NOT_SERVING
        await here.until("p", lambda state: state.at > flipped and not state.ready)
        unready = 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'
        await here.until_event("p", ("Warning", "Unhealthy", unready))
        assert here.history["p"][-1].restarts() == 0
        health.answers[b""] = NOT_SERVING
        await here.until("p", lambda state: state.restarts() == 1)
        health.answers.update({b"": SERVING, b"\x0a\x05ready": SERVING})
        unhealthy = 'Liveness probe failed: service unhealthy (responded with "NOT_SERVING")'
        await here.until_event("p", ("Warning", "Unhealthy", unhealthy))
