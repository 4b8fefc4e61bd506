"""What only the durable store must do: survive."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from podwright.storage.interface import StoreFailed
from podwright.storage.sqlite import SqliteStore


def says(text: str):  # type: ignore[no-untyped-def]
    return lambda revision: f"{text}@{revision}".encode()


async def test_everything_is_there_again_after_reopening(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    await store.create("/a", says("1"))
    await store.update("/a", 2, says("2"))
    await store.create("/b", says("3"))
    await store.delete("/b", 4, says("4"))
    await store.create("/b", says("5"))
    before = (store.revision, list(store.list("/").entries), list(store.list_at("/", 4).entries))
    await store.close()
    store = await SqliteStore.open(tmp_path / "state.db")
    assert (store.revision, list(store.list("/").entries), list(store.list_at("/", 4).entries)) == before
    async with store.watch("/", 1) as events:
        replay = await anext(events)
    assert [(e.revision, e.previous and e.previous.revision) for e in replay] == [
        (2, None), (3, 2), (4, None), (5, 4), (6, None),
    ]  # fmt: skip
    await store.delete("/b", 6, says("6"))
    await store.close()


async def test_a_revision_is_never_given_twice_even_when_its_row_was_compacted_away(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    await store.create("/a", says("1"))
    await store.delete("/a", 2, says("2"))
    await store.compact(3)
    await store.close()
    store = await SqliteStore.open(tmp_path / "state.db")
    assert (store.revision, store.compacted) == (3, 3)
    assert (await store.create("/a", says("3"))).revision == 4
    await store.close()


async def test_compaction_removes_the_rows_that_nobody_can_ask_for(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    for number in range(700):
        await store.create(f"/k{number}", says("1"))
        await store.update(f"/k{number}", store.revision, says("2"))
    for number in range(600):
        entry = store.get(f"/k{number}")
        assert entry is not None
        await store.delete(f"/k{number}", entry.revision, says("3"))
    await asyncio.gather(store.compact(500), store.compact(store.revision - 1), store.create("/other", says("4")))
    await store.close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        assert db.execute("SELECT count(*) FROM log").fetchone() == (700 - 600 + 1 + 1 + 1,)
    db.close()
    store = await SqliteStore.open(tmp_path / "state.db")
    assert len(store.list("/").entries) == 101
    await store.create("/k1", says("5"))
    await store.close()


async def test_a_compaction_cut_short_loses_nothing_and_brings_nothing_back(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    await store.create("/a", says("1"))
    await store.update("/a", 2, says("2"))
    await store.delete("/a", 3, says("3"))
    await store.create("/b", says("4"))
    await store.close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("UPDATE mark SET revision = 4")
        db.execute("DELETE FROM log WHERE revision = 2")
    db.close()
    store = await SqliteStore.open(tmp_path / "state.db")
    assert [entry.key for entry in store.list("/").entries] == ["/b"]
    await store.create("/a", says("5"))
    await store.close()


async def test_the_file_is_for_its_owner_only_and_for_one_process(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await SqliteStore.open(path)
    await store.create("/a", says("1"))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(StoreFailed, match="in use by another process"):
        await SqliteStore.open(path)
    await store.close()


async def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"x" * 5000)
    with pytest.raises(StoreFailed, match=r"state\.db: file is not a database"):
        await SqliteStore.open(tmp_path / "state.db")
    with pytest.raises(StoreFailed, match="No such file"):
        await SqliteStore.open(tmp_path / "missing" / "state.db")


async def test_a_full_disk_fails_the_writes_it_refused_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await SqliteStore.open(path)
    await store.create("/small", says("1"))
    # As a full disk would, SQLite refuses to grow the file beyond this.
    store._log._db.execute("PRAGMA max_page_count=40")
    failed = 0
    for number in range(60):
        try:
            await store.create(f"/big{number}", lambda _: b"x" * 8000)
        except StoreFailed as error:
            assert "full" in str(error)
            failed += 1
    assert 20 < failed < 60
    written = {entry.key for entry in store.list("/").entries}
    assert len(written) == 61 - failed
    assert store.get("/small") is not None
    store._log._db.execute("PRAGMA max_page_count=100000")
    await store.create("/after", says("2"))
    await store.close()
    store = await SqliteStore.open(path)
    assert {entry.key for entry in store.list("/").entries} == written | {"/after"}
    await store.close()


async def test_what_was_judged_against_a_failed_write_fails_with_it(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    store._log._db.execute("PRAGMA max_page_count=12")
    first = asyncio.create_task(store.create("/a", lambda _: b"x" * 100_000))
    await asyncio.sleep(0)
    pending = store._pending["/a"].event.revision
    second = asyncio.create_task(store.update("/a", pending, says("y")))
    # Whether there is such a key is not known yet, so this one waits, and then it may be made.
    third = asyncio.create_task(store.create("/a", says("z")))
    outcomes = await asyncio.gather(first, second, third, return_exceptions=True)
    assert isinstance(outcomes[0], StoreFailed)
    assert isinstance(outcomes[1], StoreFailed)
    assert not isinstance(outcomes[2], BaseException)
    assert store.get("/a") == outcomes[2]
    await store.close()


_WRITES_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from podwright.storage.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    async def write(worker):
        number = 0
        while True:
            entry = await store.create(f"/{worker}/{number}", lambda revision: b"v%d" % revision)
            sys.stdout.write(f"{entry.key} {entry.revision}\\n")
            sys.stdout.flush()
            number += 1
    await asyncio.gather(*(write(worker) for worker in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 300, 2000], ids=lambda n: f"after {n} acknowledged writes")
async def test_an_acknowledged_write_survives_kill_nine(tmp_path: Path, after: int) -> None:
    path = tmp_path / "state.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITES_UNTIL_KILLED, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [await process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()
    store = await SqliteStore.open(path)
    for line in acknowledged:
        key, revision = line.decode().split()
        entry = store.get(key)
        assert entry is not None, key
        assert (entry.revision, entry.value) == (int(revision), f"v{revision}".encode())
    await store.close()
