"""Noticing what changed in the runtime."""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.waiting import eventually, running
from tests.kubelet.fake_runtime import FakeRuntime, container

from podwright.kubelet.pleg import TRUSTED, Pleg, changed, relist_after
from podwright.kubelet.runtime_state import ContainerState, ContainerSummary, PodSummary

RUNNING = PodSummary("u", "p", "d", [("sb", True)], [ContainerSummary("c", "a", ContainerState.RUNNING)])
ENDED = PodSummary("u", "p", "d", [("sb", True)], [ContainerSummary("c", "a", ContainerState.EXITED)])


@pytest.mark.parametrize(
    ("old", "new", "uids"),
    [
        pytest.param({}, {}, set(), id="nothing"),
        pytest.param({}, {"u": RUNNING}, {"u"}, id="a Pod came"),
        pytest.param({"u": RUNNING}, {}, {"u"}, id="a Pod went"),
        pytest.param({"u": RUNNING}, {"u": RUNNING}, set(), id="a Pod as it was"),
        pytest.param({"u": RUNNING}, {"u": ENDED}, {"u"}, id="a container ended"),
    ],
)
def test_changed(old: dict[str, PodSummary], new: dict[str, PodSummary], uids: set[str]) -> None:
    assert changed(old, new) == uids


@pytest.mark.parametrize(
    ("streaming", "quiet", "seconds"),
    [
        pytest.param(True, 0, 30.0, id="with events a relist is rare, whatever happens"),
        pytest.param(False, 0, 0.2, id="without events it is fast after something happened"),
        pytest.param(False, 5, 1.0, id="and slows down"),
        pytest.param(False, 3600, 2.0, id="to a limit"),
    ],
)
def test_relist_after(streaming: bool, quiet: float, seconds: float) -> None:
    assert relist_after(streaming=streaming, quiet=quiet) == seconds


def pod(uid: str) -> dict[str, dict[str, str]]:
    return {"metadata": {"uid": uid, "name": "p", "namespace": "d"}}


async def test_an_event_wakes_its_pod() -> None:
    runtime, woken = FakeRuntime(), []
    runtime.put(pod("u"), [container("a")])
    async with running(Pleg(runtime, woken.append, lambda _: None).run()):
        await eventually(lambda: woken == ["u"])
        runtime.exit("u", 1)
        await eventually(lambda: woken == ["u", "u"])


async def test_without_events_a_relist_finds_out() -> None:
    runtime, woken = FakeRuntime(), []
    runtime.streaming = False
    async with running(Pleg(runtime, woken.append, lambda _: None).run()):
        runtime.put(pod("v"), [container("a", uid="v")])
        await eventually(lambda: woken == ["v"])


async def test_each_relist_is_handed_on() -> None:
    runtime, seen = FakeRuntime(), []
    runtime.put(pod("u"), [container("a")])
    await Pleg(runtime, lambda _: None, seen.append).relist()
    assert [set(s) for s in seen] == [{"u"}]


async def test_what_is_known_already_wakes_nobody() -> None:
    runtime, woken, known = FakeRuntime(), [], {"u"}
    pleg = Pleg(runtime, woken.append, lambda _: None, lambda summary: summary.uid in known)
    for uid in "uv":
        runtime.put(pod(uid), [container("a", uid=uid)])
    await pleg.relist()
    assert woken == ["v"]
    runtime.pods.clear()
    await pleg.relist()
    assert sorted(woken[1:]) == ["u", "v"]


async def test_the_last_relist_counts_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = FakeRuntime()
    runtime.put(pod("u"), [container("a")])
    pleg = Pleg(runtime, lambda _: None, lambda _: None)
    assert pleg.last_seen("u") is None
    await pleg.relist()
    assert (pleg.last_seen("u"), pleg.last_seen("v")) == ((await runtime.list_pods())["u"], None)
    loop = asyncio.get_running_loop()
    later = loop.time() + TRUSTED
    monkeypatch.setattr(loop, "time", lambda: later)
    assert pleg.last_seen("u") is None
