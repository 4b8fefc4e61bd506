from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fakes.cri import START
from tests.fakes.waiting import eventually
from tests.kubelet.kuberuntime.pods import UID, container, pod
from tests.kubelet.kuberuntime.rig import Rig

from podwright.api.reasons import Waiting
from podwright.cri.errors import CriError
from podwright.kubelet.errors import ImageError, SandboxError, TerminalError
from podwright.kubelet.runtime_state import ContainerState

HOOKED = {"lifecycle": {"postStart": {"exec": {"command": ["a"]}}, "preStop": {"exec": {"command": ["b"]}}}}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_a_new_pod_runs_after_one_pass_and_no_call_too_many(rig: Rig) -> None:
    obj = pod(container("a"), container("b"))
    result = await rig.sync(obj)
    assert result.changed and not result.failures and result.retry_after is None
    assert rig.cri.calls[2:] == [
        ("RunPodSandbox", "web"),
        ("PodSandboxStatus", next(iter(rig.cri.sandboxes))),
        ("CreateContainer", "a"),
        ("StartContainer", "a"),
        ("CreateContainer", "b"),
        ("StartContainer", "b"),
    ]
    assert rig.events.written == [
        ("Normal", "Created", "Container created", "spec.containers{a}"),
        ("Normal", "Started", "Container started", "spec.containers{a}"),
        ("Normal", "Created", "Container created", "spec.containers{b}"),
        ("Normal", "Started", "Container started", "spec.containers{b}"),
    ]
    assert rig.environment.ips == [("10.0.0.2",), ("10.0.0.2",)]
    assert rig.cgroups.made == [UID]
    assert rig.cri.by_name("a").config.image.image == "id-of-a:1"
    assert not (await rig.sync(obj)).changed


async def test_images_are_looked_for_while_the_sandbox_is_made(rig: Rig) -> None:
    rig.cri.hold["RunPodSandbox"] = asyncio.Event()
    task = asyncio.create_task(rig.sync(pod(container("a"), container("b"))))
    await eventually(lambda: rig.images.wanted == ["a:1", "b:1"] and bool(rig.cri.called("RunPodSandbox")))
    rig.cri.hold.pop("RunPodSandbox").set()
    await task
    assert rig.images.wanted == ["a:1", "b:1"]


async def test_a_failed_sandbox_cancels_the_images_and_says_so(rig: Rig) -> None:
    rig.images.gate = asyncio.Event()
    rig.cri.fail_next("RunPodSandbox", CriError("Unknown", "no network"))
    result = await rig.sync(pod())
    text = "Failed to create pod sandbox: rpc error: code = Unknown desc = no network"
    assert (result.sandbox_failure, result.retry_after) == (text, 10)
    assert rig.events.written == [("Warning", "FailedCreatePodSandBox", text, "")]
    assert rig.images.cancelled == 1


async def test_a_class_that_is_gone_ends_the_pod(rig: Rig) -> None:
    rig.handlers.error = TerminalError("RuntimeClassNotFound", 'runtimeclass.node.k8s.io "x" not found')
    with pytest.raises(TerminalError):
        await rig.sync(pod())
    text = 'Failed to create pod sandbox: runtimeclass.node.k8s.io "x" not found'
    assert rig.events.written == [("Warning", "FailedCreatePodSandBox", text, "")]


async def test_a_handler_the_runtime_does_not_know_ends_the_pod(rig: Rig) -> None:
    rig.handlers.name = "kata"
    told = 'failed to get sandbox runtime: no runtime for "kata" is configured'
    rig.cri.fail_next("RunPodSandbox", CriError("Unknown", told))
    with pytest.raises(TerminalError) as caught:
        await rig.sync(pod())
    assert caught.value.message == f"rpc error: code = Unknown desc = {told}"
    text = f"Failed to create pod sandbox: {caught.value.message}"
    assert rig.events.written == [("Warning", "FailedCreatePodSandBox", text, "")]


async def test_an_api_out_of_reach_is_tried_again(rig: Rig) -> None:
    rig.handlers.error = SandboxError("cannot be looked up")
    result = await rig.sync(pod())
    assert result.sandbox_failure == "Failed to create pod sandbox: cannot be looked up"


async def test_a_container_that_fails_leaves_its_neighbours_alone(rig: Rig) -> None:
    rig.images.fail["a"] = ImageError(Waiting.IMAGE_PULL_BACK_OFF, "wait", 40)
    result = await rig.sync(pod(container("a"), container("b")))
    assert [(name, error.reason) for name, error in result.failures.items()] == [("a", "ImagePullBackOff")]
    assert result.retry_after == 40
    assert rig.cri.called("StartContainer") == [("StartContainer", "b")]


@pytest.mark.parametrize(
    ("method", "reason"), [("CreateContainer", "CreateContainerError"), ("StartContainer", "RunContainerError")]
)
async def test_what_the_runtime_refuses_is_told_without_ids(rig: Rig, method: str, reason: str) -> None:
    rig.cri.fail_next(method, CriError("Unknown", "failed to do app-1700000002"))
    result = await rig.sync(pod())
    text = "failed to do app" if method == "StartContainer" else "failed to do app-1700000002"
    assert (result.failures["app"].reason, result.failures["app"].message) == (reason, text)
    assert rig.events.written[-1] == ("Warning", "Failed", f"Error: {text}", "spec.containers{app}")
    assert result.retry_after == 10


async def test_an_environment_that_cannot_be_made(rig: Rig) -> None:
    rig.environment.fail = 'secret "x" not found'
    result = await rig.sync(pod())
    assert result.failures["app"].reason == "CreateContainerConfigError"
    assert rig.events.written == [("Warning", "Failed", 'Error: secret "x" not found', "spec.containers{app}")]


async def test_crash_loop(rig: Rig) -> None:
    obj = pod(container("a"))
    await rig.sync(obj)
    rig.cri.exit("a", 1, at=START + 100)
    rig.time = START + 100.5
    assert not (await rig.sync(obj)).failures
    rig.cri.exit("a", 1, at=START + 101)
    rig.time = START + 103
    result = await rig.sync(obj)
    error = result.failures["a"]
    assert (error.reason, error.message) == (
        "CrashLoopBackOff",
        f"back-off 10s restarting failed container=a pod=web_shop({UID})",
    )
    assert (error.retry_after, result.retry_after, result.changed) == (8, 8, False)
    assert rig.events.written[-1] == (
        "Warning",
        "BackOff",
        f"Back-off restarting failed container a in pod web_shop({UID})",
        "spec.containers{a}",
    )
    assert len(rig.cri.called("CreateContainer")) == 2
    rig.time = START + 111
    assert not (await rig.sync(obj)).failures
    assert rig.cri.by_name("a").config.metadata.attempt == 2
    assert rig.cri.by_name("a").config.log_path == "a/2.log"


async def test_a_changed_image_restarts_without_back_off(rig: Rig) -> None:
    await rig.sync(pod(container("a")))
    changed = pod({**container("a"), "image": "a:2"})
    await rig.sync(changed)
    assert rig.cri.by_name("a").config.image.image == "id-of-a:2"
    assert ("Normal", "Killing", "Container a definition changed, will be restarted", "spec.containers{a}") in (
        rig.events.written
    )


async def test_a_failed_liveness_probe_has_its_own_grace(rig: Rig) -> None:
    obj = pod(container("a", livenessProbe={"terminationGracePeriodSeconds": 7}), terminationGracePeriodSeconds=60)
    await rig.sync(obj)
    first = rig.cri.by_name("a")
    rig.probes.restart[first.id] = "liveness"
    await rig.sync(obj)
    assert first.stop_timeout == 7
    assert rig.cri.by_name("a").config.metadata.attempt == 1


@pytest.mark.parametrize("probe", ["liveness", "startup"])
async def test_a_failed_probe_runs_the_pre_stop_hook_before_the_signal(rig: Rig, probe: str) -> None:
    obj = pod(container("a", lifecycle={"preStop": HOOKED["lifecycle"]["preStop"]}), terminationGracePeriodSeconds=60)
    await rig.sync(obj)
    first = rig.cri.by_name("a")
    rig.probes.restart[first.id] = probe
    rig.hooks.pre_stop_takes = 20
    await rig.sync(obj)
    assert (rig.hooks.calls, first.stop_timeout) == ([("preStop", "a", 60)], 40)


async def test_a_lost_sandbox_is_made_again_with_everything_in_it(rig: Rig) -> None:
    obj = pod(container("a"), init=[container("i")])
    await rig.sync(obj)
    rig.cri.exit("i", 0)
    await rig.sync(obj)
    next(iter(rig.cri.sandboxes.values())).ready = False
    await rig.sync(obj)
    assert "Pod sandbox changed, it will be killed and re-created." in [m for _, _, m, _ in rig.events.written]
    assert [b.config.metadata.attempt for b in rig.cri.sandboxes.values()] == [0, 1]
    assert rig.cri.by_name("i").config.metadata.attempt == 1


async def test_post_start_holds_back_the_next_container(rig: Rig) -> None:
    await rig.sync(pod(container("a", **HOOKED), container("b")))
    assert rig.hooks.calls == [("postStart", "a", 0)]
    rig.hooks.fail_post_start = "it went wrong"
    rig.cri.exit("a", 1)
    result = await rig.sync(pod(container("a", **HOOKED), container("b")))
    assert (result.failures["a"].reason, result.failures["a"].message) == ("PostStartHookError", "it went wrong")
    assert rig.events.written[-1] == ("Normal", "Killing", "FailedPostStartHook", "spec.containers{a}")
    assert rig.hooks.calls[1:] == [("postStart", "a", 0), ("preStop", "a", 2)]


async def test_a_hook_cut_short_by_our_end_is_delivered_again(rig: Rig) -> None:
    obj = pod(container("a", **HOOKED))
    await rig.sync(obj)
    rig.runtime = rig.fresh()
    rig.hooks.due = {"a"}
    rig.hooks.calls.clear()
    assert not (await rig.sync(obj)).failures
    await rig.sync(obj)
    assert rig.hooks.calls == [("due", "a", 0), ("postStart", "a", 0)]


async def test_a_container_created_but_never_started_is_replaced_with_the_same_number(rig: Rig) -> None:
    rig.cri.fail_next("StartContainer", CriError("Unknown", "gone"))
    obj = pod(container("a"))
    await rig.sync(obj)
    created = rig.cri.by_name("a")
    await rig.sync(obj)
    assert created.id not in rig.cri.containers
    assert rig.cri.by_name("a").config.metadata.attempt == 0


async def test_a_runtime_that_lost_its_containers_goes_on_counting(rig: Rig) -> None:
    obj = pod(container("a"))
    logs = rig.paths.pod_log_directory(obj) / "a"
    logs.mkdir(parents=True)
    for name in ("0.log", "2.log.20260101", "note.txt"):
        (logs / name).touch()
    await rig.sync(obj)
    assert rig.cri.by_name("a").config.metadata.attempt == 3


async def test_files_of_a_container(rig: Rig) -> None:
    obj = pod(container("a", terminationMessagePath="/dev/termination-log"))
    await rig.sync(obj)
    made = rig.cri.by_name("a")
    mount = made.config.mounts[0]
    assert mount.container_path == "/dev/termination-log"
    assert Path(mount.host_path).stat().st_mode & 0o777 == 0o666
    link = rig.paths.log_link(obj, "a", made.id)
    assert link.readlink() == rig.paths.pod_log_directory(obj) / "a" / "0.log"
    Path(mount.host_path).write_text("x" * 5000 + "bye")
    rig.cri.exit("a", 1)
    newest = (await rig.status()).newest("a")
    assert newest is not None
    assert (len(newest.message), newest.message[-3:]) == (4096, "bye")


async def test_an_ephemeral_container_sees_its_target(rig: Rig) -> None:
    obj = pod(container("a"))
    await rig.sync(obj)
    debugged = pod(container("a"), ephemeralContainers=[container("dbg", targetContainerName="a")])
    await rig.sync(debugged)
    options = rig.cri.by_name("dbg").config.linux.security_context.namespace_options
    assert options.target_id == rig.cri.by_name("a").id


async def test_run_as_non_root_asks_the_image(rig: Rig) -> None:
    result = await rig.sync(pod(securityContext={"runAsNonRoot": True}))
    where = f'(pod: "web_shop({UID})", container: app)'
    assert result.failures["app"].message == f"container has runAsNonRoot and image will run as root {where}"
    assert rig.image_service.calls == ["id-of-app:1"]


async def test_a_finished_pod_loses_its_sandbox_and_then_nothing_more_happens(rig: Rig) -> None:
    obj = pod(container("a"), restartPolicy="Never")
    await rig.sync(obj)
    rig.cri.exit("a", 0)
    assert (await rig.sync(obj)).changed
    assert not next(iter(rig.cri.sandboxes.values())).ready
    calls = len(rig.cri.calls)
    assert not (await rig.sync(obj)).changed
    assert {name for name, _ in rig.cri.calls[calls:]} <= {"ListPodSandbox", "ListContainers", "PodSandboxStatus"}


async def test_cancelled_in_the_middle_nothing_is_left_running_here(rig: Rig) -> None:
    rig.images.gate = asyncio.Event()
    task = asyncio.create_task(rig.sync(pod()))
    await eventually(lambda: bool(rig.cri.called("PodSandboxStatus")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.images.cancelled == 1
    assert len(asyncio.all_tasks()) == 1


async def test_a_settled_pod_costs_two_calls(rig: Rig) -> None:
    await rig.sync(pod(container("a"), container("b")))
    await rig.status()
    rig.cri.calls.clear()
    status = await rig.status()
    assert sorted(name for name, _ in rig.cri.calls) == ["ListContainers", "ListPodSandbox"]
    assert {c.name: c.state for c in status.containers} == {"a": ContainerState.RUNNING, "b": ContainerState.RUNNING}
    assert status.ips == ("10.0.0.2",)


async def test_a_container_that_cannot_be_killed_is_not_started_twice(rig: Rig) -> None:
    await rig.sync(pod(container("a")))
    rig.cri.fail_next("StopContainer", CriError("Unknown", "stuck"))
    result = await rig.sync(pod({**container("a"), "image": "a:2"}))
    assert (result.retry_after, result.changed) == (10, True)
    text = "error killing container: rpc error: code = Unknown desc = stuck"
    assert rig.events.written[-1] == ("Warning", "FailedSync", text, "")
    assert len(rig.cri.called("CreateContainer")) == 1


async def test_a_start_under_way_is_not_broken_off(rig: Rig) -> None:
    # containerd would undo it, and call it a container that failed to start.
    rig.cri.hold["StartContainer"] = asyncio.Event()
    task = asyncio.create_task(rig.sync(pod(container("a"))))
    await eventually(lambda: rig.cri.called("StartContainer"))
    task.cancel()
    await asyncio.sleep(0)
    rig.cri.hold.pop("StartContainer").set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.cri.by_name("a").started
    assert "Started" not in rig.events.reasons()
