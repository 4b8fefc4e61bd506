"""The whole kubelet against an API and a runtime in memory."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually
from tests.kubelet.fake_runtime import (
    Events,
    FakeCgroups,
    FakeMeters,
    FakeRuntime,
    FakeRuntimeInfo,
    FakeVolumes,
    NoProbes,
    container,
)

from podwright.api.errors import NotFound
from podwright.api.resources import LEASES, NODES, PODS
from podwright.client.interface import DeleteOptions
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.errors import ImageError, TerminalError
from podwright.kubelet.eviction.thresholds import Level
from podwright.kubelet.kubelet import Kubelet, Parts
from podwright.kubelet.node.manager import NodeManager, NodeSettings
from podwright.kubelet.node.node_object import NodeIdentity
from podwright.kubelet.node.runtime_info import RuntimeCondition
from podwright.kubelet.status.generate import Verdict

Object = dict[str, Any]


class House:
    """One node with everything around it."""

    def __init__(self, tmp_path: Path, **config: Any) -> None:
        self.client = FakeClient()
        self.runtime = FakeRuntime()
        self.volumes = FakeVolumes()
        self.events = Events()
        self.cgroups = FakeCgroups()
        self.info = FakeRuntimeInfo()
        self.meters = FakeMeters()
        self.tmp_path = tmp_path
        self.config = KubeletConfiguration(**config)
        self.kubelet = self.new_kubelet()

    def new_kubelet(self) -> Kubelet:
        settings = NodeSettings(NodeIdentity("n"), self.config, self.tmp_path, ["192.0.2.9"])
        now = lambda: datetime.datetime.now(datetime.UTC)  # noqa: E731
        node = NodeManager(settings, self.client, self.info, recorder=self.events, server_port=lambda: 10250, now=now)
        parts = Parts(
            client=self.client,
            runtime=self.runtime,
            volumes=self.volumes,
            probes=NoProbes(),
            recorder=self.events,
            node=node,
            cgroups=self.cgroups,
            pod_logs=self.tmp_path / "logs",
            now=now,
            meters=self.meters,
            free_disk=self.free_disk,
        )
        return Kubelet(self.config, "n", parts)

    async def free_disk(self) -> None:
        return

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.kubelet.run())
        try:
            yield
            if task.done():
                await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def create(self, name: str = "p", **spec: Any) -> str:
        containers = spec.pop("containers", [{"name": "a", "image": "a:1", "resources": {}}])
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "d"},
            "spec": {
                "nodeName": "n",
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 30,
                "containers": containers,
                **spec,
            },
            "status": {"phase": "Pending"},
        }
        uid: str = (await self.client.create(PODS, pod, "d"))["metadata"]["uid"]
        return uid

    async def status(self, name: str = "p", namespace: str = "d") -> Object:
        answer: Object = (await self.client.get(PODS, name, namespace)).get("status") or {}
        return answer

    async def until_phase(self, phase: str, name: str = "p") -> Object:
        async def reached() -> bool:
            return (await self.status(name))["phase"] == phase

        await eventually(reached)
        return await self.status(name)

    async def until_gone(self, name: str = "p", namespace: str = "d") -> None:
        async def gone() -> bool:
            try:
                await self.client.get(PODS, name, namespace)
            except NotFound:
                return True
            return False

        await eventually(gone)

    async def delete(self, grace: int, name: str = "p") -> None:
        await self.client.delete(PODS, name, "d", DeleteOptions(grace_period_seconds=grace))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_pod_is_run_and_its_status_told(house: House) -> None:
    async with house.running():
        uid = await house.create()
        status = await house.until_phase("Running")
    assert status["containerStatuses"][0]["containerID"] == f"containerd://{uid}-a-0"
    assert status["podIP"] == "10.0.0.9"
    assert status["hostIP"] == "192.0.2.9"
    assert {c["type"]: c["status"] for c in status["conditions"]}["Ready"] == "True"
    assert uid in house.volumes.mounted


async def test_a_new_pod_costs_one_look_at_the_runtime_and_two_writes(house: House) -> None:
    async with house.running():
        await house.create()
        await house.until_phase("Running")
    assert (house.runtime.did("first status"), house.runtime.did("status")) == (1, 0)
    assert len(house.client.called("patch", PODS, "status")) <= 2


async def test_the_node_is_there_and_ready_with_its_lease(house: House) -> None:
    async def ready() -> bool:
        try:
            await house.client.get(LEASES, "n", "kube-node-lease")
            node = await house.client.get(NODES, "n")
        except NotFound:
            return False
        return {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True"

    async with house.running():
        await eventually(ready)
    assert ("Normal", "NodeReady", "Node n status is now: NodeReady") in house.events.written


async def test_a_deleted_pod_is_stopped_and_everything_of_it_removed(house: House) -> None:
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
        await house.delete(7)
        await house.until_gone()
        await eventually(lambda: house.kubelet.pod(uid) is None)
    assert house.runtime.graces == [7]
    assert house.runtime.pods == {}
    assert house.volumes.mounted == set()


async def test_the_end_of_the_containers_is_told_before_the_object_goes(house: House) -> None:
    async with house.running():
        await house.create()
        await house.until_phase("Running")
        await house.delete(5)
        await house.until_gone()
    last = house.client.called("patch", PODS, "status")[-1].body["status"]
    assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143


async def test_a_deletion_does_not_wait_for_a_pull(house: House) -> None:
    house.runtime.pull.clear()
    async with house.running():
        await house.create()
        await eventually(lambda: house.runtime.did("sync"))
        await house.delete(5)
        await house.until_gone()


async def test_a_job_pod_succeeds_and_keeps_its_container_until_it_is_deleted(house: House) -> None:
    async with house.running():
        uid = await house.create(restartPolicy="Never")
        await house.until_phase("Running")
        house.runtime.exit(uid, 0)
        status = await house.until_phase("Succeeded")
        assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
        await eventually(lambda: uid not in house.volumes.mounted)
        assert uid in house.runtime.pods
        await house.delete(0)
        await house.until_gone()
        await eventually(lambda: uid not in house.runtime.pods)


async def test_a_container_that_ends_is_started_again(house: House) -> None:
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
        house.runtime.exit(uid, 1)

        async def restarted() -> bool:
            return (await house.status())["containerStatuses"][0]["restartCount"] == 1

        await eventually(restarted)
        assert (await house.status())["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1


async def test_without_events_a_relist_notices_the_end(house: House) -> None:
    house.runtime.streaming = False
    async with house.running():
        uid = await house.create(restartPolicy="Never")
        await house.until_phase("Running")
        house.runtime.exit(uid, 3, tell=False)
        await house.until_phase("Failed")


async def test_a_start_that_failed_shows_why(house: House) -> None:
    house.runtime.failures = {"a": ImageError("ErrImagePull", "no such image")}
    async with house.running():
        await house.create()

        async def shown() -> bool:
            statuses = (await house.status()).get("containerStatuses") or [{"state": {}}]
            return statuses[0]["state"].get("waiting", {}).get("message") == "no such image"

        await eventually(shown)
        assert (await house.status())["phase"] == "Pending"


async def test_a_pod_that_can_never_run_has_failed(house: House) -> None:
    house.runtime.terminal = TerminalError("RuntimeClassNotFound", "no such class")
    async with house.running():
        await house.create()
        status = await house.until_phase("Failed")
    assert (status["reason"], status["message"]) == ("RuntimeClassNotFound", "no such class")


async def test_a_pod_past_its_deadline_has_failed(house: House) -> None:
    async with house.running():
        await house.create(activeDeadlineSeconds=0.05)
        status = await house.until_phase("Failed")
    assert status["reason"] == "DeadlineExceeded"
    assert status["message"] == "Pod was active on the node longer than the specified deadline"


async def test_an_evicted_pod_says_so_once_nothing_runs(house: House) -> None:
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
        house.kubelet.evict(uid, Verdict("Evicted", "The node was low on resource: memory."), grace=1)
        status = await house.until_phase("Failed")
    assert status["reason"] == "Evicted"
    assert house.runtime.graces == [1]


async def test_a_pod_that_does_not_fit_is_refused(house: House) -> None:
    containers = [{"name": "a", "image": "a:1", "resources": {"requests": {"cpu": "10k"}}}]
    async with house.running():
        await house.create(containers=containers)
        status = await house.until_phase("Failed")
        assert status["reason"] == "OutOfcpu"
        assert house.runtime.did("sync") == 0
        await house.delete(0)
        await house.until_gone()
    assert any(reason == "OutOfcpu" for _, reason, _ in house.events.written)


async def test_a_pod_that_was_deleted_by_force_has_no_share_though_it_still_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, ends = House(tmp_path, maxPods=1), asyncio.Event()
    kill = house.runtime.kill_pod

    async def kill_late(*args: Any, **options: Any) -> None:
        await ends.wait()
        await kill(*args, **options)

    monkeypatch.setattr(house.runtime, "kill_pod", kill_late)
    async with house.running():
        uid = await house.create("one")
        await house.until_phase("Running", "one")
        await house.delete(0, "one")
        await house.until_gone("one")
        await house.create("two")
        await house.until_phase("Running", "two")
        assert house.kubelet.pod(uid) is not None
        ends.set()


async def test_a_pod_that_sets_an_unsafe_kernel_parameter_is_refused(house: House) -> None:
    async with house.running():
        await house.create(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]})
        status = await house.until_phase("Failed")
    assert (status["reason"], house.runtime.did("sync")) == ("SysctlForbidden", 0)
    told = [(reason, message) for _, reason, message in house.events.written if reason == "SysctlForbidden"]
    assert told == [("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted')]


async def test_volumes_that_fail_are_an_event_and_tried_again(house: House) -> None:
    house.volumes.error = "volume v: no such secret"
    async with house.running():
        await house.create()
        await eventually(lambda: ("Warning", "FailedMount", "volume v: no such secret") in house.events.written)
        assert house.runtime.did("sync") == 0


async def test_without_a_network_pods_wait_and_say_so(house: House) -> None:
    house.info.network = RuntimeCondition(False, "NetworkPluginNotReady", "cni plugin not initialized")
    async with house.running():
        await house.create()
        await eventually(lambda: any(reason == "NetworkNotReady" for _, reason, _ in house.events.written))
    message = next(m for _, reason, m in house.events.written if reason == "NetworkNotReady")
    assert message == (
        "network is not ready: container runtime network not ready: NetworkReady=false "
        "reason:NetworkPluginNotReady message:cni plugin not initialized"
    )


async def test_a_new_kubelet_adopts_what_runs_and_ends_orphans(house: House) -> None:
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
    orphan = {"metadata": {"uid": "orphan", "name": "o", "namespace": "d"}}
    house.runtime.put(orphan, [container("a", uid="orphan")])
    syncs = house.runtime.did("sync")
    house.kubelet = house.new_kubelet()
    async with house.running():
        await eventually(lambda: "orphan" not in house.runtime.pods)
        await eventually(lambda: house.runtime.did("sync") > syncs)
    assert [c.id for c in house.runtime.pods[uid].containers] == [f"{uid}-a-0"]
    assert ("kill", "orphan") in house.runtime.calls
    assert house.cgroups.kept == [frozenset(), {uid, "orphan"}]


async def test_a_pod_deleted_while_no_kubelet_ran_is_ended(house: House) -> None:
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
    await house.delete(3)
    house.kubelet = house.new_kubelet()
    async with house.running():
        await house.until_gone()
    assert uid not in house.runtime.pods


async def test_a_manifest_runs_and_shows_in_the_api(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    manifest = folder / "web.yaml"
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: a, image: 'a:1'}\n"
    manifest.write_text(text)
    house = House(tmp_path, staticPodPath=str(folder))

    async def shown() -> bool:
        try:
            status = await house.status("web-n", "default")
        except NotFound:
            return False
        return status.get("phase") == "Running"

    async with house.running():
        await eventually(shown)
        mirror = await house.client.get(PODS, "web-n", "default")
        assert mirror["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
        assert "kubernetes.io/config.mirror" in mirror["metadata"]["annotations"]
        await house.client.delete(PODS, "web-n", "default", DeleteOptions(grace_period_seconds=0))
        await eventually(shown)
        assert (await house.client.get(PODS, "web-n", "default"))["metadata"]["uid"] != mirror["metadata"]["uid"]
        assert house.runtime.did("kill") == 0
        manifest.unlink()
        await house.until_gone("web-n", "default")
        assert not house.runtime.pods, "the mirror went before the containers"


async def test_a_machine_that_goes_down_ends_its_pods_within_their_part_of_the_time(tmp_path: Path) -> None:
    house = House(tmp_path, shutdownGracePeriod=10.0, shutdownGracePeriodCriticalPods=3.0)
    async with house.running():
        await house.create("plain")
        await house.create("critical", priority=2_000_000_000)
        await house.until_phase("Running", "plain")
        await house.until_phase("Running", "critical")
        await house.kubelet.shut_down()
        for name in ("plain", "critical"):
            status = await house.until_phase("Failed", name)
            assert status["reason"] == "Terminated"
            assert any(c["type"] == "DisruptionTarget" for c in status["conditions"])
    assert house.runtime.graces == [7, 3]


async def test_what_appears_after_its_pod_is_gone_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podwright.kubelet.pleg.CHECK_AFTER", 0.05)
    async with house.running():
        uid = await house.create()
        await house.until_phase("Running")
        await house.delete(1)
        await house.until_gone()
        await eventually(lambda: house.kubelet.pod(uid) is None)
        late = {"metadata": {"uid": uid, "name": "p", "namespace": "d"}}
        house.runtime.put(late, [])
        await eventually(lambda: uid not in house.runtime.pods)


async def test_a_short_node_ends_the_pod_that_uses_more_than_it_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podwright.kubelet.eviction.manager.PERIOD", 0.02)
    house = House(tmp_path)
    async with house.running():
        for name in ("modest", "greedy"):
            await house.create(name, priority=10 if name == "modest" else 100)
            await house.until_phase("Running", name)
        house.meters.memory = {"modest": 10 << 20, "greedy": 500 << 20}
        house.meters.levels = {"memory.available": Level(50 << 20, 2 << 30)}
        status = await house.until_phase("Failed", "modest")
        house.meters.levels = {"memory.available": Level(1 << 30, 2 << 30)}
    text = (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container a was using 10Mi, request is 0, has larger consumption of memory. "
    )
    assert (status["reason"], status["message"]) == ("Evicted", text)
    (disrupted,) = [c for c in status["conditions"] if c["type"] == "DisruptionTarget"]
    assert (disrupted["reason"], disrupted["message"]) == ("TerminationByKubelet", text)
    assert ("Evicted", text) in [(reason, message) for _, reason, message in house.events.written]
    assert house.runtime.graces[0] == 1


async def test_a_critical_pod_makes_room_for_itself_and_starts_when_the_others_have_ended(tmp_path: Path) -> None:
    house = House(tmp_path, maxPods=2)
    async with house.running():
        for name in ("one", "two"):
            await house.create(name)
            await house.until_phase("Running", name)
        await house.create("plain")
        assert (await house.until_phase("Failed", "plain"))["reason"] == "OutOfpods"
        await house.create("critical", priority=2_000_000_000)
        await house.until_phase("Running", "critical")
        phases = {name: await house.status(name) for name in ("one", "two")}
        (ended,) = [status for status in phases.values() if status["phase"] == "Failed"]
        assert (ended["reason"], ended["message"]) == ("Preempting", "Preempted in order to admit critical pod")
        assert any(c["type"] == "DisruptionTarget" for c in ended["conditions"])


async def test_a_resize_that_waits_for_room_is_done_when_another_pod_goes(tmp_path: Path) -> None:
    def sized(cpu: str) -> list[Object]:
        return [{"name": "a", "image": "a:1", "resources": {"requests": {"cpu": cpu}}}]

    def pending(status: Object) -> str:
        return next((c["reason"] for c in status["conditions"] if c["type"] == "PodResizePending"), "")

    house = House(tmp_path)
    async with house.running():
        await house.create("other", containers=sized("1"))
        await house.create("p", containers=sized("100m"))
        await house.until_phase("Running", "other")
        await house.until_phase("Running", "p")
        cpus = (await house.client.get(NODES, "n"))["status"]["allocatable"]["cpu"]
        pod = await house.client.get(PODS, "p", "d")
        await house.client.update(PODS, {**pod, "spec": {**pod["spec"], "containers": sized(cpus)}})

        async def deferred() -> bool:
            return pending(await house.status("p")) == "Deferred"

        async def given() -> bool:
            status = await house.status("p")
            resources = status["containerStatuses"][0]["allocatedResources"]
            return not pending(status) and resources == {"cpu": cpus}

        await eventually(deferred)
        assert (await house.status("p"))["containerStatuses"][0]["allocatedResources"] == {"cpu": "100m"}
        await house.client.delete(PODS, "other", "d", DeleteOptions(grace_period_seconds=1))
        await eventually(given)

        async def told() -> bool:
            events = [reason for _, reason, _ in house.events.written if reason.startswith("Resize")]
            return events == ["ResizeDeferred", "ResizeStarted", "ResizeCompleted"]

        await eventually(told)
