"""One worker a Pod: the latest update wins, an ending interrupts, what is due later comes later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.fakes.waiting import running

from podwright.cri.errors import CriError
from podwright.kubelet.pod_state import Doomed, Orphaned, PodState, Removed, Seen, Stage
from podwright.kubelet.pod_workers import Outcome, PodWorkers
from podwright.kubelet.status.generate import Verdict

Object = dict[str, Any]


def pod(uid: str = "u", *, grace: int | None = None, static: bool = False, **labels: str) -> Object:
    meta: Object = {"name": "p", "namespace": "d", "uid": uid, "labels": labels}
    if static:
        meta["annotations"] = {"kubernetes.io/config.source": "file"}
    if grace is not None:
        meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace}
    return {"metadata": meta, "spec": {}, "status": {}}


class Recorded:
    """Handlers that write down what they are asked to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.routine: list[bool] = []
        self.outcomes: list[Outcome | Exception] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Event()

    async def _note(self, what: str, uid: str, detail: Any) -> None:
        self.calls.append((what, uid, detail))
        self.changed.set()
        if what in self.gates:
            await self.gates[what].wait()

    async def sync(self, pod: Object, *, routine: bool = False) -> Outcome:
        self.routine.append(routine)
        await self._note("sync", pod["metadata"]["uid"], pod["metadata"]["labels"])
        answer = self.outcomes.pop(0) if self.outcomes else Outcome()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def terminate(self, uid: str, pod: Object | None, state: PodState) -> None:
        await self._note("terminate", uid, state.grace)

    async def finish(self, uid: str, pod: Object | None, state: PodState) -> None:
        await self._note("finish", uid, state.remove)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def did(self, what: str) -> int:
        return sum(call[0] == what for call in self.calls)


@pytest.fixture
def done() -> Recorded:
    return Recorded()


@pytest.fixture
async def workers(done: Recorded) -> AsyncIterator[PodWorkers]:
    workers = PodWorkers(done, resync=60, chance=lambda: 0.0)
    task = asyncio.create_task(workers.run())
    await asyncio.sleep(0)
    yield workers
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_pod_is_synced_once_and_then_left_alone(done: Recorded, workers: PodWorkers) -> None:
    workers.tell("u", Seen(pod()))
    await settled()
    assert done.calls == [("sync", "u", {})]


async def test_the_latest_of_many_updates_wins(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    for n in range(5):
        workers.tell("u", Seen(pod(n=str(n))))
    done.gates["sync"].set()
    await settled()
    assert [labels for _, _, labels in done.calls] == [{}, {"n": "4"}]


async def test_a_deletion_breaks_off_a_pass_and_goes_through_to_the_end(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    workers.tell("u", Seen(pod(grace=30)))
    await settled()
    assert done.calls[1:] == [("terminate", "u", 30), ("finish", "u", True)]
    workers.tell("u", Removed(pod(grace=30)))
    assert workers.state_of("u") is None


async def test_less_grace_breaks_off_a_termination(done: Recorded, workers: PodWorkers) -> None:
    done.gates["terminate"] = asyncio.Event()
    workers.tell("u", Seen(pod(grace=30)))
    await done.until(lambda: done.did("terminate") == 1)
    workers.tell("u", Seen(pod(grace=2)))
    await done.until(lambda: done.did("terminate") == 2)
    done.gates["terminate"].set()
    await settled()
    assert [grace for what, _, grace in done.calls if what == "terminate"] == [30, 2]
    assert done.did("finish") == 1


async def test_other_pods_do_not_wait(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    workers.tell("u", Seen(pod("u")))
    workers.tell("v", Seen(pod("v")))
    await done.until(lambda: done.did("sync") == 2)


async def test_containers_that_have_ended_lead_to_the_end_without_removal(done: Recorded, workers: PodWorkers) -> None:
    done.outcomes = [Outcome(ended=True)]
    workers.tell("u", Seen(pod()))
    await settled()
    assert done.calls[1:] == [("terminate", "u", None), ("finish", "u", False)]
    assert workers.state_of("u") == PodState(Stage.FINISHED)


async def test_a_verdict_of_a_pass_ends_the_pod(done: Recorded, workers: PodWorkers) -> None:
    done.outcomes = [Outcome(verdict=Verdict("DeadlineExceeded", "late"))]
    workers.tell("u", Seen(pod()))
    await settled()
    state = workers.state_of("u")
    assert state is not None
    assert state.verdict == Verdict("DeadlineExceeded", "late")
    assert done.did("finish") == 1


async def test_an_eviction_from_outside_breaks_off_a_pass(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    workers.tell("u", Doomed(Verdict("Evicted", "full"), grace=3))
    await settled()
    assert ("terminate", "u", 3) in done.calls


async def test_an_orphan_is_ended_and_forgotten(done: Recorded, workers: PodWorkers) -> None:
    workers.tell("u", Orphaned())
    await settled()
    assert done.calls == [("terminate", "u", None), ("finish", "u", True)]
    assert workers.uids() == frozenset()


async def test_retry_after_is_honoured(done: Recorded, workers: PodWorkers) -> None:
    done.outcomes = [Outcome(retry_after=0.01)]
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 2)


async def test_a_wake_up_does_not_wait_for_the_timer(done: Recorded, workers: PodWorkers) -> None:
    done.outcomes = [Outcome(retry_after=3600)]
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    await settled()
    assert workers.wake("u")
    await done.until(lambda: done.did("sync") == 2)


async def test_a_wake_up_that_the_pass_has_seen_is_served(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    done.outcomes = [Outcome(seen_at=asyncio.get_running_loop().time() + 3600)]
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    workers.wake("u")
    done.gates["sync"].set()
    await settled()
    assert done.did("sync") == 1


async def test_a_wake_up_after_the_pass_looked_means_another_pass(done: Recorded, workers: PodWorkers) -> None:
    done.gates["sync"] = asyncio.Event()
    done.outcomes = [Outcome(seen_at=asyncio.get_running_loop().time() - 1)]
    workers.tell("u", Seen(pod()))
    await done.until(lambda: done.did("sync") == 1)
    workers.wake("u")
    done.gates["sync"].set()
    await settled()
    assert done.did("sync") == 2


async def test_a_pass_may_ask_for_another_at_once(done: Recorded, workers: PodWorkers) -> None:
    done.outcomes = [Outcome(again=True)]
    workers.tell("u", Seen(pod()))
    await settled()
    assert done.did("sync") == 2


@pytest.mark.parametrize(
    ("first", "routine"),
    [
        pytest.param(Outcome(), True, id="after a pass that left nothing to do"),
        pytest.param(Outcome(retry_after=0.01), False, id="not when something was left"),
        pytest.param(Outcome(again=True), False, id="not when the pass itself has changed something"),
        pytest.param(CriError("Unavailable", "gone"), False, id="not after a pass that failed"),
    ],
)
async def test_a_pass_that_time_alone_asks_for_is_routine(
    done: Recorded, first: Outcome | Exception, routine: bool
) -> None:
    done.outcomes = [first]
    workers = PodWorkers(done, resync=0.01, chance=lambda: 0.0)
    async with running(workers.run()):
        workers.tell("u", Seen(pod()))
        await done.until(lambda: done.did("sync") >= 3)
    assert done.routine[:3] == [False, routine, True]


async def test_what_is_told_or_happens_is_no_routine(done: Recorded, workers: PodWorkers) -> None:
    workers.tell("u", Seen(pod()))
    await settled()
    workers.tell("u", Seen(pod(n="1")))
    await settled()
    workers.wake("u")
    await settled()
    assert done.routine == [False, False, False]


async def test_what_happens_during_a_pass_makes_the_next_one_no_routine(done: Recorded) -> None:
    done.gates["sync"] = asyncio.Event()
    workers = PodWorkers(done, resync=0.01, chance=lambda: 0.0)
    async with running(workers.run()):
        workers.tell("u", Seen(pod()))
        await done.until(lambda: done.did("sync") == 1)
        workers.tell("u", Seen(pod(n="1")))
        done.gates["sync"].set()
        await done.until(lambda: done.did("sync") >= 3)
    assert done.routine[:3] == [False, False, True]


async def test_a_wake_up_of_an_unknown_pod_says_so(workers: PodWorkers) -> None:
    assert not workers.wake("nobody")


async def test_a_fault_in_one_pod_leaves_the_others_alone(
    done: Recorded, workers: PodWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    done.outcomes = [RuntimeError("broken")]
    workers.tell("u", Seen(pod("u")))
    await done.until(lambda: done.did("sync") == 1)
    await settled()
    workers.tell("v", Seen(pod("v")))
    await done.until(lambda: done.did("sync") == 2)
    assert "syncing pod d/p failed, again in 1.0 s" in caplog.text


async def test_a_static_pod_waits_for_the_old_one_of_its_name(done: Recorded, workers: PodWorkers) -> None:
    done.gates["terminate"] = asyncio.Event()
    workers.tell("old", Seen(pod("old", static=True)))
    await settled()
    workers.tell("old", Removed(pod("old", static=True)))
    workers.tell("new", Seen(pod("new", static=True)))
    await settled()
    assert ("sync", "new", {}) not in done.calls
    done.gates["terminate"].set()
    await done.until(lambda: ("sync", "new", {}) in done.calls)
    assert ("finish", "old", True) in done.calls


async def test_what_came_before_the_start_is_done_at_the_start(done: Recorded) -> None:
    workers = PodWorkers(done, resync=60)
    workers.tell("u", Seen(pod()))
    task = asyncio.create_task(workers.run())
    await done.until(lambda: done.did("sync") == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
