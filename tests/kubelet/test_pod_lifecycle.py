"""What the passes of a Pod's life rely on that the test of the whole kubelet does not show."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually
from tests.kubelet.fake_runtime import NOW, Events, FakeRuntime, FakeVolumes, NoProbes, container

from podwright.client.interface import Client
from podwright.kubelet.allocation import Allocations
from podwright.kubelet.errors import WaitingError
from podwright.kubelet.interfaces import MountedVolumes, SyncResult
from podwright.kubelet.meanwhile import Meanwhile
from podwright.kubelet.pod_lifecycle import Collaborators, PodLifecycle, deadline_left
from podwright.kubelet.pod_state import PodState, Stage
from podwright.kubelet.pod_workers import StillRunning
from podwright.kubelet.runtime_state import ContainerState, PodRuntimeStatus, PodSummary
from podwright.kubelet.status.generate import HostFacts
from podwright.kubelet.status.manager import StatusManager

Object = dict[str, Any]


def pod(limit: int | None = None, *, deleted: bool = False) -> Object:
    meta = {"name": "p", "namespace": "d", "uid": "u"} | ({"deletionTimestamp": "x"} if deleted else {})
    return {"metadata": meta, "spec": {"activeDeadlineSeconds": limit, "containers": []}, "status": {}}


@pytest.mark.parametrize(
    ("given", "started", "left"),
    [
        pytest.param(pod(), "2026-01-02T03:04:00Z", None, id="no deadline"),
        pytest.param(pod(10), None, None, id="not started"),
        pytest.param(pod(10), "2026-01-02T03:04:00Z", 5.0, id="some left"),
        pytest.param(pod(3), "2026-01-02T03:04:00Z", -2.0, id="past it"),
        pytest.param(pod(3, deleted=True), "2026-01-02T03:04:00Z", None, id="being deleted anyway"),
    ],
)
def test_deadline(given: Object, started: str | None, left: float | None) -> None:
    assert deadline_left(given, {"startTime": started}, NOW) == left


class Stubborn(FakeRuntime):
    """Its containers do not stop."""

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> None:
        return


def lifecycle(
    runtime: FakeRuntime,
    statuses: StatusManager | None = None,
    last_seen: Callable[[str], PodSummary | None] = lambda _: None,
    probes: NoProbes | None = None,
) -> PodLifecycle:
    client = cast(Client, FakeClient())
    return PodLifecycle(
        Collaborators(
            client=client,
            runtime=runtime,
            volumes=FakeVolumes(),
            probes=probes or NoProbes(),
            statuses=statuses or StatusManager(client),
            recorder=Events(),
            host=lambda: HostFacts([]),
            network_error=lambda: "",
            now=lambda: datetime.datetime.now(datetime.UTC),
            allocations=Allocations(),
            last_seen=last_seen,
            meanwhile=Meanwhile(rest=0),
        )
    )


async def test_containers_that_do_not_stop_are_an_error_to_try_again() -> None:
    runtime = Stubborn()
    runtime.put(pod(), [container("a")])
    with pytest.raises(StillRunning, match="containers still running: a"):
        await lifecycle(runtime).terminate("u", pod(), PodState(Stage.TERMINATING))


async def test_the_log_folder_of_a_pod_that_never_ran_is_found_by_its_names() -> None:
    removed: list[PodRuntimeStatus] = []

    class Noting(FakeRuntime):
        async def remove_pod(self, status: PodRuntimeStatus) -> None:
            removed.append(status)

    await lifecycle(Noting()).finish("u", pod(), PodState(Stage.TERMINATED, wanted=False))
    assert [(s.namespace, s.name, s.uid) for s in removed] == [("d", "p", "u")]


async def test_a_sandbox_that_fails_is_tried_again_soon_and_then_less_often() -> None:
    class NoSandbox(FakeRuntime):
        async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
            return SyncResult(sandbox_failure="Failed to create pod sandbox: no", retry_after=10.0, changed=True)

    passes = lifecycle(NoSandbox())
    delays = [(await passes.sync(pod())).retry_after for _ in range(7)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


async def test_a_sidecar_that_runs_lets_the_next_container_start_at_once() -> None:
    class Starting(FakeRuntime):
        async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
            self.put(pod, [container("sidecar")])
            return SyncResult(changed=True)

    given = pod() | {"spec": {"initContainers": [{"name": "sidecar", "restartPolicy": "Always"}], "containers": []}}
    passes = lifecycle(Starting())
    assert (await passes.sync(given)).again
    assert not (await passes.sync(given)).again


async def test_a_container_found_running_is_not_told_as_such_before_its_post_start_hook_is_delivered() -> None:
    told: list[Object | None] = []

    class Redelivering(FakeRuntime):
        async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
            told.append(statuses.latest("u"))
            return SyncResult()

    runtime, hook = Redelivering(), {"postStart": {"sleep": {"seconds": 1}}}
    given = pod() | {"spec": {"containers": [{"name": "main", "image": "i", "lifecycle": hook}]}}
    runtime.put(given, [container("main")])
    statuses = StatusManager(cast(Client, FakeClient()))
    passes = lifecycle(runtime, statuses)
    await passes.sync(given)
    await passes.sync(given)
    assert [(status or {}).get("phase") for status in told] == [None, "Running"]


async def test_a_pod_that_was_there_before_us_is_adopted_once_before_its_end_is_told() -> None:
    runtime = FakeRuntime()
    given = pod() | {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "i"}]}}
    ends = {"terminated": {"exitCode": 1, "containerID": "containerd://before"}}
    given["status"] = {"ephemeralContainerStatuses": [{"name": "debug", "state": ends}]}
    undone = replace(container("a"), state=ContainerState.EXITED, exit_code=128)
    runtime.put(given, [undone])
    runtime.unfinished = {undone.id}
    passes = lifecycle(runtime)
    assert not (await passes.sync(given)).ended
    await passes.sync(given)
    assert runtime.told == [{"before"}]
    await passes.terminate("u", given, PodState(Stage.TERMINATING))
    assert runtime.resumed == [False]


async def test_there_is_nothing_to_adopt_of_a_new_pod() -> None:
    runtime = FakeRuntime()
    passes = lifecycle(runtime)
    passes.untouched("u")
    for _ in range(2):
        await passes.sync(pod() | {"spec": {"containers": [{"name": "a"}]}})
    assert runtime.told == []


async def test_an_end_that_an_earlier_kubelet_may_have_begun_is_resumed() -> None:
    runtime = FakeRuntime()
    runtime.put(pod(), [container("a")])
    passes = lifecycle(runtime)
    await passes.terminate("u", pod(), PodState(Stage.TERMINATING))
    assert runtime.resumed == [True]


class Listed:
    """What relists have shown."""

    def __init__(self, runtime: FakeRuntime) -> None:
        self.runtime = runtime
        self.pods: Mapping[str, PodSummary] = {}

    async def relist(self) -> None:
        self.pods = await self.runtime.list_pods()

    def last_seen(self, uid: str) -> PodSummary | None:
        return self.pods.get(uid)


async def test_a_settled_pod_that_a_relist_shows_as_it_was_is_not_asked_for() -> None:
    runtime = FakeRuntime()
    relists = Listed(runtime)
    passes = lifecycle(runtime, last_seen=relists.last_seen)
    given = pod() | {"spec": {"containers": [{"name": "a"}]}}
    await passes.sync(given)
    await relists.relist()
    assert passes.knows(relists.pods["u"])
    asked = runtime.did("status")
    for _ in range(2):
        await passes.sync(given, routine=True)
    assert (runtime.did("status"), runtime.did("sync")) == (asked, 3)


@pytest.mark.parametrize("case", ["something happened", "no relist", "an end that nobody told", "a pass that failed"])
async def test_otherwise_it_is_asked_for(case: str) -> None:
    runtime = FakeRuntime()
    relists = Listed(runtime)
    passes = lifecycle(runtime, last_seen=relists.last_seen)
    given = pod() | {"spec": {"containers": [{"name": "a"}]}}
    await passes.sync(given)
    await relists.relist()
    if case == "no relist":
        relists.pods = {}
    elif case == "an end that nobody told":
        runtime.exit("u", 1, tell=False)
        await relists.relist()
        assert not passes.knows(relists.pods["u"])
    elif case == "a pass that failed":
        runtime.failures = {"a": WaitingError("R", "no")}
        await passes.sync(given)
        assert not passes.knows(relists.pods["u"])
    asked = runtime.did("status")
    await passes.sync(given, routine=case != "something happened")
    assert runtime.did("status") > asked


async def test_a_pod_that_is_ended_is_known_no_more() -> None:
    runtime = FakeRuntime()
    relists = Listed(runtime)
    passes = lifecycle(runtime)
    await passes.sync(pod() | {"spec": {"containers": [{"name": "a"}]}})
    await relists.relist()
    await passes.terminate("u", None, PodState(Stage.TERMINATING, wanted=False))
    assert not passes.knows(relists.pods["u"])


class Probed(NoProbes):
    """What the readiness probe of every container says."""

    ready = True

    def is_ready(self, uid: str, container: str, container_id: str) -> bool | None:
        return self.ready


class Slow(FakeRuntime):
    """Passes and ends take as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work = asyncio.Event()
        self.go_on = asyncio.Event()

    async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
        self.at_work.set()
        await self.go_on.wait()
        return await super().sync_pod(pod, status, volumes)

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> None:
        self.at_work.set()
        await self.go_on.wait()
        await super().kill_pod(pod, status, grace, resumed=resumed)


def told(statuses: StatusManager) -> dict[str, bool]:
    return {c["name"]: c["ready"] for c in statuses.latest("u").get("containerStatuses") or ()}


async def test_what_happens_while_a_pod_ends_is_told_before_its_end() -> None:
    runtime, probes, statuses = Slow(), Probed(), StatusManager(cast(Client, FakeClient()))
    given = pod(deleted=True) | {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    given["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    runtime.put(given, [container("a"), container("b")])
    passes = lifecycle(runtime, statuses, probes=probes)
    ending = asyncio.create_task(passes.terminate("u", given, PodState(Stage.TERMINATING)))
    await runtime.at_work.wait()
    assert told(statuses) == {"a": True, "b": True}
    ended = replace(container("a"), state=ContainerState.EXITED, exit_code=0, finished_at=NOW)
    runtime.put(given, [ended, container("b")])
    passes.happened("u")
    await eventually(lambda: told(statuses) == {"a": False, "b": True})
    probes.ready = False
    passes.happened("u")
    await eventually(lambda: told(statuses) == {"a": False, "b": False})
    assert statuses.latest("u")["phase"] == "Running"
    runtime.go_on.set()
    await ending
    assert statuses.latest("u")["phase"] != "Running"


async def test_a_verdict_of_a_probe_does_not_wait_for_a_long_pass() -> None:
    runtime, probes, statuses = Slow(), Probed(), StatusManager(cast(Client, FakeClient()))
    given = pod() | {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    runtime.put(given, [container("a")])
    passes = lifecycle(runtime, statuses, probes=probes)
    under_way = asyncio.create_task(passes.sync(given))
    await runtime.at_work.wait()
    assert told(statuses) == {"a": True, "b": False}
    probes.ready = False
    passes.happened("u")
    await eventually(lambda: told(statuses) == {"a": False, "b": False})
    runtime.go_on.set()
    await under_way


async def test_what_may_still_owe_its_post_start_hook_is_not_told_meanwhile() -> None:
    runtime, statuses = Slow(), StatusManager(cast(Client, FakeClient()))
    hook = {"postStart": {"sleep": {"seconds": 1}}}
    given = pod() | {"spec": {"containers": [{"name": "main", "image": "i", "lifecycle": hook}]}}
    runtime.put(given, [container("main")])
    passes = lifecycle(runtime, statuses)
    under_way = asyncio.create_task(passes.sync(given))
    await runtime.at_work.wait()
    passes.happened("u")
    for _ in range(20):
        await asyncio.sleep(0)
    assert not statuses.latest("u")
    runtime.go_on.set()
    await under_way
    assert statuses.latest("u")["phase"] == "Running"
