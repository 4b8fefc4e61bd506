from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from tests.kubelet.kuberuntime.pods import UID, container, pod
from tests.kubelet.kuberuntime.rig import Cgroups, Rig

from podwright.cri.client import RuntimeClient
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.interfaces import MountedVolumes
from podwright.kubelet.kuberuntime.observe import Observer, container_status, sandbox_status
from podwright.kubelet.runtime_state import ContainerState, ContainerSummary, PodSummary


def test_a_container_from_its_cri_status() -> None:
    second = 1_000_000_000
    found = container_status(
        pb.ContainerStatus(
            id="c1",
            metadata=pb.ContainerMetadata(name="web", attempt=4),
            state=pb.ContainerState.CONTAINER_EXITED,
            created_at=1_700_000_000 * second + 123_456_789,
            started_at=0,
            finished_at=1_700_000_009 * second,
            exit_code=137,
            reason="OOMKilled",
            message="out of memory",
            image=pb.ImageSpec(image="docker.io/library/web:1"),
            image_ref="web@sha256:1",
            annotations={"podwright.dev/image": "web:1", "io.kubernetes.container.hash": "abc"},
            log_path="/logs/web/4.log",
        ),
        "box",
    )
    assert (found.id, found.name, found.attempt, found.state) == ("c1", "web", 4, ContainerState.EXITED)
    assert found.created_at == datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, datetime.UTC)
    assert (found.started_at, found.exit_code, found.reason, found.message) == (None, 137, "OOMKilled", "out of memory")
    assert (found.image, found.image_ref, found.hash) == ("web:1", "web@sha256:1", "abc")
    assert (found.log_path, found.sandbox_id) == ("/logs/web/4.log", "box")


def test_a_process_that_had_ended_before_its_start_was_noted_began_no_later_than_it_ended() -> None:
    state = pb.ContainerState.CONTAINER_EXITED
    found = container_status(pb.ContainerStatus(id="a", state=state, started_at=2_000, finished_at=1_000), "box")
    assert found.started_at == found.finished_at
    running = container_status(pb.ContainerStatus(id="a", state=state, started_at=2_000), "box")
    assert (running.started_at is not None, running.finished_at) == (True, None)


@pytest.mark.parametrize(
    ("mode", "ips"),
    [
        pytest.param(pb.NamespaceMode.POD, ("10.0.0.2", "fd00::2"), id="addresses of both families"),
        pytest.param(pb.NamespaceMode.NODE, (), id="none of its own on the host network"),
    ],
)
def test_a_sandbox_from_its_cri_status(mode: pb.NamespaceMode, ips: tuple[str, ...]) -> None:
    found = sandbox_status(
        pb.PodSandboxStatus(
            id="box",
            metadata=pb.PodSandboxMetadata(attempt=2),
            network=pb.PodSandboxNetworkStatus(ip="10.0.0.2", additional_ips=[pb.PodIP(ip="fd00::2")]),
            linux=pb.LinuxPodSandboxStatus(namespaces=pb.Namespace(options=pb.NamespaceOption(network=mode))),
            runtime_handler="crun",
        )
    )
    assert (found.ips, found.host_network) == (ips, mode == pb.NamespaceMode.NODE)
    assert (found.ready, found.attempt, found.runtime_handler) == (True, 2, "crun")


async def test_a_list_is_two_calls_and_forgets_what_is_gone(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.sync(pod(container("b"), container("a")))
    observer = Observer(cast(RuntimeClient, rig.cri), rig.cgroups)
    rig.cri.calls.clear()
    box = next(iter(rig.cri.sandboxes))
    ids = {name: rig.cri.by_name(name).id for name in "ab"}
    containers = tuple(ContainerSummary(ids[name], name, ContainerState.RUNNING) for name in "ab")
    assert await observer.list_pods() == {UID: PodSummary(UID, "web", "shop", ((box, True),), containers)}
    assert len(rig.cri.calls) == 2
    assert (observer.owner(box), observer.owner(ids["a"])) == (UID, UID)
    await rig.cri.remove_pod_sandbox(box)
    assert await observer.list_pods() == {}
    assert observer.owner(box) is None


async def test_newest_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    obj = pod(container("a"))
    for _ in range(3):
        await rig.sync(obj)
        rig.cri.exit("a", 1)
        rig.time += 1000
    assert [c.attempt for c in (await rig.status()).containers] == [2, 1, 0]


async def test_a_dead_sandbox_has_no_addresses_and_is_not_asked_for_them(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.sync(pod())
    next(iter(rig.cri.sandboxes.values())).ready = False
    rig.cri.calls.clear()
    fresh = Observer(cast(RuntimeClient, rig.cri), rig.cgroups)
    assert (await fresh.pod_status(UID)).ips == ()
    assert not rig.cri.called("PodSandboxStatus")
    assert (await rig.status()).ips == ()


async def test_a_container_that_goes_while_we_look(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.sync(pod(container("a"), container("b")))
    gone = rig.cri.by_name("a").id
    listed = rig.cri.container_status

    async def removed_meanwhile(container_id: str, *, verbose: bool = False) -> pb.ContainerStatusResponse:
        rig.cri.containers.pop(gone, None)
        return await listed(container_id, verbose=verbose)

    rig.cri.container_status = removed_meanwhile  # type: ignore[method-assign]
    assert [c.name for c in (await rig.status()).containers] == ["b"]


async def test_a_runtime_that_fails_says_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.cri.fail_next("ListContainers", CriError("Unavailable", "gone"))
    with pytest.raises(CriError):
        await rig.runtime.sync_pod(pod(), await rig.status(), MountedVolumes())


async def test_after_its_first_pass_a_pod_is_known_without_lists(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    before = await rig.status()
    await rig.runtime.sync_pod(pod(container("a"), container("b")), before, MountedVolumes())
    rig.cri.exit("b", 3)
    rig.cri.calls.clear()
    first = await rig.runtime.first_status(replace(before, name="web", namespace="default"))
    assert [call for call, _ in rig.cri.calls] == ["ContainerStatus"] * 2
    assert first == replace(await rig.status(), name="web", namespace="default")
    assert [(c.name, c.state) for c in first.containers if c.name == "b"] == [("b", ContainerState.EXITED)]


@pytest.mark.parametrize(
    ("exit_code", "said", "ran_out", "told"),
    [
        pytest.param(137, "Error", True, "OOMKilled", id="the runtime does not know"),
        pytest.param(137, "Error", False, "Error", id="killed by somebody"),
        pytest.param(137, "OOMKilled", False, "OOMKilled", id="only the runtime knows"),
        pytest.param(1, "Error", True, "Error", id="it ended by itself, with memory short before"),
    ],
)
async def test_that_memory_was_the_reason_is_told(
    tmp_path: Path, exit_code: int, said: str, ran_out: bool, told: str
) -> None:
    rig = Rig(tmp_path)
    await rig.sync(pod(container("a")))
    ended = rig.cri.by_name("a")
    rig.cri.exit("a", exit_code)
    ended.reason = said
    rig.cgroups.ran_out = {ended.id} if ran_out else set()
    assert [c.reason for c in (await rig.status()).containers] == [told]


async def test_a_container_is_watched_before_it_starts_and_until_it_is_removed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    started, watched = rig.cri.start_container, list[str]()

    async def start_container(container_id: str) -> pb.StartContainerResponse:
        watched.extend(rig.cgroups.watched)
        return await started(container_id)

    rig.cri.start_container = start_container  # type: ignore[method-assign]
    await rig.sync(pod(container("a")))
    assert watched == [rig.cri.by_name("a").id]
    await rig.runtime.remove_pod(await rig.status())
    assert rig.cgroups.watched == []


async def test_a_container_that_ran_before_us_is_watched_too(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.sync(pod(container("a")))
    fresh = Cgroups()
    await Observer(cast(RuntimeClient, rig.cri), fresh).pod_status(UID)
    assert fresh.watched == [rig.cri.by_name("a").id]


async def test_a_container_runs_without_the_watch_where_there_can_be_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path)
    rig.cgroups.fail_watch = "too many open files"
    await rig.sync(pod(container("a")))
    rig.cri.exit("a", 137)
    rig.cri.by_name("a").reason = "Error"
    assert [c.reason for c in (await rig.status()).containers] == ["Error"]
    assert "cannot be watched: too many open files" in caplog.text
    assert "cannot be told: too many open files" in caplog.text
