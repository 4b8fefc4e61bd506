"""`kill -9` in the middle of hooks: each is delivered at least once, and once if it was over before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.observed import FOREVER, Observed, State, container, now, observed, shell, slack, spec
from tests.node.running_node import RunningNode

NAMES = [f"p{number:02}" for number in range(20)]
"""Started and ended one after the other, so that one crash meets each at another point of its hook."""
APART = 0.06
GRACE = 10


def _hook(name: str) -> dict[str, object]:
    return {"exec": {"command": shell(f"tell {name}; sleep 1; tell {name}-over")}}


HOOKED = spec(
    container(
        "trap 'tell TERM; exit 0' TERM; tell entrypoint; " + FOREVER,
        lifecycle={"postStart": _hook("post-start"), "preStop": _hook("pre-stop")},
    ),
    terminationGracePeriodSeconds=GRACE,
)


@pytest.fixture
def crashing(node_folder: Path) -> Iterator[RunningNode]:
    """A node of the test's own: others would mind."""
    running = RunningNode.below(node_folder, "hooks")
    running.up()
    try:
        running.import_example_image()
        yield running
    finally:
        running.down(purge=True)
    assert running.leftovers() == []


async def _crash(node: RunningNode) -> float:
    """Kill it and start it again; when it died."""
    await asyncio.to_thread(node.kill)
    died = now()
    await asyncio.to_thread(node.up)
    return died


def _assert_delivered(here: Observed, hook: str, died: float) -> None:
    """At least once each; once what was surely over, and noted, before the crash."""
    over = f"{hook}-over"
    for name in NAMES:
        told = here.told(name)
        assert over in told, (name, here.story(name))
        if here.time_of(name, over) < died - 0.5:
            assert told.count(hook) == 1, (name, died, here.story(name))


async def test_hooks_that_a_crash_breaks_off_are_delivered_again(crashing: RunningNode, tmp_path: Path) -> None:
    async with observed(crashing.kubeconfig, "crash", tmp_path) as here:
        for name in NAMES:
            await here.create({name: HOOKED})
            await asyncio.sleep(APART)
        await here.until_told(NAMES[2], "post-start-over")
        died = await _crash(crashing)
        await asyncio.gather(*(here.until(name, State.is_running) for name in NAMES))
        _assert_delivered(here, "post-start", died)
        for name in NAMES:
            # containerd undoes a start whose caller is gone. Such a container is started anew, a restart if it may have
            # begun; any other is left alone.
            undone = here.history[name][-1].container().get("lastState") or {}
            assert here.history[name][-1].restarts() == len(undone)
            assert {end["reason"] for end in undone.values()} <= {"StartError"}

        asked = {}
        for name in NAMES:
            asked[name] = await here.delete(name)
            await asyncio.sleep(APART)
        await here.until_told(NAMES[2], "TERM")
        died = await _crash(crashing)
        await asyncio.gather(*(here.until_gone(name, within=2 * GRACE + slack(5)) for name in NAMES))
        _assert_delivered(here, "pre-stop", died)
        for name in NAMES:
            assert here.told(name)[-1] == "TERM"
            assert here.time_of(name, "TERM") < asked[name] + GRACE
        assert (await crashing.sandboxes()).ready == []
