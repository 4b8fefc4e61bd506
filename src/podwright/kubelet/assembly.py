"""Builds a whole kubelet from its configuration: which part is handed to which.

Called by `app`. Nothing here decides anything; it is the one place where every part of the kubelet is named.
Page: https://kubernetes.io/docs/concepts/architecture/#kubelet
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from podwright.api.clock import utc_now
from podwright.api.objects import Object, uid_of
from podwright.api.quantity import ceil_value, milli_value
from podwright.api.resources import RUNTIME_CLASSES
from podwright.client.events import EventRecorder
from podwright.client.informer import Informer
from podwright.client.interface import Client
from podwright.cri.client import RuntimeClient
from podwright.cri.containerd_content import ContainerdContent
from podwright.cri.containerd_events import ContainerdEvents
from podwright.cri.containerd_tasks import ContainerdTasks
from podwright.cri.image_client import ImageClient
from podwright.kubelet.cgroups.hierarchy import read_hierarchies
from podwright.kubelet.cgroups.pods import PodCgroups, instance_name
from podwright.kubelet.cgroups.tree import CgroupTree
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.credentials.node_sources import node_lookup
from podwright.kubelet.environment.dns_config import PodDns
from podwright.kubelet.environment.environment import ContainerEnvironment, service_informer
from podwright.kubelet.eviction.meters import NodeMeters
from podwright.kubelet.images.broken_downloads import BrokenDownloads
from podwright.kubelet.images.gc import ImageCollector, images_in_use
from podwright.kubelet.images.gc_decision import GCPolicy
from podwright.kubelet.images.image_files import ImageFiles
from podwright.kubelet.images.manager import ImageManager
from podwright.kubelet.images.node_images import NodeImages
from podwright.kubelet.images.pins import Pins, PinsError
from podwright.kubelet.images.pull_records import PullRecords, VerificationPolicy
from podwright.kubelet.images.puller import Puller, PullLimits
from podwright.kubelet.images.registry_client import RegistryClient
from podwright.kubelet.interfaces import Rescue
from podwright.kubelet.kubelet import Kubelet, Parts
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.exec import CriExec
from podwright.kubelet.kuberuntime.node_facts import NodeFacts, read_minimum_oom_score_adj
from podwright.kubelet.kuberuntime.paths import Paths
from podwright.kubelet.kuberuntime.runtime import KubeRuntime
from podwright.kubelet.lifecycle.handlers import HandlerRunner
from podwright.kubelet.lifecycle.hook_record import HookRecords
from podwright.kubelet.lifecycle.hooks import LifecycleHooks
from podwright.kubelet.node.machine import Machine, read_machine
from podwright.kubelet.node.manager import NodeManager, NodeSettings
from podwright.kubelet.node.node_object import NodeIdentity, allocatable
from podwright.kubelet.node.runtime_info import CriRuntimeInfo
from podwright.kubelet.prober.manager import ProbeManager
from podwright.kubelet.prober.runners import ProbeRunner
from podwright.kubelet.restart_backoff import RestartBackoff
from podwright.kubelet.runtime_class import RuntimeClasses
from podwright.kubelet.server.access import Allowed
from podwright.kubelet.server.log_rotation import LogRotation
from podwright.kubelet.server.server import KubeletServer, server_tls
from podwright.kubelet.server.server import Parts as ServerParts
from podwright.kubelet.server.stats import Stats
from podwright.kubelet.shutdown import parts_of
from podwright.kubelet.volumes.manager import VolumeManager

log = logging.getLogger(__name__)

RUNTIME_START = 30.0
"""Seconds that a runtime may take before it answers for the first time."""


@dataclass(frozen=True, slots=True)
class KubeletSettings:
    """What one kubelet is told beside its KubeletConfiguration."""

    node_name: str
    data_dir: Path
    endpoint: str
    """the CRI endpoint, `unix:///...`"""
    config: KubeletConfiguration
    serving_cert: Path
    serving_key: Path
    client_ca: Path
    """who may ask the kubelet's server must be known to this CA"""
    allowed_clients: Sequence[str]
    """and have one of these names"""
    node_ips: Sequence[str] = ()
    pinned_images: Sequence[str] = ()
    provider_config: Path | None = None
    provider_bin_dir: Path | None = None
    labels: dict[str, str] = field(default_factory=dict)
    rescue: Rescue | None = None
    """of a managed runtime"""


def pod_logs(data_dir: Path) -> Path:
    """Where the containers' logs lie."""
    return data_dir / "logs" / "pods"


class AssembledKubelet:
    """One kubelet with all its parts. `run` serves until cancelled and leaves the Pods running."""

    def __init__(self, settings: KubeletSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        config = settings.config
        self._recorder = EventRecorder(client, "kubelet", settings.node_name, utc_now)
        self._runtime_client = RuntimeClient(settings.endpoint)
        self._image_client = ImageClient(settings.endpoint)
        self._records = PullRecords(
            settings.data_dir,
            VerificationPolicy(config.imagePullCredentialsVerificationPolicy),
            config.preloadedImagesVerificationAllowlist,
            now=utc_now,
        )
        self._content = ContainerdContent(settings.endpoint)
        self._tasks = ContainerdTasks(settings.endpoint)
        self._puller = Puller(
            self._image_client,
            PullLimits(
                config.serializeImagePulls, config.maxParallelImagePulls, config.registryPullQPS, config.registryBurst
            ),
            BrokenDownloads(self._content),
        )
        self._classes = Informer(client, RUNTIME_CLASSES)
        self._services = service_informer(client)
        self._hierarchies = read_hierarchies()
        self._cgroups = PodCgroups(
            CgroupTree(self._hierarchies),
            instance_name(settings.data_dir),
            pids=config.podPidsLimit if config.podPidsLimit > 0 else None,
        )
        self._paths = Paths(pod_logs(settings.data_dir), settings.data_dir / "logs" / "containers")
        self._port = config.port
        self._handlers = RuntimeClasses(client, self._classes.get)
        images = NodeImages(self._image_client, config.nodeStatusMaxImages)
        self._runtime_info = CriRuntimeInfo(self._runtime_client, images)
        self._node = NodeManager(
            NodeSettings(
                NodeIdentity(settings.node_name, settings.labels), config, settings.data_dir, settings.node_ips
            ),
            client,
            self._runtime_info,
            recorder=self._recorder,
            server_port=lambda: self._port,
            now=utc_now,
        )
        self._images = ImageManager(
            self._image_client,
            self._puller,
            node_lookup(client, settings.data_dir, settings.provider_config, settings.provider_bin_dir),
            self._records,
            self._recorder,
            registry=RegistryClient(settings.data_dir / "registries"),
            per_runtime_class=config.featureGates.get("RuntimeClassInImageCriApi", False),
        )
        exec_runner = CriExec(self._runtime_client, settings.rescue)
        pods_dir = settings.data_dir / "pods"
        image_files = ImageFiles(self._runtime_client, self._image_client, self._content)
        self._volumes = VolumeManager(
            client, self._images, image_files, pods_dir, node=self._node.facts, on_change=self._wake, clock=utc_now
        )
        self._probes = ProbeManager(
            ProbeRunner(exec_runner), self._recorder, node=self._node.facts, on_change=self._wake, clock=utc_now
        )
        self._hooks = LifecycleHooks(
            HandlerRunner(exec_runner, self._node.facts),
            self._recorder,
            HookRecords(pods_dir),
            log_dir=self._paths.pod_log_directory,
            clock=utc_now,
        )
        self._environment = ContainerEnvironment(
            client,
            self._services,
            PodDns(config.clusterDNS, config.clusterDomain, Path(config.resolvConf), self._recorder),
            pods_dir=pods_dir,
            cluster_domain=config.clusterDomain,
            node=self._node.facts,
            recursive_read_only=self._mounts_read_only_recursively,
        )
        self._kubelet: Kubelet | None = None
        self._collecting: ImageCollector | None = None
        self._runtime: KubeRuntime | None = None

    async def run(self) -> None:
        """Serve until cancelled. Raises CriError when the runtime does not answer, OSError for files and ports."""
        settings = self._settings
        recording = asyncio.create_task(self._recorder.run(), name="kubelet events")
        try:
            machine = await asyncio.to_thread(read_machine, settings.data_dir, settings.node_ips)
            room = allocatable(machine, settings.config)
            await self._cgroups.start(milli_value(room["cpu"]), ceil_value(room["memory"]))
            await self._runtime_client.wait_until_serving(RUNTIME_START)
            await self._records.load(self._image_id)
            self._runtime = self._make_runtime(machine)
            self._kubelet = Kubelet(
                settings.config,
                settings.node_name,
                Parts(
                    client=self._client,
                    runtime=self._runtime,
                    volumes=self._volumes,
                    probes=self._probes,
                    recorder=self._recorder,
                    node=self._node,
                    cgroups=self._cgroups,
                    pod_logs=self._paths.pod_logs,
                    now=utc_now,
                    meters=NodeMeters(
                        settings.data_dir, self._cgroups, self._runtime_client, self._paths.pod_log_directory
                    ),
                    free_disk=self._free_disk,
                ),
            )
            await self._serve(self._kubelet, self._runtime)
        finally:
            await self._probes.close()
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)

    async def close(self) -> None:
        """Give up the runtime's connections, when nothing more is asked of it."""
        await self._puller.close()
        await self._runtime_client.close()
        await self._image_client.close()
        await self._content.close()
        await self._tasks.close()

    async def shut_down(self) -> None:
        """The machine goes down: end the Pods within the configured shutdown grace, if there is one."""
        if self._kubelet is not None and parts_of(self._settings.config):
            await self._kubelet.shut_down()

    async def stop_pods(self) -> None:
        """End every Pod on this node, hooks and grace included; their objects stay. Call it when `run` has ended."""
        runtime, kubelet = self._runtime, self._kubelet
        if runtime is None or kubelet is None:
            return

        async def stop(uid: str) -> None:
            status = await runtime.pod_status(uid)
            await runtime.kill_pod(known.get(uid), status, None)
            await runtime.remove_pod(status)
            await self._volumes.unmount(uid)
            await self._cgroups.remove(uid)

        known = {uid_of(pod): pod for pod in kubelet.pods()}
        uids = list(await runtime.list_pods())
        for uid, result in zip(uids, await asyncio.gather(*map(stop, uids), return_exceptions=True), strict=True):
            if isinstance(result, Exception):
                log.warning("Pod %s was not stopped: %s", known.get(uid, {}).get("metadata", {}).get("name"), result)

    def _mounts_read_only_recursively(self, pod: Object) -> bool:
        wanted = self._handlers.known(pod)
        return any(one.name == wanted and one.recursive_read_only_mounts for one in self._runtime_info.handlers)

    def _wake(self, uid: str) -> None:
        if self._kubelet is not None:
            self._kubelet.wake(uid)

    def _make_runtime(self, machine: Machine) -> KubeRuntime:
        facts = NodeFacts(
            memory_bytes=machine.memory,
            cgroup_v2=self._hierarchies.is_v2,
            minimum_oom_score_adj=read_minimum_oom_score_adj(),
        )
        config = self._settings.config
        return KubeRuntime(
            Collaborators(
                runtime=self._runtime_client,
                image_client=self._image_client,
                images=self._images,
                environment=self._environment,
                hooks=self._hooks,
                probes=self._probes,
                recorder=self._recorder,
                handlers=self._handlers,
                cgroups=self._cgroups,
                paths=self._paths,
                facts=facts,
                now=time.time,
                rescue=self._settings.rescue,
                tasks=self._tasks,
            ),
            RestartBackoff(config.crashLoopBackOffMaxContainerRestartPeriod),
            ContainerdEvents(self._settings.endpoint),
        )

    def _collector(self, kubelet: Kubelet) -> ImageCollector:
        config = self._settings.config
        pins = Pins(self._settings.data_dir)
        node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._settings.node_name}}
        return ImageCollector(
            self._image_client,
            lambda: images_in_use(self._runtime_client),
            self._records,
            self._recorder,
            node=node,
            policy=GCPolicy(
                config.imageGCHighThresholdPercent,
                config.imageGCLowThresholdPercent,
                config.imageMinimumGCAge,
                config.imageMaximumGCAge,
            ),
            pods=kubelet.pods,
            pinned=lambda: {*self._settings.pinned_images, *pins.names()},
        )

    async def _collect_images(self, kubelet: Kubelet) -> None:
        # An image that a Pod needs is not known as such before the Pod is.
        await kubelet.wait_pods_known()
        self._collecting = self._collector(kubelet)
        await self._collecting.run()

    async def _free_disk(self) -> None:
        """Remove images that nobody uses, now. Raises CriError, OSError."""
        if self._collecting is not None:
            try:
                await self._collecting.prune()
            except PinsError as error:
                log.warning("no image is removed to free the disk: %s", error)

    async def _serve(self, kubelet: Kubelet, runtime: KubeRuntime) -> None:
        settings, config = self._settings, self._settings.config
        tls = await asyncio.to_thread(server_tls, settings.serving_cert, settings.serving_key, settings.client_ca)
        stats = Stats(kubelet, self._cgroups, settings.node_name, settings.data_dir, utc_now)
        server = KubeletServer(
            ServerParts(kubelet, runtime, self._runtime_client, stats, utc_now),
            tls,
            Allowed(settings.allowed_clients),
            host=config.address,
            port=self._port,
        )
        await server.start()
        self._port = server.port
        try:
            await self._run_tasks(kubelet, runtime)
        finally:
            await server.stop()

    async def _run_tasks(self, kubelet: Kubelet, runtime: KubeRuntime) -> None:
        config = self._settings.config
        rotation = LogRotation(
            self._paths.pod_logs,
            runtime,
            self._runtime_client,
            utc_now,
            max_size=config.containerLogMaxSize,
            max_files=config.containerLogMaxFiles,
            interval=config.containerLogMonitorInterval,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(rotation.run(), name="log rotation")
            group.create_task(self._services.run(), name="informer of services")
            group.create_task(self._classes.run(), name="informer of runtime classes")
            group.create_task(self._volumes.run(), name="volumes")
            group.create_task(self._collect_images(kubelet), name="image collection")
            group.create_task(kubelet.run(), name="kubelet")

    async def _image_id(self, image: str) -> str:
        answer = await self._image_client.image_status(image)
        return answer.image.id
