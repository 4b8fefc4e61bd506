"""Statuses reach the API: one patch per change, the newest last, through failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from podwright.api.errors import Conflict, NotFound, Unavailable
from podwright.api.objects import copy_object
from podwright.client.interface import Client, PatchType
from podwright.kubelet.status.manager import StatusManager

Object = dict[str, Any]


class OnePod:
    """An API with one Pod; merges top-level status fields as the server would."""

    def __init__(self) -> None:
        self.pod: Object = {
            "metadata": {"name": "p", "namespace": "d", "uid": "u", "resourceVersion": "1"},
            "status": {"phase": "Pending"},
        }
        self.patches: list[Object] = []
        self.errors: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def patch(self, resource: Any, name: str, body: Object, namespace: str, **how: Any) -> Object:
        assert how["patch_type"] is PatchType.STRATEGIC
        assert how["subresource"] == "status"
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.patches.append(body)
        self.change(**body["status"])
        return copy_object(self.pod)

    async def get(self, resource: Any, name: str, namespace: str) -> Object:
        return copy_object(self.pod)

    def change(self, **status: Any) -> None:
        self.pod = copy_object(self.pod)
        self.pod["status"].update(status)
        self.pod["metadata"]["resourceVersion"] = str(int(self.pod["metadata"]["resourceVersion"]) + 1)


@pytest.fixture
def api() -> OnePod:
    return OnePod()


@pytest.fixture
async def manager(api: OnePod) -> AsyncIterator[StatusManager]:
    manager = StatusManager(cast(Client, api))
    manager.observe("u", api.pod)
    task = asyncio.create_task(manager.run())
    yield manager
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_change_is_one_patch_with_the_uid(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    assert api.patches == [{"metadata": {"uid": "u"}, "status": {"phase": "Running"}}]


async def test_the_same_status_again_writes_nothing(api: OnePod, manager: StatusManager) -> None:
    for _ in range(3):
        manager.set("u", {"phase": "Pending"})
    await manager.flushed("u")
    assert api.patches == []


async def test_what_comes_while_writing_is_written_once_and_last(api: OnePod, manager: StatusManager) -> None:
    api.gate.clear()
    manager.set("u", {"phase": "Pending", "n": 1})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for n in range(2, 10):
        manager.set("u", {"phase": "Pending", "n": n})
    api.gate.set()
    await manager.flushed("u")
    assert [p["status"]["n"] for p in api.patches] == [1, 9]


async def test_what_may_wait_makes_way_for_what_is_newer(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Pending", "n": 1}, within=0.001)
    manager.set("u", {"phase": "Pending", "n": 2})
    await manager.flushed("u")
    await asyncio.sleep(0.01)
    assert [p["status"]["n"] for p in api.patches] == [2]


async def test_what_may_wait_is_written_and_waited_for_too(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Running"}, within=0.01)
    assert manager.latest("u")["phase"] == "Running"
    await manager.flushed("u")
    assert [p["status"] for p in api.patches] == [{"phase": "Running"}]


async def test_what_waits_is_not_written_once_the_pod_is_gone(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Running"}, within=0.001)
    manager.forget("u")
    await asyncio.sleep(0.01)
    assert api.patches == []


async def test_a_failed_write_is_tried_again(api: OnePod, manager: StatusManager) -> None:
    api.errors = [Unavailable("down"), OSError("refused")]
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    assert api.pod["status"]["phase"] == "Running"


@pytest.mark.parametrize(
    ("error", "uid"),
    [pytest.param(NotFound("gone"), "u", id="gone"), pytest.param(Conflict("uid"), "v", id="another UID")],
)
async def test_a_pod_that_is_gone_is_given_up(api: OnePod, manager: StatusManager, error: Exception, uid: str) -> None:
    api.errors = [error]
    api.pod["metadata"]["uid"] = uid
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    assert api.patches == []


async def test_who_wrote_at_the_same_moment_only_delays_it(api: OnePod, manager: StatusManager) -> None:
    api.errors = [Conflict("the object has been modified")]
    api.change(reason="theirs")
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    assert api.patches == [{"metadata": {"uid": "u"}, "status": {"phase": "Running", "reason": None}}]


async def test_news_that_came_during_a_conflict_is_not_lost(api: OnePod, manager: StatusManager) -> None:
    api.gate.clear()
    api.errors = [Conflict("the object has been modified")]
    manager.set("u", {"phase": "Running"})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    api.change(phase="Failed")
    manager.observe("u", api.pod)
    api.gate.set()
    await manager.flushed("u")
    assert api.pod["status"]["phase"] == "Running"


async def test_a_status_that_somebody_else_changed_is_put_right(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    api.change(phase="Pending")
    manager.observe("u", api.pod)
    await manager.flushed("u")
    assert api.pod["status"]["phase"] == "Running"


async def test_old_news_does_not_undo_what_was_written(api: OnePod, manager: StatusManager) -> None:
    old = api.pod
    manager.set("u", {"phase": "Running"})
    await manager.flushed("u")
    manager.observe("u", old)
    await manager.flushed("u")
    assert len(api.patches) == 1


async def test_a_static_pod_is_written_when_its_mirror_is_there(api: OnePod, manager: StatusManager) -> None:
    manager.set("static", {"phase": "Running"})
    await manager.flushed("static")
    assert api.patches == []
    manager.observe("static", api.pod)
    await manager.flushed("static")
    assert api.patches == [{"metadata": {"uid": "u"}, "status": {"phase": "Running"}}]


async def test_the_latest_status_has_the_conditions_of_others(api: OnePod, manager: StatusManager) -> None:
    manager.set("u", {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]})
    await manager.flushed("u")
    gate = {"type": "x/y", "status": "True"}
    api.change(conditions=[gate, {"type": "Ready", "status": "False"}])
    manager.observe("u", api.pod)
    assert gate in manager.latest("u")["conditions"]
