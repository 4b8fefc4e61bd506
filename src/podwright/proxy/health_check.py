"""Tells load balancers, at a Service's healthCheckNodePort, whether this node has endpoints of it.

With externalTrafficPolicy Local a node leads only to its own endpoints, so that a balancer asks each node first.
Called by `proxy`. Source: https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiohttp import web

from podwright.api.objects import Key, Object, key_of

log = logging.getLogger(__name__)
_GRACE = 0.1
"""Seconds that questions get to be answered when a port is given up."""


class Health(NamedTuple):
    """What is told: of which Service, and how many ready endpoints of it are on this node."""

    service: Key
    endpoints: int


def health(service: Object, slices: Iterable[Object], node: str) -> dict[int, Health]:
    """What is to be told at which port; nothing of a Service that no balancer asks for."""
    spec = service.get("spec") or {}
    port = spec.get("healthCheckNodePort")
    if not port or spec.get("type") != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
        return {}
    found = {
        address
        for one in slices
        for endpoint in one.get("endpoints") or ()
        if endpoint.get("nodeName") == node and (endpoint.get("conditions") or {}).get("ready") is not False
        for address in (endpoint.get("addresses") or ())[:1]
    }
    return {port: Health(key_of(service), len(found))}


class HealthChecks:
    """Listens at each port for as long as it is wanted."""

    def __init__(self, host: str = "0.0.0.0") -> None:
        self._host = host
        self._told: dict[int, Health] = {}
        self._listening: dict[int, web.ServerRunner] = {}
        self._refused: set[int] = set()

    async def bring_in_step(self, wanted: Mapping[int, Health]) -> None:
        """Tell this and nothing else from now on; a port that somebody else has is tried again the next time."""
        self._told = dict(wanted)
        for port in [port for port in self._listening if port not in wanted]:
            await self._listening.pop(port).cleanup()
        for port in [port for port in wanted if port not in self._listening]:
            await self._listen(port)

    async def close(self) -> None:
        """Listen no more."""
        await self.bring_in_step({})

    async def _listen(self, port: int) -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return _answer(self._told.get(port))

        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, port).start()
        except OSError as error:
            await runner.cleanup()
            if port not in self._refused:
                log.warning("service %s: its health cannot be told: %s", self._told[port].service, error)
            self._refused.add(port)
            return
        self._refused.discard(port)
        self._listening[port] = runner


def _answer(told: Health | None) -> web.Response:
    if told is None:
        return web.Response(status=404)
    body = {
        "service": {"namespace": told.service.namespace, "name": told.service.name},
        "localEndpoints": told.endpoints,
        "serviceProxyHealthy": True,
    }
    headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(told.endpoints)}
    return web.json_response(body, status=200 if told.endpoints else 503, headers=headers)
