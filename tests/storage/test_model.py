"""Both stores against a naive model, under random commands."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from podwright.storage.core import CoreStore
from podwright.storage.interface import Compacted, KeyExists, KeyMissing, RevisionConflict
from podwright.storage.memory import MemoryStore
from podwright.storage.sqlite import SqliteStore

KEYS = st.sampled_from(["/p/a", "/p/b", "/p/c", "/q/a", "/q/ab"])
Snapshot = dict[str, tuple[bytes, int]]


class Against(RuleBasedStateMachine):
    """The model is the list of all snapshots there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.snapshots: dict[int, Snapshot] = {1: {}}
        self.compacted = 0
        self.store = self.open()

    def open(self) -> CoreStore:
        return MemoryStore()

    def run_it(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @property
    def now(self) -> Snapshot:
        return self.snapshots[max(self.snapshots)]

    def _set(self, revision: int, key: str, value: bytes | None) -> None:
        assert revision == max(self.snapshots) + 1
        after = dict(self.now)
        after.pop(key, None)
        if value is not None:
            after[key] = (value, revision)
        self.snapshots[revision] = after

    @rule(key=KEYS)
    def create(self, key: str) -> None:
        try:
            entry = self.run_it(self.store.create(key, lambda r: b"c%d" % r))
        except KeyExists:
            assert key in self.now
        else:
            assert key not in self.now
            self._set(entry.revision, key, entry.value)

    @rule(key=KEYS, stale=st.booleans(), delete=st.booleans())
    def change(self, key: str, stale: bool, delete: bool) -> None:
        current = self.now.get(key)
        expected = (current[1] if current else 1) - stale
        verb = self.store.delete if delete else self.store.update
        try:
            done = self.run_it(verb(key, expected, lambda r: b"u%d" % r))
        except KeyMissing:
            assert current is None
        except RevisionConflict:
            assert current is not None
            assert stale
        else:
            assert current is not None
            assert not stale
            self._set(done.revision, key, None if delete else done.value)

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        up_to = data.draw(st.integers(0, max(self.snapshots)))
        self.run_it(self.store.compact(up_to))
        self.compacted = max(self.compacted, up_to)

    @rule(prefix=st.sampled_from(["/", "/p/", "/q/a"]), after=KEYS, limit=st.integers(0, 3), data=st.data())
    def list_then(self, prefix: str, after: str, limit: int, data: st.DataObject) -> None:
        revision = data.draw(st.sampled_from(sorted(self.snapshots)))
        wanted = [(k, *v) for k, v in sorted(self.snapshots[revision].items()) if k.startswith(prefix) and k > after]
        try:
            page = self.store.list_at(prefix, revision, after=after, limit=limit)
        except Compacted:
            assert revision < self.compacted
            return
        assert revision >= self.compacted
        shown = wanted[:limit] if limit else wanted
        assert [(e.key, e.value, e.revision) for e in page.entries] == shown
        assert (page.more, page.remaining) == (len(shown) < len(wanted), len(wanted) - len(shown))

    @precondition(lambda self: max(self.snapshots) > max(self.compacted, 1))
    @rule()
    def replay(self) -> None:
        async def replayed() -> Any:
            async with self.store.watch("/", self.compacted) as events:
                return await anext(events)

        batch = self.run_it(replayed())
        assert [e.revision for e in batch] == list(range(max(self.compacted, 1) + 1, max(self.snapshots) + 1))
        state = dict(self.snapshots[max(self.compacted, 1)])
        for event in batch:
            assert (event.previous and event.previous.revision) == (state[event.key][1] if event.key in state else None)
            state.pop(event.key, None)
            if event.entry:
                state[event.key] = (event.entry.value, event.revision)
            assert state == self.snapshots[event.revision]

    @invariant()
    def shows_what_the_model_has(self) -> None:
        assert {e.key: (e.value, e.revision) for e in self.store.list("/").entries} == self.now
        assert self.store.revision == max(self.snapshots)
        assert self.store.compacted == self.compacted

    def teardown(self) -> None:
        self.run_it(self.store.close())
        self.loop.close()


class AgainstFile(Against):
    def open(self) -> CoreStore:
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory()
        opened: CoreStore = self.run_it(SqliteStore.open(Path(self.folder.name) / "state.db"))
        return opened

    @rule()
    def reopen(self) -> None:
        self.run_it(self.store.close())
        self.store = self.open()

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


@pytest.mark.parametrize("machine", [Against, AgainstFile], ids=["kept in memory", "kept in a file"])
def test_the_store_does_what_a_naive_one_would(machine: type[Against]) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case("runTest").runTest()
