"""Follows Services and EndpointSlices, and keeps this node's packet rules in step with them.

    changed --computed (only the Services that changed)--> transaction --applied--> in step
                                                            | refused or failed
                                                            +--> the whole table anew, after a back-off

At its start it writes over the table that an earlier process left, so that no packet misses it.

Started by `app.py`. The first change is carried out at once; those of the next moments are put together.
Source: https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from podwright.api.objects import Key, Object, key_of, metadata, namespace_of
from podwright.api.resources import ENDPOINT_SLICES, SERVICES
from podwright.client.backoff import Backoff
from podwright.client.informers import Informers
from podwright.proxy.health_check import Health, HealthChecks, health
from podwright.proxy.nftables import NftError
from podwright.proxy.rules import Node, ServiceRules, service_rules
from podwright.proxy.stale import WaysIn
from podwright.proxy.table import Present, changes, contents, renewed, whole

log = logging.getLogger(__name__)

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_GATHER_SECONDS = 0.05
"""Changes that come closer than this are one transaction."""
_CHECK_SECONDS = 60.0
"""How often to look whether somebody has flushed the machine's rules, ours among them."""
_BACKOFF = Backoff(base=0.1, cap=30.0)


class PacketRules(Protocol):
    """What is asked of the kernel; see `nftables.Nftables`."""

    async def apply(self, text: str) -> None:
        """Carry out one transaction, or raise NftError."""
        ...

    async def read(self, table: str) -> Present | None:
        """What the table has; None when there is none."""
        ...

    async def exists(self, table: str) -> bool:
        """Whether the table is there."""
        ...

    async def clean_up(self, table: str) -> None:
        """Take the table away."""
        ...

    async def forget_stale(self, before: WaysIn, now: WaysIn) -> None:
        """Let UDP flows choose anew whose endpoint is gone."""
        ...


class ServiceProxy:
    """Makes the addresses of Services work on `node`, with a table of its own.

    `informers` is run by its owner; it may be shared with others of this process. `table` must be a name of this
    instance alone. The rules stay when `run` ends, as Pods do; `clean_up` takes them away.
    """

    def __init__(
        self,
        informers: Informers,
        node: Node,
        table: str,
        rules: PacketRules,
        health_checks: HealthChecks | None = None,
    ) -> None:
        self._services = informers.of(SERVICES)
        self._slices = informers.of(ENDPOINT_SLICES)
        self._node = node
        self._table = table
        self._rules = rules
        self._slices_of: dict[Key, dict[Key, Object]] = {}
        self._computed: dict[Key, ServiceRules] = {}
        self._dirty: set[Key] = set()
        self._changed = asyncio.Event()
        self._in_place: ServiceRules | None = None
        """What is known to be in the kernel; None when the whole table has to be written."""
        self._renewable = True
        """Whether the table that is there may be written over; not after that was refused."""
        self._udp: WaysIn = {}
        self._health: dict[Key, Mapping[int, Health]] = {}
        self._health_checks = health_checks or HealthChecks()

    async def run(self) -> None:
        """Keep the rules in step until cancelled. Never writes before both lists are in."""
        self._services.add_handler(self._service_changed)
        self._slices.add_handler(self._slice_changed)
        await self._services.wait_synced()
        await self._slices.wait_synced()
        try:
            await self._follow()
        finally:
            await self._health_checks.close()

    async def _follow(self) -> None:
        failures = 0
        while True:
            self._changed.clear()
            try:
                await self._bring_in_step()
                failures = 0
            except NftError as error:
                self._in_place = None
                self._renewable = False
                failures += 1
                log.warning("service addresses are not up to date: %s", error)
            if failures:
                await asyncio.sleep(_BACKOFF.delay(failures))
                continue
            await asyncio.sleep(_GATHER_SECONDS)
            await self._wait()

    async def clean_up(self) -> None:
        """Take all rules away. Raises NftError."""
        await self._rules.clean_up(self._table)
        self._in_place = None

    async def _wait(self) -> None:
        """Return when something has changed, or the rules are gone."""
        while True:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                if await self._is_there():
                    continue
                log.warning("the rules of Services were removed by somebody; they are written again")
                self._in_place = None
            return

    async def _is_there(self) -> bool:
        try:
            return await self._rules.exists(self._table)
        except NftError as error:
            log.warning("cannot look after the rules of Services: %s", error)
            return True

    async def _bring_in_step(self) -> None:
        self._compute()
        wanted = contents(self._computed)
        if self._in_place is not None:
            text = changes(self._table, self._in_place, wanted)
        else:
            present = await self._rules.read(self._table) if self._renewable else None
            text = renewed(self._table, present, wanted) if present else whole(self._table, wanted)
        if text:
            await self._rules.apply(text)
        self._in_place, self._renewable = wanted, True
        before, self._udp = self._udp, wanted.udp
        if before != self._udp:
            await self._rules.forget_stale(before, self._udp)
        told = {port: one for of_service in self._health.values() for port, one in of_service.items()}
        await self._health_checks.bring_in_step(told)

    def _compute(self) -> None:
        for key in self._dirty:
            service = self._services.by_key(key)
            if service is None:
                self._computed.pop(key, None)
                self._health.pop(key, None)
                continue
            self._health[key] = health(service, self._of(key).values(), self._node.name)
            try:
                self._computed[key] = service_rules(service, self._of(key).values(), self._node)
            except ValueError as error:
                # One Service that makes no sense must not keep the others from working.
                self._computed.pop(key, None)
                log.warning("service %s has no addresses on this node: %s", key, error)
        self._dirty.clear()

    def _of(self, key: Key) -> Mapping[Key, Object]:
        return self._slices_of.get(key, {})

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _shown(old) == _shown(new):
            return
        self._mark(key_of(new or old or {}))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for obj, there in ((old, False), (new, True)):
            if obj is None or not (name := (metadata(obj).get("labels") or {}).get(SERVICE_NAME_LABEL)):
                continue
            service = Key(namespace_of(obj), name)
            slices = self._slices_of.setdefault(service, {})
            if there:
                slices[key_of(obj)] = obj
            else:
                slices.pop(key_of(obj), None)
            if not slices:
                del self._slices_of[service]
            self._mark(service)

    def _mark(self, key: Key) -> None:
        self._dirty.add(key)
        self._changed.set()


def _shown(service: Object) -> tuple[object, object, object]:
    """What of a Service its rules depend on."""
    return service.get("spec"), service.get("status"), metadata(service).get("labels")
