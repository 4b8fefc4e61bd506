"""The floor: the same containers by bare CRI calls on the same runtime.

The configuration is not made up here: a Pod of the node is looked up in the runtime, and what the kubelet gave it is
given again, under another name, without the labels by which the kubelet knows its own. The floor therefore pays for
the same image, command, environment, mounts, log, seccomp profile, cgroup parent and network, and for nothing else.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import json_format

from benchmarks.node import Node
from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb


@dataclass(frozen=True, slots=True)
class BarePod:
    """A sandbox with one running container."""

    sandbox_id: str
    container_id: str
    log_directory: Path


@dataclass(slots=True)
class Floor:
    """Makes and removes Pods like `sandbox` and `container`."""

    runtime: RuntimeClient
    sandbox: pb.PodSandboxConfig
    container: pb.ContainerConfig
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def start(self) -> tuple[BarePod, float]:
        """Sandbox, container, start, one look at its status: the Pod, and the milliseconds until it is seen running."""
        sandbox, container = pb.PodSandboxConfig(), pb.ContainerConfig()
        sandbox.CopyFrom(self.sandbox)
        container.CopyFrom(self.container)
        name = f"floor{next(self._numbers)}"
        sandbox.metadata.name = sandbox.metadata.uid = sandbox.hostname = name
        sandbox.log_directory = str(Path(self.sandbox.log_directory).with_name(name))
        sandbox.linux.cgroup_parent = str(Path(self.sandbox.linux.cgroup_parent).with_name(name))
        logs = Path(sandbox.log_directory)
        (logs / container.log_path).parent.mkdir(parents=True)
        began = time.perf_counter()
        sandbox_id = (await self.runtime.run_pod_sandbox(sandbox)).pod_sandbox_id
        container_id = (await self.runtime.create_container(sandbox_id, container, sandbox)).container_id
        await self.runtime.start_container(container_id)
        status = (await self.runtime.container_status(container_id)).status
        took = (time.perf_counter() - began) * 1000
        if status.state != pb.CONTAINER_RUNNING:
            raise RuntimeError(f"a container of the floor does not run: {status}")
        return BarePod(sandbox_id, container_id, logs), took

    async def end(self, pod: BarePod, *, timeout: int = 10) -> float:
        """SIGTERM, and everything removed; milliseconds."""
        began = time.perf_counter()
        await self.runtime.stop_container(pod.container_id, timeout=timeout)
        await self.runtime.stop_pod_sandbox(pod.sandbox_id)
        await self.runtime.remove_container(pod.container_id)
        await self.runtime.remove_pod_sandbox(pod.sandbox_id)
        took = (time.perf_counter() - began) * 1000
        shutil.rmtree(pod.log_directory)
        return took


async def floor_of(node: Node, uid: str) -> Floor:
    """The floor for Pods like the running one with this UID."""
    of_pod = {"io.kubernetes.pod.uid": uid}
    sandboxes = await node.runtime.list_pod_sandbox(pb.PodSandboxFilter(label_selector=of_pod))
    containers = await node.runtime.list_containers(pb.ContainerFilter(label_selector=of_pod))
    sandbox_info = await node.runtime.pod_sandbox_status(sandboxes.items[0].id, verbose=True)
    container_info = await node.runtime.container_status(containers.containers[0].id, verbose=True)
    sandbox = json_format.ParseDict(json.loads(sandbox_info.info["info"])["config"], pb.PodSandboxConfig())
    config = json.loads(container_info.info["info"])["config"]
    for variable in config.get("envs") or ():
        # Bytes to us, which JSON has in base64; the runtime shows it as text.
        variable["value"] = base64.b64encode(variable.get("value", "").encode()).decode()
    container = json_format.ParseDict(config, pb.ContainerConfig())
    for made in (sandbox, container):
        made.labels.clear()
        made.annotations.clear()
    return Floor(node.runtime, sandbox, container)


async def container_of(node: Node, uid: str) -> pb.ContainerStatus:
    """The status of a Pod's only container, as the runtime has it."""
    chosen = pb.ContainerFilter(label_selector={"io.kubernetes.pod.uid": uid})
    containers = (await node.runtime.list_containers(chosen)).containers
    return (await node.runtime.container_status(containers[0].id)).status
