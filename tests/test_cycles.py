"""The rhythm in which reference cycles are searched for."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from tests.fakes.waiting import eventually

from podwright.cycles import CycleSearch


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def search() -> Iterator[CycleSearch]:
    before = gc.get_threshold()
    made = CycleSearch(young=1_000, rounds=2, pause=0.01)
    made.begin()
    yield made
    made.end()
    gc.set_threshold(*before)


def _fill(count: int) -> list[list[int]]:
    return [[number] for number in range(count)]


def test_a_young_cycle_goes_with_the_first_search(search: CycleSearch) -> None:
    gc.collect()
    gone = weakref.ref(Knot())
    kept = _fill(2_000)
    assert gone() is None
    assert kept


def test_what_is_set_aside_is_searched_with_everything(search: CycleSearch) -> None:
    knot = Knot()
    later = weakref.ref(knot)
    kept = [_fill(2_000)]
    assert gc.get_freeze_count() > 0
    del knot
    kept.append(_fill(2_000))
    assert later() is not None, "searches of the young pass it over"
    search.search_all()
    assert later() is None
    assert gc.get_freeze_count() > 0


async def test_all_is_searched_once_enough_was_set_aside(search: CycleSearch) -> None:
    knot = Knot()
    later = weakref.ref(knot)
    search.set_aside()
    del knot
    searching = asyncio.create_task(search.run())
    try:
        kept = [_fill(2_000) for _ in range(4)]
        await eventually(lambda: later() is None)
        assert kept
    finally:
        searching.cancel()


def test_the_collector_is_left_as_it_was() -> None:
    before, callbacks = gc.get_threshold(), len(gc.callbacks)
    search = CycleSearch()
    search.begin()
    search.end()
    assert gc.get_threshold() == before
    assert len(gc.callbacks) == callbacks
    assert gc.get_freeze_count() == 0
