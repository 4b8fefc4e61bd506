"""One contract, two stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from podwright.storage import watch as watching
from podwright.storage.interface import (
    Compacted,
    KeyExists,
    KeyMissing,
    RevisionConflict,
    Store,
    StoreEvent,
    StoreFailed,
    WatcherTooSlow,
)
from podwright.storage.memory import MemoryStore
from podwright.storage.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"], ids=["kept in memory", "kept in a file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "state.db")
    try:
        yield made
    finally:
        await made.close()


def says(text: str) -> Callable[[int], bytes]:
    return lambda revision: f"{text}@{revision}".encode()


def keys(entries: object) -> list[str]:
    return [entry.key for entry in entries]  # type: ignore[attr-defined]


async def test_a_new_store_is_at_revision_one_and_empty(store: Store) -> None:
    assert (store.revision, store.compacted) == (1, 0)
    assert store.get("/a") is None
    assert store.list("/").entries == []


async def test_a_written_value_has_its_own_revision_in_it(store: Store) -> None:
    entry = await store.create("/a", says("x"))
    assert entry == store.get("/a")
    assert (entry.value, entry.revision, entry.create_revision) == (b"x@2", 2, 2)
    changed = await store.update("/a", 2, says("y"))
    assert (changed.value, changed.revision, changed.create_revision) == (b"y@3", 3, 2)
    gone = await store.delete("/a", 3, says("z"))
    assert (gone.revision, gone.entry, gone.previous, gone.final) == (4, None, changed, b"z@4")
    assert store.get("/a") is None
    assert store.revision == 4
    again = await store.create("/a", says("x"))
    assert again.create_revision == 5


async def test_a_write_that_contradicts_what_is_there_changes_nothing(store: Store) -> None:
    await store.create("/a", says("x"))
    with pytest.raises(KeyExists):
        await store.create("/a", says("y"))
    with pytest.raises(RevisionConflict):
        await store.update("/a", 1, says("y"))
    with pytest.raises(RevisionConflict):
        await store.delete("/a", 1, says("y"))
    with pytest.raises(KeyMissing):
        await store.update("/b", 2, says("y"))
    with pytest.raises(KeyMissing):
        await store.delete("/b", 2, says("y"))
    assert store.revision == 2


async def test_a_value_that_cannot_be_encoded_changes_nothing(store: Store) -> None:
    def fails(_revision: int) -> bytes:
        raise TypeError("no")

    with pytest.raises(TypeError):
        await store.create("/a", fails)
    assert (await store.create("/a", says("x"))).revision == 2


async def test_of_many_writers_of_one_key_one_wins_each_revision(store: Store) -> None:
    await store.create("/n", says("0"))

    async def add() -> None:
        while True:
            entry = store.get("/n")
            assert entry is not None
            number = int(entry.value.split(b"@")[0])
            try:
                await store.update("/n", entry.revision, says(str(number + 1)))
            except RevisionConflict:
                continue
            return

    await asyncio.gather(*(add() for _ in range(50)))
    entry = store.get("/n")
    assert entry is not None
    assert entry.value.startswith(b"50@")


async def test_of_many_creators_of_one_key_one_wins_and_the_others_see_its_value(store: Store) -> None:
    async def make() -> bool:
        try:
            await store.create("/n", says("0"))
        except KeyExists:
            assert store.get("/n") is not None
            return False
        return True

    assert sum(await asyncio.gather(*(make() for _ in range(20)))) == 1


async def test_lists_come_in_key_order_page_by_page(store: Store) -> None:
    for key in ("/p/b", "/p/a", "/q/a", "/p/c", "/p/é", "/o"):
        await store.create(key, says("x"))
    assert keys(store.list("/p/").entries) == ["/p/a", "/p/b", "/p/c", "/p/é"]
    page = store.list("/p/", limit=2)
    assert (keys(page.entries), page.more, page.remaining, page.revision) == (["/p/a", "/p/b"], True, 2, 7)
    rest = store.list("/p/", after="/p/b", limit=2)
    assert (keys(rest.entries), rest.more, rest.remaining) == (["/p/c", "/p/é"], False, 0)
    assert keys(store.list("/").entries)[-1] == "/q/a"


async def test_a_short_list_that_was_read_before_shows_every_change(store: Store) -> None:
    def listed() -> list[list[str]]:
        prefixes = ("/g/p/", "/g/p/a/", "/g/p/b/", "/g/p/a", "/g/n/", "/g/")
        return [[entry.key for entry in store.list(prefix).entries] for prefix in prefixes]

    assert listed() == [[], [], [], [], [], []]
    one, two, node = "/g/p/a/1", "/g/p/b/2", "/g/n/3"
    for key in (one, two, node):
        await store.create(key, says("x"))
        listed()
    assert listed() == [[one, two], [one], [two], [one], [node], [node, one, two]]
    revision = (await store.update(one, 2, says("y"))).revision
    assert [store.list(p).entries[0].revision for p in ("/g/p/", "/g/p/a/")] == [revision, revision]
    assert store.list("/g/n/").revision == revision
    await store.delete(one, revision, says("z"))
    await store.delete(node, 4, says("z"))
    assert listed() == [[two], [], [two], [], [], [two]]


async def test_a_list_at_an_earlier_revision_shows_what_was_there(store: Store) -> None:
    await store.create("/p/a", says("1"))
    await store.create("/p/b", says("2"))
    at = store.revision
    await store.update("/p/a", 2, says("3"))
    await store.delete("/p/b", 3, says("4"))
    await store.create("/p/c", says("5"))
    page = store.list_at("/p/", at)
    assert [entry.value for entry in page.entries] == [b"1@2", b"2@3"]
    assert page.revision == at
    assert keys(store.list_at("/p/", at, limit=1).entries) == ["/p/a"]
    assert keys(store.list_at("/p/", at, after="/p/a", limit=1).entries) == ["/p/b"]
    assert keys(store.list_at("/p/", store.revision).entries) == ["/p/a", "/p/c"]
    with pytest.raises(ValueError, match="yet to come"):
        store.list_at("/p/", store.revision + 1)


async def test_a_watch_replays_and_then_follows_its_prefix_only(store: Store) -> None:
    await store.create("/p/a", says("1"))
    await store.create("/q/a", says("2"))
    async with store.watch("/p/", 1) as events:
        (first,) = await anext(events)
        assert (first.key, first.previous, first.revision) == ("/p/a", None, 2)
        waiting = asyncio.create_task(anext(events))  # type: ignore[arg-type]
        await store.create("/q/b", says("3"))
        await store.update("/p/a", 2, says("4"))
        (second,) = await waiting
        assert second.entry == store.get("/p/a")
        assert second.previous is not None
        assert second.previous.revision == 2
        await store.delete("/p/a", second.revision, says("5"))
        (third,) = await anext(events)
        assert (third.entry, third.final) == (None, b"5@6")


async def test_a_watch_from_a_revision_yet_to_come_begins_there(store: Store) -> None:
    async with store.watch("/", 3) as events:
        for name in "abcd":
            await store.create(f"/{name}", says("x"))
        seen: list[int] = []
        while len(seen) < 2:
            seen += [event.revision for event in await anext(events)]
        assert seen == [4, 5]


async def test_a_quiet_watch_is_told_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.01)
    async with store.watch("/", 1) as events:
        assert await anext(events) == []
        await store.create("/a", says("x"))
        assert len(await anext(events)) == 1


async def test_a_watch_ends_with_the_store(store: Store) -> None:
    async with store.watch("/", 1) as events:
        await store.create("/a", says("x"))
        await store.close()
        assert [len(batch) async for batch in events] == [1]
    with pytest.raises(StoreFailed):
        await store.create("/b", says("x"))


async def test_a_slow_watcher_is_dropped_and_others_are_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podwright.storage.core.WATCH_QUEUE_EVENTS", 10)
    async with store.watch("/", 1) as slow, store.watch("/x", 1) as other:
        for number in range(11):
            await store.create(f"/a{number}", says("x"))
        await store.create("/x", says("x"))
        with pytest.raises(WatcherTooSlow):
            await anext(slow)
        assert len(await anext(other)) == 1


async def test_compaction_forgets_history_and_keeps_what_is_there(store: Store) -> None:
    await store.create("/a", says("1"))
    await store.update("/a", 2, says("2"))
    await store.create("/b", says("3"))
    await store.delete("/b", 4, says("4"))
    await store.compact(4)
    assert store.compacted == 4
    assert keys(store.list("/").entries) == ["/a"]
    with pytest.raises(Compacted):
        store.list_at("/", 3)
    with pytest.raises(Compacted):
        async with store.watch("/", 3):
            pass
    assert keys(store.list_at("/", 4).entries) == ["/a", "/b"]
    async with store.watch("/", 4) as events:
        assert [event.revision for event in await anext(events)] == [5]
    await store.compact(5)
    assert (await store.create("/b", says("5"))).revision == 6


async def test_waits_for_a_revision(store: Store) -> None:
    await store.wait_for(1)
    waiting = asyncio.create_task(store.wait_for(3))
    await store.create("/a", says("x"))
    assert not waiting.done()
    await store.create("/b", says("x"))
    await waiting
    late = asyncio.create_task(store.wait_for(99))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StoreFailed):
        await late


async def test_one_write_reaches_a_thousand_watchers(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        ready = 0
        everyone = asyncio.Event()

        async def follow() -> int:
            nonlocal ready
            async with store.watch("/", 1) as events:
                ready += 1
                if ready == 1000:
                    everyone.set()
                return (await anext(events))[0].revision

        watchers = [group.create_task(follow()) for _ in range(1000)]
        await everyone.wait()
        await store.create("/a", says("x"))
    assert {watcher.result() for watcher in watchers} == {2}


async def test_a_writer_that_gives_up_does_not_disturb_the_others(store: Store) -> None:
    given_up = asyncio.create_task(store.create("/a", says("x")))
    await asyncio.sleep(0)
    given_up.cancel()
    await store.create("/b", says("x"))
    assert keys(store.list("/").entries) == ["/a", "/b"]


async def test_what_is_kept_of_history_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podwright.storage.history.MAX_EVENTS", 100)
    monkeypatch.setattr("podwright.storage.sqlite.MAX_EVENTS", 100, raising=False)
    revision = (await store.create("/a", says("x"))).revision
    for _ in range(300):
        revision = (await store.update("/a", revision, says("x"))).revision
    assert store.revision - 110 <= store.compacted <= store.revision - 100
    async with store.watch("/", store.compacted) as events:
        batch = await anext(events)
    assert [event.revision for event in batch] == list(range(store.compacted + 1, store.revision + 1))


async def test_who_listens_is_told_before_the_writer(store: Store) -> None:
    heard: list[str] = []

    def listen(events: Sequence[StoreEvent]) -> None:
        heard.extend(f"{event.key} {'gone' if event.entry is None else 'here'} {store.revision}" for event in events)

    store.listen("/a/", listen)
    await store.create("/a/1", says("x"))
    assert heard == ["/a/1 here 2"]
    await store.create("/b/1", says("x"))
    await store.delete("/a/1", 2, says("z"))
    assert heard == ["/a/1 here 2", "/a/1 gone 4"]
