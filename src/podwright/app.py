"""The composition root: every room of one node, in the order in which they start, in one TaskGroup.

Called by `cli/up`. The API server and the container runtime start side by side; scheduler, controllers and kubelet
meet them through the client interface. Shutdown leaves Pods and the runtime running, to be adopted by the next `up`,
unless it was asked to end them (`podwright down`).
Page: https://kubernetes.io/docs/concepts/overview/components/
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import logging
import shutil
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from podwright.admission.chain import Chain
from podwright.admission.configuration import AdmissionConfiguration
from podwright.admission.interface import User
from podwright.admission.plugins import build_chain
from podwright.api.clock import utc_now
from podwright.api.objects import Object
from podwright.api.pods import condition, condition_is_true
from podwright.api.resources import NODES
from podwright.api.schema import Schema
from podwright.apiserver import pki_process
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.pki import KUBELET_CLIENT
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.server import ApiServer, certificates
from podwright.apiserver.signing import Authority
from podwright.client.events import EventRecorder
from podwright.client.informer import Informer
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.containerd.config import NodeOptions
from podwright.containerd.layout import Layout
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.network import gateway
from podwright.cycles import CycleSearch
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.node.machine import default_addresses
from podwright.rest import Rest
from podwright.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from podwright.dns.serving import NameServer
    from podwright.kubelet.assembly import KubeletSettings
    from podwright.kubelet.images.digests import Digests

log = logging.getLogger(__name__)

_LOADED_LATER: Final = (
    "podwright.kubelet.assembly",
    "podwright.controllers.manager",
    "podwright.scheduler.scheduler",
    "podwright.dns.serving",
    "podwright.proxy.proxy",
)
"""Rooms that are imported while containerd starts; grpc, below the kubelet, is the largest import of all."""

_TELL_EVERY: Final = 10.0

_MASTERS: Final = ("system:masters", "system:authenticated")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What `podwright up` was told."""

    data_dir: Path
    node_name: str
    config: KubeletConfiguration
    host: str = "127.0.0.1"
    port: int = 6443
    pod_cidr: str = "10.88.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    runtime_endpoint: str = ""
    """another runtime's CRI endpoint; "": the managed containerd"""
    image_credential_provider_config: Path | None = None
    image_credential_provider_bin_dir: Path | None = None
    enable_admission_plugins: Sequence[str] = ()
    disable_admission_plugins: Sequence[str] = ()
    admission: AdmissionConfiguration = field(default_factory=AdmissionConfiguration)
    """what admission plugins are told"""
    dns: bool = True
    """whether to serve cluster DNS"""
    node_labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """The node is Ready."""

    url: str
    kubeconfig: Path
    node_name: str


def service_table(data_dir: Path) -> str:
    """The nftables table in which the Services of this data directory stand."""
    return f"podwright-svc-{Layout(data_dir).instance}"


class Tell(Protocol):
    """Who is told how the start goes."""

    def ready(self, node: Ready) -> None:
        """The node is Ready; said once."""
        ...

    def waiting(self, why: str) -> None:
        """It is not Ready yet, in the words of its condition."""
        ...


class Node:
    """One node with its control plane. `run` serves until `stop` is called or a room fails."""

    def __init__(self, settings: NodeSettings, give_back: Callable[[], None]) -> None:
        """`give_back`: returns memory to the system; it is called in a thread, when there is rest after work."""
        self._settings = settings
        self._rest = Rest(give_back)
        self._stopping = asyncio.Event()
        self._end_pods = False
        self._was_ready = False
        self._cycles = CycleSearch()
        self._admission = Chain([], [])
        managed = not settings.runtime_endpoint
        self._containerd = (
            ManagedContainerd(settings.data_dir, NodeOptions(settings.pod_cidr, settings.service_cidr))
            if managed
            else None
        )

    def stop(self, *, end_pods: bool = False) -> None:
        """Have `run` return; `end_pods`: end every Pod first, hooks and grace included."""
        self._end_pods = self._end_pods or end_pods
        self._stopping.set()

    async def run(self, tell: Tell) -> None:
        """Start everything, say once when the node is Ready, serve until `stop`.

        Raises an ExceptionGroup of what could not start (MissingProgramError, StartError, OSError, StoreError,
        StatusError) or failed later.
        """
        self._cycles.begin()
        try:
            await self._start_and_serve(tell)
        finally:
            self._cycles.end()
            if self._containerd is not None and not self._was_ready:
                # A start that was refused leaves no runtime behind; containers of an earlier run live on without it.
                await self._containerd.stop()

    async def _start_and_serve(self, tell: Tell) -> None:
        config = self._api_config()
        store, schema, _, _ = await asyncio.gather(
            SqliteStore.open(self._settings.data_dir / "state.db"),
            asyncio.to_thread(Schema.load, [row.schema for row in ROWS]),
            self._start_runtime(),
            pki_process.ensure(config.pki_dir, certificates(config), utc_now()),
        )
        try:
            await self._serve(config, store, schema, tell)
        finally:
            await store.close()

    async def _start_runtime(self) -> None:
        loading = asyncio.to_thread(_load_later_rooms)
        if self._containerd is not None:
            await asyncio.gather(self._start_containerd(self._containerd), loading)
        else:
            await loading

    async def _start_containerd(self, containerd: ManagedContainerd) -> None:
        await containerd.start()
        folder = self._settings.data_dir / "preload"
        if not await asyncio.to_thread(folder.is_dir):
            return
        preloaded = await containerd.preload(folder)
        for name in preloaded.names:
            log.info("image %s is here, from %s", name, folder)
        for file, why in preloaded.failures.items():
            log.warning("%s was not imported: %s", folder / file, why)

    async def _serve(self, config: ApiServerConfig, store: SqliteStore, schema: Schema, tell: Tell) -> None:
        from podwright.kubelet.assembly import AssembledKubelet

        api = self._make_api_server(config, store, schema)
        api.metrics.webhooks = self._admission.webhook_counts
        await api.start()
        client = api.local_client(User("system:podwright", _MASTERS))
        informers = Informers(client)
        names = self._name_server(informers)
        kubelet = AssembledKubelet(self._kubelet_settings(api, names), self._node_client(api))
        try:
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(kubelet.run(), name="kubelet")
                others = [
                    group.create_task(room, name=name)
                    for name, room in await self._rooms(api, client, informers, names, tell)
                ]
                await self._stopping.wait()
                if not self._end_pods:
                    await kubelet.shut_down()
                await _ended(serving)
                if self._end_pods:
                    await kubelet.stop_pods()
                for task in others:
                    task.cancel()
        finally:
            await kubelet.close()
            await api.stop()

    async def _rooms(
        self, api: ApiServer, client: Client, informers: Informers, names: NameServer | None, tell: Tell
    ) -> Sequence[tuple[str, Coroutine[Any, Any, None]]]:
        """Everything beside API server and kubelet."""
        from podwright.controllers.local_provisioner import LocalStorage
        from podwright.controllers.manager import Controllers
        from podwright.dns.serving import keep_kube_dns, service_address
        from podwright.proxy.nftables import Nftables
        from podwright.proxy.proxy import ServiceProxy
        from podwright.proxy.rules import Node as ProxyNode
        from podwright.scheduler.scheduler import Scheduler

        settings = self._settings
        authority = await asyncio.to_thread(api.pki.ca.read_text)
        scheduling = EventRecorder(client, "default-scheduler", "", utc_now)
        storage = LocalStorage(settings.data_dir / "volumes", settings.node_name)
        sign = Authority(api.pki, utc_now).sign
        rooms: list[tuple[str, Coroutine[Any, Any, None]]] = [
            (
                "controllers",
                Controllers(client, [row.resource for row in ROWS], authority, utc_now, storage, sign=sign).run(),
            ),
            ("scheduler events", scheduling.run()),
            ("scheduler", Scheduler(client, scheduling, utc_now).run()),
            ("ready", self._tell_ready(client, api, tell)),
            ("kube-dns", keep_kube_dns(client, names, service_address(settings.service_cidr))),
            ("shared informers", informers.run()),
            ("admission", self._admission.run()),
            ("rest", self._rest.run()),
            ("search for cycles", self._cycles.run()),
        ]
        if names is not None:
            rooms.append(("dns", names.server.run()))
        if self._containerd is not None:
            rooms.append(("containerd", self._containerd.supervise()))
        if self._containerd is not None or shutil.which("nft"):
            node = ProxyNode(settings.node_name, settings.pod_cidr)
            proxy = ServiceProxy(informers, node, service_table(settings.data_dir), Nftables())
            rooms.append(("proxy", proxy.run()))
        else:
            log.warning("without the program nft the addresses of Services lead nowhere")
        return rooms

    def _name_server(self, informers: Informers) -> NameServer | None:
        """The DNS server, its address taken; None where it is off or Pods have no bridge to reach it by."""
        from podwright.dns.serving import name_server

        settings = self._settings
        if not settings.dns or self._containerd is None:
            return None
        return name_server(
            informers,
            gateway(settings.pod_cidr),
            domain=settings.config.clusterDomain,
            resolv_conf=Path(settings.config.resolvConf),
            ranges=(settings.pod_cidr, settings.service_cidr),
        )

    def _api_config(self) -> ApiServerConfig:
        settings = self._settings
        # Pods reach the API server by the bridge's address, which exists once the managed runtime is up.
        for_pods = gateway(settings.pod_cidr) if self._containerd is not None else ""
        if not for_pods and _is_loopback(settings.host):
            log.info("Pods do not reach the API, which listens on %s only; see --listen", settings.host)
        everywhere = settings.host in ("", "0.0.0.0", "::")
        return ApiServerConfig(
            settings.data_dir,
            host=settings.host,
            port=settings.port,
            extra_hosts=(for_pods,) if for_pods and not everywhere else (),
            advertise_address=for_pods or (next(iter(default_addresses()), "") if everywhere else settings.host),
            node_name=settings.node_name,
            kubelet_host=_dialled(settings.config.address),
            service_cidr=settings.service_cidr,
            cluster_domain=settings.config.clusterDomain,
        )

    def _make_api_server(self, config: ApiServerConfig, store: SqliteStore, schema: Schema) -> ApiServer:
        settings = self._settings
        on, off = settings.enable_admission_plugins, settings.disable_admission_plugins

        def admission(client: Client) -> Chain:
            resolve = self._digests(client).resolve if "ImageDigest" in on else None
            self._admission = build_chain(client, on, off, configuration=settings.admission, resolve_digest=resolve)
            return self._admission

        return ApiServer(config, store, schema, admission=admission, worked=self._rest.worked)

    def _digests(self, client: Client) -> Digests:
        """What ImageDigest asks: the registries, with the credentials that the kubelet would have."""
        from podwright.kubelet.credentials.node_sources import node_lookup
        from podwright.kubelet.images.digests import Digests
        from podwright.kubelet.images.registry_client import RegistryClient

        settings = self._settings
        providers = settings.image_credential_provider_config, settings.image_credential_provider_bin_dir
        lookup = node_lookup(client, settings.data_dir, *providers)
        return Digests(client, lookup, RegistryClient(settings.data_dir / "registries"))

    def _node_client(self, api: ApiServer) -> Client:
        name = f"system:node:{self._settings.node_name}"
        return api.authorized_client(User(name, ("system:nodes", "system:authenticated")))

    def _kubelet_settings(self, api: ApiServer, names: NameServer | None) -> KubeletSettings:
        from podwright.kubelet.assembly import KubeletSettings

        settings, pki = self._settings, api.pki
        containerd = self._containerd
        return KubeletSettings(
            node_name=settings.node_name,
            data_dir=settings.data_dir,
            endpoint=containerd.endpoint if containerd else settings.runtime_endpoint,
            config=self._with_cluster_dns(names),
            serving_cert=pki.cert("kubelet"),
            serving_key=pki.key("kubelet"),
            client_ca=pki.ca,
            allowed_clients=(KUBELET_CLIENT,),
            pinned_images=(containerd.sandbox_image,) if containerd else (),
            provider_config=settings.image_credential_provider_config,
            provider_bin_dir=settings.image_credential_provider_bin_dir,
            labels=settings.node_labels,
            rescue=containerd.shims if containerd else None,
        )

    def _with_cluster_dns(self, names: NameServer | None) -> KubeletConfiguration:
        """The configuration; without clusterDNS of its own, Pods ask our server."""
        from podwright.dns.serving import PORT, service_address

        config = self._settings.config
        if config.clusterDNS or names is None:
            return config
        by_service = service_address(self._settings.service_cidr)
        return replace(config, clusterDNS=(names.host if names.port == PORT else by_service,))

    async def _tell_ready(self, client: Client, api: ApiServer, tell: Tell) -> None:
        """Say once that the node is Ready, and until then every ten seconds what it waits for."""
        name = self._settings.node_name
        ready = asyncio.Event()

        def look(old: Object | None, new: Object | None) -> None:
            if new is not None and condition_is_true(new, "Ready"):
                ready.set()

        nodes = Informer(client, NODES, field_selector=f"metadata.name={name}")
        nodes.add_handler(look)
        watching = asyncio.create_task(nodes.run(), name="informer of the node")
        try:
            while not ready.is_set():
                try:
                    await asyncio.wait_for(ready.wait(), _TELL_EVERY)
                except TimeoutError:
                    said = condition(nodes.get(name) or {}, "Ready") or {}
                    tell.waiting(str(said.get("message") or f"{name} has not registered yet"))
            self._cycles.set_aside()
            self._was_ready = True
            tell.ready(Ready(api.url, self._settings.data_dir / "kubeconfig", name))
            self._rest.worked()
        finally:
            await _ended(watching)


def _dialled(address: str) -> str:
    """Where to reach what listens at `address`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _load_later_rooms() -> None:
    for module in _LOADED_LATER:
        importlib.import_module(module)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
