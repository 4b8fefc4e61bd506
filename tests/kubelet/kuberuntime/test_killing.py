from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fakes.waiting import eventually
from tests.kubelet.kuberuntime.pods import UID, container, pod
from tests.kubelet.kuberuntime.rig import Rescue, Rig

from podwright.cri.errors import CriError
from podwright.kubelet.kuberuntime import killing

PRE_STOP = {"lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}}
SIDECARS = [container("s1", restartPolicy="Always"), container("s2", restartPolicy="Always")]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_hook_then_signal_with_what_is_left(rig: Rig) -> None:
    obj = pod(container("a", **PRE_STOP), container("b"), terminationGracePeriodSeconds=60)
    await rig.sync(obj)
    rig.hooks.pre_stop_takes = 55.4
    await rig.runtime.kill_pod(obj, await rig.status(), None)
    assert rig.hooks.calls == [("preStop", "a", 60)]
    assert (rig.cri.by_name("a").stop_timeout, rig.cri.by_name("b").stop_timeout) == (5, 60)
    assert sorted(e for e in rig.events.written if e[1] == "Killing") == [
        ("Normal", "Killing", "Stopping container a", "spec.containers{a}"),
        ("Normal", "Killing", "Stopping container b", "spec.containers{b}"),
    ]
    assert rig.cri.called("StopPodSandbox")
    assert not next(iter(rig.cri.sandboxes.values())).ready


async def test_without_grace_there_is_no_hook(rig: Rig) -> None:
    obj = pod(container("a", **PRE_STOP))
    await rig.sync(obj)
    await rig.runtime.kill_pod(obj, await rig.status(), 0)
    assert (rig.hooks.calls, rig.cri.by_name("a").stop_timeout) == ([], 2)


async def test_a_container_that_ended_by_itself_gets_no_hook(rig: Rig) -> None:
    obj = pod(container("a", **PRE_STOP))
    await rig.sync(obj)
    rig.cri.exit("a", 0)
    await rig.runtime.kill_pod(obj, await rig.status(), 30)
    assert rig.hooks.calls == [] and not rig.cri.called("StopContainer")


async def test_containers_end_side_by_side(rig: Rig) -> None:
    obj = pod(container("a"), container("b"))
    await rig.sync(obj)
    rig.cri.hold["StopContainer"] = asyncio.Event()
    killing = asyncio.create_task(rig.runtime.kill_pod(obj, await rig.status(), 30))
    await eventually(lambda: len(rig.cri.called("StopContainer")) == 2)
    rig.cri.hold["StopContainer"].set()
    await killing
    assert set(rig.cgroups.ended_by_us) == {rig.cri.by_name(name).id for name in "ab"}


async def test_sidecars_wait_for_the_app_and_end_in_reverse_order(rig: Rig) -> None:
    obj = pod(container("a"), init=SIDECARS)
    await rig.sync(obj)
    await rig.sync(obj)
    await rig.sync(obj)
    await rig.runtime.kill_pod(obj, await rig.status(), 30)
    assert [name for _, name in rig.cri.called("StopContainer")] == ["a", "s2", "s1"]


async def test_a_pod_that_only_the_runtime_knows_still_gets_its_hook_and_grace(rig: Rig) -> None:
    obj = pod(container("a", **PRE_STOP, ports=[{"containerPort": 80}]), terminationGracePeriodSeconds=40)
    await rig.sync(obj)
    await rig.runtime.kill_pod(None, await rig.status(), None)
    assert rig.hooks.calls == [("preStop", "a", 40)]
    assert rig.cri.by_name("a").stop_timeout == 40


async def test_what_cannot_be_stopped_does_not_keep_the_rest_alive(rig: Rig) -> None:
    obj = pod(container("a"), container("b"))
    await rig.sync(obj)
    rig.cri.fail_next("StopContainer", CriError("Unknown", "stuck"))
    with pytest.raises(CriError):
        await rig.runtime.kill_pod(obj, await rig.status(), 30)
    assert len(rig.cri.called("StopContainer")) == 2
    assert rig.events.written[-1] == (
        "Warning",
        "FailedKillPod",
        "error killing pod: rpc error: code = Unknown desc = stuck",
        "",
    )


async def test_a_container_that_is_gone_meanwhile_is_no_error(rig: Rig) -> None:
    obj = pod(container("a"), init=SIDECARS[:1])
    await rig.sync(obj)
    await rig.sync(obj)
    status = await rig.status()
    await rig.cri.remove_container(rig.cri.by_name("a").id)
    await rig.runtime.kill_pod(obj, status, 30)
    assert [name for _, name in rig.cri.called("StopContainer")] == ["s1"]


@pytest.mark.parametrize(
    ("helps", "given", "killed"),
    [
        pytest.param("free", ["free"], False, id="it waited for a caller that is gone"),
        pytest.param("kill", ["free", "kill"], True, id="nothing but the end of its keeper helps"),
    ],
)
async def test_a_runtime_that_does_not_answer_is_helped_the_gentlest_help_first(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, helps: str, given: list[str], killed: bool
) -> None:
    monkeypatch.setattr(killing, "OVERDUE", 0.3)
    monkeypatch.setattr(killing, "KILLED", 0.02)
    monkeypatch.setattr(killing, "stop_timeout", lambda grace: 0)
    rig.rescue = Rescue(rig.cri, helps)
    rig.runtime = rig.fresh()
    obj = pod(container("a"))
    await rig.sync(obj)
    rig.cri.hold["StopContainer"] = asyncio.Event()
    await rig.runtime.kill_pod(obj, await rig.status(), 1)
    assert rig.rescue.given == given
    assert rig.cgroups.killed == ([(UID, rig.cri.by_name("a").id)] if killed else [])


async def test_a_runtime_that_answers_needs_no_help(rig: Rig) -> None:
    rig.rescue = Rescue(rig.cri)
    rig.runtime = rig.fresh()
    obj = pod(container("a"))
    await rig.sync(obj)
    await rig.runtime.kill_pod(obj, await rig.status(), 1)
    assert rig.rescue.given == []


@pytest.mark.parametrize(("resumed", "reminded"), [(True, 1), (False, 0)], ids=["found ending", "ended by us"])
async def test_who_was_perhaps_asked_before_is_asked_once_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, resumed: bool, reminded: int
) -> None:
    asked: list[str] = []

    async def repeat(_runtime: object, _images: object, container_id: str) -> None:
        asked.append(container_id)
        rig.cri.hold["StopContainer"].set()
        raise CriError("Unknown", "the runtime tells nothing of its process")

    monkeypatch.setattr(killing, "UNHEARD", 0.01)
    monkeypatch.setattr(killing.stop_signal, "repeat", repeat)
    obj = pod(container("a"))
    await rig.sync(obj)
    rig.cri.hold["StopContainer"] = asyncio.Event()
    if not resumed:  # else it ends when it is reminded
        asyncio.get_running_loop().call_later(0.1, rig.cri.hold["StopContainer"].set)
    await rig.runtime.kill_pod(obj, await rig.status(), 30, resumed=resumed)
    assert len(asked) == reminded


@pytest.mark.parametrize(("barely", "reminded"), [(60.0, 1), (0.0, 0)], ids=["at once", "after a while"])
async def test_who_was_being_asked_when_the_grace_was_shortened_is_asked_once_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, barely: float, reminded: int
) -> None:
    asked: list[str] = []

    async def repeat(_runtime: object, _images: object, container_id: str) -> None:
        asked.append(container_id)
        rig.cri.hold["StopContainer"].set()

    monkeypatch.setattr(killing, "UNHEARD", 0.01)
    monkeypatch.setattr(killing, "BARELY_ASKED", barely)
    monkeypatch.setattr(killing.stop_signal, "repeat", repeat)
    obj = pod(container("a"))
    await rig.sync(obj)
    rig.cri.hold["StopContainer"] = asyncio.Event()
    first = asyncio.create_task(rig.runtime.kill_pod(obj, await rig.status(), 30))
    await eventually(lambda: rig.cri.called("StopContainer"))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    if not reminded:
        asyncio.get_running_loop().call_later(0.1, rig.cri.hold["StopContainer"].set)
    await rig.runtime.kill_pod(obj, await rig.status(), 20)
    assert len(asked) == reminded


async def test_who_ends_at_once_is_not_asked_again(rig: Rig) -> None:
    obj = pod(container("a"))
    await rig.sync(obj)
    await rig.runtime.kill_pod(obj, await rig.status(), 30, resumed=True)
    assert rig.image_service.calls == []
