"""Registers this node and keeps its status true.

Run by `kubelet`. A heartbeat reads machine and runtime every `nodeStatusUpdateFrequency` seconds and writes only what
has changed, or everything after five minutes; until the node is ready it looks more often, so that ready is said as
soon as it is so.
Page: https://kubernetes.io/docs/concepts/architecture/nodes/
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.errors import AlreadyExists, NotFound, StatusError
from podwright.api.objects import Object, metadata, uid_of
from podwright.api.reasons import EventReason
from podwright.api.resources import NODES
from podwright.client.backoff import Backoff
from podwright.client.interface import Client, PatchType
from podwright.cri.errors import CriError
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.interfaces import EventWriter
from podwright.kubelet.node.conditions import network_error, node_conditions, not_ready, pressures, transitions
from podwright.kubelet.node.machine import Machine, read_machine, read_usage
from podwright.kubelet.node.node_object import NodeIdentity, new_node, node_labels, node_status
from podwright.kubelet.node.runtime_info import RuntimeInfo, RuntimeState
from podwright.kubelet.pod_lifecycle import Clock
from podwright.kubelet.status.generate import HostFacts
from podwright.kubelet.status.patch import same

log = logging.getLogger(__name__)

REPORT_EVERY = datetime.timedelta(minutes=5)
"""How old a status that is still true may get in the API."""
_UNTIL_READY = Backoff(base=0.02, cap=2.0)
_UNREACHABLE = Backoff(base=0.1, cap=7.0)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the node is told about itself."""

    identity: NodeIdentity
    config: KubeletConfiguration
    data_dir: Path
    node_ips: Sequence[str] = ()
    """addresses to show instead of the one on the default route"""


class NodeManager:
    """The Node object of this kubelet."""

    def __init__(
        self,
        settings: NodeSettings,
        client: Client,
        runtime: RuntimeInfo,
        *,
        recorder: EventWriter,
        server_port: Callable[[], int],
        now: Clock,
    ) -> None:
        """`server_port`: where the kubelet's server listens, 0 as long as it does not."""
        self._settings = settings
        self._client = client
        self._runtime = runtime
        self._recorder = recorder
        self._server_port = server_port
        self._now = now
        self._machine: Machine | None = None
        self._state: RuntimeState | None = None
        self._images: Sequence[Object] = ()
        self._written: datetime.datetime | None = None
        self._node: Object = {"metadata": {"name": settings.identity.name}}
        self._known = asyncio.Event()
        self._registered = asyncio.Event()
        self._shutting_down = False
        self._held: frozenset[str] = frozenset()
        self._look_now = asyncio.Event()

    @property
    def node(self) -> Object:
        """The Node as last seen in the API; until it is registered, as it will be."""
        return self._node

    @property
    def uid(self) -> str:
        """The Node's UID; "" until it is registered."""
        return uid_of(self._node)

    def host(self) -> HostFacts:
        """What of the node stands in every Pod's status."""
        name = self._state.name if self._state is not None else "containerd"
        return HostFacts(self._machine.addresses if self._machine else (), name)

    def facts(self) -> NodeFacts:
        """What a Pod may learn of its node: for the downward API, hosts files and probes."""
        allocatable = (self._node.get("status") or {}).get("allocatable") or {}
        return NodeFacts(self._settings.identity.name, self.host().host_ips, allocatable)

    def network_error(self) -> str:
        """Why the runtime cannot give a Pod a network now; "": it can."""
        return network_error(self._state)

    async def wait_known(self) -> None:
        """Return once it is known what the machine has; the API need not be there."""
        await self._known.wait()

    async def wait_registered(self) -> None:
        """Return once the Node is in the API."""
        await self._registered.wait()

    def follow(self, old: Object | None, new: Object | None) -> None:
        """A handler for an informer of this Node: labels and taints of others count for admission."""
        if new is not None and new["metadata"]["name"] == self._settings.identity.name:
            self._node = new

    def under_pressure(self, conditions: frozenset[str]) -> None:
        """The pressure conditions that hold, as eviction sees it; they are told at once."""
        if conditions != self._held:
            self._held = conditions
            self._look_now.set()

    def shut_down(self) -> None:
        """Say that the node takes no more Pods."""
        self._shutting_down = True
        self._look_now.set()

    async def run(self) -> None:
        """Register, then heartbeat until cancelled."""
        failures = looks = 0
        while True:
            try:
                ready = await self._beat()
                failures, looks = 0, 0 if ready else looks + 1
            except (StatusError, OSError) as error:
                failures += 1
                log.warning("node %s: status not written: %s", self._settings.identity.name, error)
            pause = self._settings.config.nodeStatusUpdateFrequency
            if failures:
                pause = min(pause, _UNREACHABLE.delay(failures))
            elif looks:
                pause = min(pause, _UNTIL_READY.delay(looks))
            self._look_now.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    async def _beat(self) -> bool:
        """Read, decide, write; returns whether the node is ready. Raises StatusError, OSError."""
        settings, now = self._settings, self._now()
        machine = self._machine
        if machine is None:
            machine = await asyncio.to_thread(read_machine, settings.data_dir, settings.node_ips)
            self._machine = machine
        usage = await asyncio.to_thread(read_usage, settings.data_dir)
        runtime_error = await self._ask_runtime()
        problem = not_ready(self._state, runtime_error=runtime_error, shutting_down=self._shutting_down)
        previous = (self._node.get("status") or {}).get("conditions") or []
        short_of = pressures(machine, usage, settings.config.evictionHard) | self._held
        status = node_status(
            settings.identity,
            machine,
            settings.config,
            self._state,
            images=self._images,
            port=self._server_port(),
            conditions=node_conditions(short_of, problem, previous, now),
        )
        if not self._registered.is_set():
            self._node = new_node(settings.identity, machine, settings.config, status)
            self._known.set()
            await self._register(machine, status)
        await self._write(status, now)
        self._tell(previous, status["conditions"])
        self._registered.set()
        return not problem

    async def _ask_runtime(self) -> str:
        """Read the runtime's state and its images; returns what that failed with."""
        try:
            self._state = await self._runtime.state()
            self._images = await self._runtime.images()
        except CriError as error:
            return str(error)
        return ""

    async def _register(self, machine: Machine, status: Object) -> None:
        settings = self._settings
        name = settings.identity.name
        if settings.config.registerNode:
            try:
                self._node = await self._client.create(
                    NODES, new_node(settings.identity, machine, settings.config, status)
                )
                self._written = self._now()
                return
            except AlreadyExists:
                log.debug("node %s is there already", name)
        self._node = await self._client.get(NODES, name)
        wanted = node_labels(settings.identity, machine)
        labels = metadata(self._node).get("labels") or {}
        if any(labels.get(key) != value for key, value in wanted.items()):
            self._node = await self._client.patch(NODES, name, {"metadata": {"labels": wanted}})

    async def _write(self, status: Object, now: datetime.datetime) -> None:
        current = self._node.get("status") or {}
        stale = self._written is None or now - self._written >= REPORT_EVERY
        changed = {
            field: value
            for field, value in status.items()
            if not same(current.get(field), value)
            and (field != "conditions" or stale or _said(current) != _said(status))
        }
        if "addresses" in changed:
            # Merged by type they would lose one of two addresses of a type.
            changed["addresses"] = [*changed["addresses"], {"$patch": "replace"}]
        if not changed:
            return
        name = self._settings.identity.name
        try:
            self._node = await self._client.patch(
                NODES, name, {"status": changed}, patch_type=PatchType.STRATEGIC, subresource="status"
            )
        except NotFound:
            # Somebody has deleted the Node while it lives: it is registered again.
            self._registered.clear()
            raise
        self._written = now

    def _tell(self, previous: Sequence[Object], conditions: Sequence[Object]) -> None:
        name = self._settings.identity.name
        if not self._registered.is_set():
            self._recorder.event(self._node, "Normal", EventReason.STARTING, "Starting kubelet.")
        for word in transitions(previous, conditions):
            self._recorder.event(self._node, "Normal", word, f"Node {name} status is now: {word}")


def _said(status: Object) -> list[tuple[str, ...]]:
    """The conditions without their times."""
    fields = ("type", "status", "reason", "message")
    return [tuple(c.get(f) for f in fields) for c in status.get("conditions") or ()]
