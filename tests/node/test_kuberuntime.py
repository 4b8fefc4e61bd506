"""KubeRuntime on a real containerd: Pods run, end, come back, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from tests.fakes.waiting import eventually
from tests.kubelet.kuberuntime.rig import Events, Hooks, Probes
from tests.node.observed import slack

from podwright.api.objects import Object, uid_of
from podwright.containerd.config import NodeOptions
from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.containerd_events import ContainerdEvents
from podwright.cri.containerd_tasks import ContainerdTasks
from podwright.cri.errors import CriError
from podwright.kubelet.cgroups.hierarchy import read_hierarchies
from podwright.kubelet.cgroups.pods import PodCgroups, instance_name
from podwright.kubelet.cgroups.tree import CgroupTree
from podwright.kubelet.errors import TerminalError
from podwright.kubelet.interfaces import ContainerRef, DnsConfig, MountedVolumes, RunOptions, SyncResult
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.exec import CriExec
from podwright.kubelet.kuberuntime.node_facts import NodeFacts, read_minimum_oom_score_adj
from podwright.kubelet.kuberuntime.paths import Paths
from podwright.kubelet.kuberuntime.runtime import KubeRuntime
from podwright.kubelet.restart_backoff import RestartBackoff
from podwright.kubelet.runtime_class import RuntimeClasses
from podwright.kubelet.runtime_state import ContainerState, PodRuntimeStatus

pytestmark = [pytest.mark.node]

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"]


@dataclass
class PresentImages:
    client: ImageClient

    async def ensure(self, ref: ContainerRef, image: str, policy: str, runtime_handler: str) -> str:
        return (await self.client.image_status(image)).image.id


class PlainEnvironment:
    async def run_options(
        self, pod: Object, container: Object, volumes: MountedVolumes, pod_ips: Sequence[str]
    ) -> RunOptions:
        return RunOptions(env=[("POD_IP", pod_ips[0] if pod_ips else "")], command=container["command"])

    def hostname(self, pod: Object) -> str:
        return "" if pod["spec"].get("hostNetwork") else pod["metadata"]["name"]

    def dns(self, pod: Object) -> DnsConfig:
        return DnsConfig(servers=["10.9.9.9"], searches=["test.local"])


@dataclass
class Node:
    managed: ManagedContainerd
    data: Path
    cri: RuntimeClient
    images: ImageClient
    containerd: ContainerdEvents
    tasks: ContainerdTasks
    cgroups: PodCgroups
    events: Events = field(default_factory=Events)
    hooks: Hooks = field(default_factory=Hooks)

    def __post_init__(self) -> None:
        self.runtime = self.fresh()

    def fresh(self) -> KubeRuntime:
        with_ = Collaborators(
            runtime=self.cri,
            image_client=self.images,
            images=PresentImages(self.images),
            environment=PlainEnvironment(),
            hooks=self.hooks,
            probes=cast(Any, Probes()),
            recorder=self.events,
            handlers=RuntimeClasses(None, {"crun": {"handler": "crun"}, "odd": {"handler": "odd"}}.get),
            cgroups=self.cgroups,
            paths=Paths(self.data / "logs" / "pods", self.data / "logs" / "containers"),
            facts=NodeFacts(8 << 30, minimum_oom_score_adj=read_minimum_oom_score_adj()),
            now=time.time,
            tasks=self.tasks,
        )
        return KubeRuntime(with_, RestartBackoff(), self.containerd)

    async def status(self, pod: Object) -> PodRuntimeStatus:
        return await self.runtime.pod_status(pod["metadata"]["uid"])

    async def sync(self, pod: Object) -> SyncResult:
        result = await self.runtime.sync_pod(pod, await self.status(pod), MountedVolumes())
        assert not result.failures, {name: error.message for name, error in result.failures.items()}
        assert not result.sandbox_failure, result.sandbox_failure
        return result

    async def ended(self, pod: Object, name: str) -> Any:
        async def look() -> Any:
            found = (await self.status(pod)).newest(name)
            return found if found and found.state is ContainerState.EXITED else None

        return await eventually(look)

    async def delete(self, pod: Object, grace: int | None = None) -> None:
        await self.runtime.kill_pod(pod, await self.status(pod), grace)
        await self.runtime.remove_pod(await self.status(pod))
        assert (await self.status(pod)).is_empty


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kuberuntime")


@pytest.fixture
async def node(directory: Path) -> AsyncIterator[Node]:
    managed = ManagedContainerd(directory, NodeOptions(pod_cidr="10.213.77.0/24"))
    await managed.start()
    cri, images = RuntimeClient(managed.endpoint), ImageClient(managed.endpoint)
    containerd, tasks = ContainerdEvents(managed.endpoint), ContainerdTasks(managed.endpoint)
    cgroups = PodCgroups(CgroupTree(read_hierarchies()), instance_name(directory))
    try:
        await cri.wait_until_serving(20)
        await cgroups.start(4000, None)
        await managed.import_image(
            archive({EXAMPLE_IMAGE: await asyncio.to_thread(busybox_image, Path("/usr/bin/busybox"))})
        )
        yield Node(managed, directory, cri, images, containerd, tasks, cgroups)
    finally:
        await cri.close()
        await images.close()
        await containerd.close()
        await tasks.close()
        await managed.purge([instance_name(directory)])
        await cgroups.remove_all()


def make(name: str, *containers: Object, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "shop", "uid": str(uuid.uuid4()), "labels": {"app": "x"}}
    return {"metadata": meta, "spec": {"containers": list(containers), **spec}}


def box(name: str, *command: str, **fields: Any) -> Object:
    return {"name": name, "image": EXAMPLE_IMAGE, "command": list(command) or SLEEP, **fields}


async def test_a_pod_s_whole_way(node: Node) -> None:
    script = "id -u; hostname; cat /etc/resolv.conf; echo $POD_IP; echo bye >/dev/termination-log; exit 3"
    obj = make(
        "web",
        box("a", resources={"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}),
        box("b", "sh", "-c", script, terminationMessagePath="/dev/termination-log", securityContext={"runAsUser": 7}),
        restartPolicy="Never",
        initContainers=[box("i", "true"), box("side", restartPolicy="Always")],
    )
    for _ in range(4):
        await node.sync(obj)
        if (await node.status(obj)).newest("i") and (await node.status(obj)).newest("side") is None:
            await node.ended(obj, "i")
    done = await node.ended(obj, "b")
    assert (done.exit_code, done.message, done.reason) == (3, "bye\n", "Error")
    status = await node.status(obj)
    said = [line.split(" ", 3)[3] for line in Path(done.log_path).read_text().splitlines()]
    assert said[0] == "7"
    assert "web" in said and "nameserver 10.9.9.9" in said and said[-1] == status.ips[0]
    running = {c.name for c in status.running()}
    assert running == {"a", "side"}
    usage = await node.cgroups.usage(obj)
    assert usage is not None and usage.processes >= 5 and usage.memory_bytes > 0
    inside = await CriExec(node.cri).exec_sync(status.newest("a").id, ["sh", "-c", "echo hi; exit 4"], 5)  # type: ignore[union-attr]
    assert (inside.exit_code, inside.stdout) == (4, b"hi\n")
    with pytest.raises(TimeoutError):
        await CriExec(node.cri).exec_sync(status.newest("a").id, ["sleep", "9"], 1)  # type: ignore[union-attr]
    began = time.monotonic()
    await node.delete(obj, 20)
    assert time.monotonic() - began < slack(5)
    assert not [p for p in (node.data / "logs").rglob("*") if not p.is_dir()]
    assert cgroups_with(obj["metadata"]["uid"]) == []


async def test_limits_stand_in_the_pod_s_cgroup(node: Node) -> None:
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "32Mi"}}
    obj = make("limited", box("a", resources=resources), overhead={"cpu": "100m", "memory": "16Mi"})
    await node.sync(obj)
    tree, parent = CgroupTree(read_hierarchies()), node.cgroups.parent(obj)
    if not read_hierarchies().is_v2:
        assert tree.read("memory", parent, "memory.limit_in_bytes") == f"{80 << 20}\n"
        assert tree.read("cpu", parent, "cpu.cfs_quota_us") == "60000\n"
        assert tree.read("cpu", parent, "cpu.shares") == f"{350 * 1024 // 1000}\n"
        container = (await node.status(obj)).newest("a")
        assert container is not None
        assert tree.read("memory", f"{parent}/{container.id}", "memory.limit_in_bytes") == f"{64 << 20}\n"
    await node.delete(obj, 5)


async def test_runtime_handlers(node: Node) -> None:
    if "crun" in node.managed.handlers:
        obj = make("fast", box("a"), runtimeClassName="crun")
        await node.sync(obj)
        status = await node.status(obj)
        assert status.sandbox is not None and status.sandbox.runtime_handler == "crun"
        await node.delete(obj, 5)
    odd = make("odd", box("a"), runtimeClassName="odd")
    with pytest.raises(TerminalError, match='no runtime for "odd" is configured'):
        await node.sync(odd)
    gone = make("gone", box("a"), runtimeClassName="gone")
    with pytest.raises(TerminalError, match="no API"):
        await node.sync(gone)
    await node.runtime.remove_pod(await node.status(odd))


async def test_security(node: Node) -> None:
    script = (
        "id -u; id -G; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; touch /x 2>/dev/null || echo read-only"
    )
    obj = make(
        "secure",
        box(
            "a",
            "sh",
            "-c",
            script,
            securityContext={
                "runAsUser": 1000,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        ),
        box("b", "sh", "-c", "cat /proc/1/comm; ls /proc | grep -c '^[0-9]'"),
        restartPolicy="Never",
        shareProcessNamespace=True,
        securityContext={"fsGroup": 2000, "supplementalGroups": [3000], "runAsGroup": 500},
    )
    await node.sync(obj)
    said = (Path((await node.ended(obj, "a")).log_path)).read_text()
    lines = [line.split(" ", 3)[3] for line in said.splitlines()]
    assert lines[:2] == ["1000", "500 2000 3000"]
    assert "CapEff:\t0000000000000000" in lines and "NoNewPrivs:\t1" in lines and "Seccomp:\t2" in lines
    assert lines[-1] == "read-only"
    other = Path((await node.ended(obj, "b")).log_path).read_text()
    assert "catatonit" in other or "pause" in other
    await node.delete(obj, 5)


async def test_events_tell_of_an_exit(node: Node) -> None:
    obj = make("short", box("a", "sh", "-c", "sleep 0.3; exit 5"), restartPolicy="Never")
    async with aclosing(cast(Any, node.runtime.events())) as events:
        first = asyncio.ensure_future(anext(events))
        await node.sync(obj)
        async with asyncio.timeout(10):
            assert await first == obj["metadata"]["uid"]
        ended = (await node.status(obj)).newest("a")
        assert ended is not None and (ended.state, ended.exit_code) == (ContainerState.EXITED, 5)
    await node.delete(obj, 5)


async def test_a_new_kubelet_adopts_what_runs(node: Node) -> None:
    obj = make("kept", box("a"))
    await node.sync(obj)
    before = await node.status(obj)
    node.runtime = node.fresh()
    assert not (await node.sync(obj)).changed
    after = await node.status(obj)
    assert [c.id for c in after.containers] == [c.id for c in before.containers]
    assert list(await node.runtime.list_pods()) == [obj["metadata"]["uid"]]
    # The Pod object is gone: what the runtime kept of it is enough.
    await node.runtime.kill_pod(None, after, None)
    await node.runtime.remove_pod(await node.status(obj))
    assert await node.runtime.list_pods() == {}


async def start_and_go_away(node: Node, container_id: str, after: float) -> None:
    """Ask for a start and be gone before it is done, as when we are killed."""
    call = asyncio.ensure_future(node.cri.start_container(container_id))
    await asyncio.wait({call}, timeout=after)
    call.cancel()
    await asyncio.wait({call})


@pytest.mark.parametrize("then", ["adopted", "deleted"])
async def test_starts_that_were_broken_off(node: Node, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    async def not_yet(_container_id: str) -> None:
        raise CriError("Canceled", "its caller is gone")

    names = "abcdef"
    pods = [make(f"p{number}", *(box(name) for name in names), restartPolicy="Never") for number in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(node.cri, "start_container", not_yet)
        await asyncio.gather(
            *(node.runtime.sync_pod(obj, PodRuntimeStatus(uid_of(obj)), MountedVolumes()) for obj in pods)
        )
    # Starts in one Pod wait for each other, which keeps the moments open in which containerd loses sight of one.
    made = [c.id for obj in pods for c in (await node.status(obj)).containers]
    await asyncio.gather(*(start_and_go_away(node, id, 0.01 + 0.02 * at) for at, id in enumerate(made)))
    node.runtime = node.fresh()

    async def run(obj: Object) -> None:
        status = await node.runtime.adopt(obj, await node.status(obj), ())
        await node.runtime.sync_pod(obj, status, MountedVolumes())
        status = await node.status(obj)
        states = [(newest.state if (newest := status.newest(name)) else None) for name in names]
        assert states == [ContainerState.RUNNING] * len(names)

    if then == "adopted":
        await asyncio.gather(*(run(obj) for obj in pods))
    await asyncio.gather(*(node.delete(obj, 1) for obj in pods))
    assert await node.runtime.list_pods() == {}


async def test_a_killed_sandbox_comes_back(node: Node) -> None:
    obj = make("phoenix", box("a"))
    await node.sync(obj)
    status = await node.status(obj)
    assert status.sandbox is not None
    await node.cri.stop_pod_sandbox(status.sandbox.id)
    await node.sync(obj)
    again = await node.status(obj)
    assert again.sandbox is not None and again.sandbox.attempt == 1
    newest = again.newest("a")
    assert newest is not None and (newest.state, newest.attempt) == (ContainerState.RUNNING, 1)
    await node.runtime.collect_garbage(obj, again)
    await node.delete(obj, 5)


def cgroups_with(uid: str) -> list[Path]:
    # Others' cgroups come and go meanwhile, which os.walk does not mind.
    folders = [
        (folder, name) for root in read_hierarchies().roots for folder, names, _ in os.walk(root) for name in names
    ]
    return [Path(folder, name) for folder, name in folders if uid in name]
