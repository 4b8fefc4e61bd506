"""What was written counts before it is seen; what is seen counts from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.objects import Key, Object, name_of
from podwright.api.resources import CONFIG_MAPS
from podwright.client.informer import Informer
from podwright.client.informers import OWNER, owner_uids
from podwright.client.own_writes import LONGEST_SECONDS, OwnWrites
from podwright.client.together import together


class Seen:
    """An informer that is fed by hand, and the view of it."""

    def __init__(self) -> None:
        self.client = FakeClient()
        self.informer = Informer(self.client, CONFIG_MAPS, indexers={OWNER: owner_uids})
        self.time = 0.0
        self.view = OwnWrites(self.informer, lambda: self.time)

    async def make(self, name: str) -> Object:
        meta = {"name": name, "ownerReferences": [{"uid": "owner"}]}
        return await self.client.create(CONFIG_MAPS, {"metadata": meta}, "ns")

    def owned(self) -> list[str]:
        return sorted(name_of(obj) for obj in self.view.owned_by("owner"))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        async with running(self.informer.run()):
            await self.informer.wait_synced()
            yield


async def test_what_was_made_is_there_at_once() -> None:
    seen = Seen()
    seen.view.wrote(await seen.make("a"))
    assert seen.owned() == ["a"]
    assert seen.view.by_key(Key("ns", "a")) is not None
    assert seen.view.by_key(Key("ns", "b")) is None


async def test_what_is_seen_takes_its_place() -> None:
    seen = Seen()
    made = await seen.make("a")
    async with seen.following():
        seen.view.wrote(made)
        changed = await seen.client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "ns")
        seen.view.wrote(changed)
        assert (seen.view.by_key(Key("ns", "a")) or {})["data"] == {"x": "1"}
        await seen.client.patch(CONFIG_MAPS, "a", {"data": {"x": "2"}}, "ns")
        await eventually(lambda: (seen.view.by_key(Key("ns", "a")) or {})["data"] == {"x": "2"})
        await seen.client.delete(CONFIG_MAPS, "a", "ns")
        await eventually(lambda: seen.owned() == [])


async def test_an_older_answer_does_not_hide_what_is_newer() -> None:
    seen = Seen()
    made = await seen.make("a")
    await seen.client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "ns")
    async with seen.following():
        seen.view.wrote(made)
        assert (seen.view.by_key(Key("ns", "a")) or {})["data"] == {"x": "1"}


async def test_what_is_never_seen_is_given_up() -> None:
    seen = Seen()
    assert seen.view.unseen_for("owner") is None
    seen.view.wrote(await seen.make("a"))
    seen.time = 1
    seen.view.wrote(await seen.make("b"))
    assert (seen.view.unseen_for("owner"), seen.view.unseen_for("other")) == (LONGEST_SECONDS - 1, None)
    seen.time = LONGEST_SECONDS + 1
    assert (seen.owned(), seen.view.unseen_for("owner")) == (["b"], 0)
    seen.time += 1
    assert (seen.owned(), seen.view.unseen_for("owner")) == ([], None)


async def test_what_was_deleted_is_gone_at_once_and_its_successor_is_not() -> None:
    seen = Seen()
    made = await seen.make("a")
    async with seen.following():
        seen.view.deleted(made, await seen.client.delete(CONFIG_MAPS, "a", "ns"))
        assert (seen.owned(), seen.view.by_key(Key("ns", "a"))) == ([], None)
        await seen.make("a")
        await eventually(lambda: seen.owned() == ["a"])


async def test_what_is_gone_before_it_was_seen_stays_so_until_its_end_is_seen() -> None:
    seen = Seen()
    made = await seen.make("a")
    seen.view.wrote(made)
    await seen.client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "ns")
    seen.view.deleted(made)
    assert seen.owned() == []
    async with seen.following():
        # The informer has it, too: an end that it will tell of later.
        assert seen.informer.get("a", "ns") is not None
        assert seen.owned() == []
        await seen.client.delete(CONFIG_MAPS, "a", "ns")
        await eventually(lambda: seen.informer.get("a", "ns") is None)
        assert seen.view.unseen_for("owner") is None


async def test_what_a_delete_leaves_is_there_on_its_way_out() -> None:
    seen = Seen()
    made = await seen.make("a")
    held = await seen.client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": ["x/y"]}}, "ns")
    async with seen.following():
        seen.view.deleted(made, await seen.client.delete(CONFIG_MAPS, "a", "ns"))
        (left,) = seen.view.owned_by("owner")
        assert left["metadata"]["deletionTimestamp"] and "deletionTimestamp" not in held["metadata"]


async def test_an_answer_that_comes_after_the_end_was_seen_brings_nothing_back() -> None:
    seen = Seen()
    async with seen.following():
        made = await seen.make("a")
        await seen.client.delete(CONFIG_MAPS, "a", "ns")
        await seen.make("b")
        await eventually(lambda: seen.owned() == ["b"])
        seen.view.wrote(made)
        seen.view.deleted(made)
        assert seen.owned() == ["b"]


async def test_what_was_given_to_another_is_no_longer_the_owner_s() -> None:
    seen = Seen()
    await seen.make("a")
    async with seen.following():
        given = await seen.client.patch(CONFIG_MAPS, "a", {"metadata": {"ownerReferences": [{"uid": "other"}]}}, "ns")
        seen.view.wrote(given)
        assert (seen.owned(), len(seen.view.owned_by("other"))) == ([], 1)


async def test_of_two_answers_the_newer_one_counts() -> None:
    seen = Seen()
    made = await seen.make("a")
    changed = await seen.client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "ns")
    seen.view.wrote(changed)
    seen.view.wrote(made)
    assert (seen.view.by_key(Key("ns", "a")) or {})["data"] == {"x": "1"}


async def test_together_ends_with_the_first_batch_that_fails() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError("no")
        done.append(number)

    with pytest.raises(ValueError, match="no"):
        await together(range(9), work, at_once=3)
    assert done == [0, 2]
    await together([5, 6, 7, 8], work, at_once=3)
    assert done == [0, 2, 5, 6, 7, 8]
