from __future__ import annotations

import asyncio

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Expired, Unavailable
from podwright.api.objects import Object, name_of
from podwright.api.resources import CONFIG_MAPS, PODS
from podwright.client import informer as informers
from podwright.client.backoff import Backoff
from podwright.client.informer import Informer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informers, "_BACKOFF", Backoff(base=0.001, cap=0.01))


def config(name: str, **data: str) -> Object:
    return {"metadata": {"name": name, "labels": {"app": name[0]}}, "data": data}


class Changes:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, old: Object | None, new: Object | None, /) -> None:
        kind = "new" if old is None else "gone" if new is None else "changed"
        self.seen.append((kind, name_of(new or old or {})))


async def test_it_lists_then_follows() -> None:
    client, changes = FakeClient(), Changes()
    await client.create(CONFIG_MAPS, config("a"), "default")
    informer = Informer(client, CONFIG_MAPS, indexers={"app": lambda o: [o["metadata"]["labels"]["app"]]})
    informer.add_handler(changes)
    async with running(informer.run()):
        await informer.wait_synced()
        assert changes.seen == [("new", "a")]
        await client.create(CONFIG_MAPS, config("b"), "default")
        await client.patch(CONFIG_MAPS, "a", {"data": {"x": "y"}}, "default")
        await client.delete(CONFIG_MAPS, "b", "default")
        await eventually(lambda: len(changes.seen) == 4)
        assert changes.seen[1:] == [("new", "b"), ("changed", "a"), ("gone", "b")]
        found = informer.get("a", "default")
        assert found is not None
        assert found["data"] == {"x": "y"}
        assert list(informer.by_index("app", "a")) == [found]
        assert list(informer.by_index("app", "b")) == []
        late = Changes()
        informer.add_handler(late)
        assert late.seen == [("new", "a")]


async def test_it_goes_on_after_failures_and_lists_again_when_history_is_gone() -> None:
    client, changes = FakeClient(), Changes()
    client.fail_next("list", CONFIG_MAPS, Unavailable("not yet"), ConnectionRefusedError("nobody there"))
    client.fail_next("watch", CONFIG_MAPS, Expired("too old"), Unavailable("later"))
    await client.create(CONFIG_MAPS, config("a"), "default")
    informer = Informer(client, CONFIG_MAPS)
    informer.add_handler(changes)
    async with running(informer.run()):
        await informer.wait_synced()
        await eventually(lambda: len(client.called("watch", CONFIG_MAPS)) == 3)
        await client.create(CONFIG_MAPS, config("b"), "default")
        await eventually(lambda: len(changes.seen) == 2)
    assert len(client.called("list", CONFIG_MAPS)) == 4


async def test_what_changed_while_nobody_looked_is_found_by_the_next_list() -> None:
    client, changes = FakeClient(), Changes()
    for name in "abcd":
        await client.create(CONFIG_MAPS, config(name), "default")
    informer = Informer(client, CONFIG_MAPS)
    informer.add_handler(changes)
    await informer._list()
    changes.seen.clear()
    await client.delete(CONFIG_MAPS, "a", "default")
    await client.patch(CONFIG_MAPS, "b", {"data": {"x": "y"}}, "default")
    await client.delete(CONFIG_MAPS, "c", "default")
    await client.create(CONFIG_MAPS, config("c"), "default")
    await informer._list()
    assert sorted(changes.seen) == [("changed", "b"), ("gone", "a"), ("gone", "c"), ("new", "c")]


async def test_objects_come_and_go_with_the_selector() -> None:
    client, changes = FakeClient(), Changes()
    await client.create(PODS, {"metadata": {"name": "a"}, "spec": {}}, "default")
    informer = Informer(client, PODS, field_selector="spec.nodeName=n")
    informer.add_handler(changes)
    async with running(informer.run()):
        await informer.wait_synced()
        assert changes.seen == []
        await client.create(PODS, {"target": {"name": "n"}}, "default", name="a", subresource="binding")
        await eventually(lambda: changes.seen == [("new", "a")])


async def test_a_handler_that_fails_ends_it_and_is_heard() -> None:
    client = FakeClient()
    await client.create(CONFIG_MAPS, config("a"), "default")
    informer = Informer(client, CONFIG_MAPS)

    def fails(_old: Object | None, _new: Object | None, /) -> None:
        raise RuntimeError("a fault")

    informer.add_handler(fails)
    with pytest.raises(RuntimeError, match="a fault"):
        await asyncio.wait_for(informer.run(), 2)
