"""Whether the node is short of something, and for how long that is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.configuration_values import Threshold
from podwright.kubelet.eviction.thresholds import Judgement, Level, Past, judge

MEBI = 1 << 20


def at(mebi: int) -> Threshold:
    return Threshold(amount=Decimal(mebi * MEBI))


def config(**more: Any) -> KubeletConfiguration:
    hard = {"memory.available": at(100), "nodefs.available": Threshold(share=0.1)}
    return KubeletConfiguration(**{"evictionHard": hard, **more})


def look(memory: int, disk: int = 50, past: Past | None = None, now: float = 0.0, **more: Any) -> Judgement:
    levels = {
        "memory.available": Level(memory * MEBI, 1000 * MEBI),
        "nodefs.available": Level(disk * MEBI, 100 * MEBI),
        "nodefs.inodesFree": Level(0, 0),
    }
    return judge(levels, config(**more), past or Past(), now)


@pytest.mark.parametrize(
    ("memory", "disk", "signals", "conditions"),
    [
        pytest.param(100, 10, [], set(), id="as much as the threshold is enough"),
        pytest.param(99, 50, ["memory.available"], {"MemoryPressure"}, id="less memory"),
        pytest.param(500, 9, ["nodefs.available"], {"DiskPressure"}, id="less disk, as a share"),
        pytest.param(
            99, 9, ["memory.available", "nodefs.available"], {"MemoryPressure", "DiskPressure"}, id="memory comes first"
        ),
    ],
)
def test_a_look(memory: int, disk: int, signals: list[str], conditions: set[str]) -> None:
    judgement = look(memory, disk)
    assert [shortage.signal for shortage in judgement.act_on] == signals
    assert judgement.conditions == conditions


def test_a_soft_threshold_is_acted_on_after_its_grace_and_told_at_once() -> None:
    soft = {
        "evictionSoft": {"memory.available": at(300)},
        "evictionSoftGracePeriod": {"memory.available": 30.0},
    }
    first = look(200, now=0, **soft)
    assert (list(first.act_on), first.conditions) == ([], {"MemoryPressure"})
    assert not look(200, past=first.past, now=29, **soft).act_on
    (shortage,) = look(200, past=first.past, now=30, **soft).act_on
    assert not shortage.hard
    relaxed = look(400, past=first.past, now=20, **soft)
    assert not look(200, past=relaxed.past, now=40, **soft).act_on


def test_a_condition_outlives_its_cause() -> None:
    first = look(50, now=0)
    after = look(500, past=first.past, now=299)
    assert (list(after.act_on), after.conditions) == ([], {"MemoryPressure"})
    assert look(500, past=after.past, now=301).conditions == frozenset()


def test_more_than_the_threshold_is_reclaimed_where_that_is_configured() -> None:
    reclaim = {"evictionMinimumReclaim": {"memory.available": at(200)}}
    assert not look(250, **reclaim).act_on
    first = look(50, **reclaim)
    assert look(250, past=first.past, now=10, **reclaim).act_on
    assert not look(300, past=first.past, now=10, **reclaim).act_on
