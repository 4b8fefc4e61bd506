"""Whose an object is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.client import FakeClient

from podwright.api.errors import NotFound
from podwright.api.objects import Object, uid_of
from podwright.api.resources import PODS, REPLICA_SETS
from podwright.controllers.owned import Verdict, claimed, controller_reference, controller_uid, verdict


def owned(uid: str = "", *, going: bool = False) -> Object:
    meta: dict[str, Any] = {"name": "x", "uid": "x"}
    if uid:
        meta["ownerReferences"] = [{"uid": "plain"}, {"uid": uid, "controller": True}]
    if going:
        meta["deletionTimestamp"] = "now"
    return {"metadata": meta}


US, GOING = {"metadata": {"uid": "us"}}, {"metadata": {"uid": "us", "deletionTimestamp": "now"}}


@pytest.mark.parametrize(
    ("obj", "owner", "selected", "answer"),
    [
        pytest.param(owned("us"), US, True, Verdict.OURS, id="ours and selected"),
        pytest.param(owned("us", going=True), US, True, Verdict.OURS, id="ours to its end"),
        pytest.param(owned("us"), US, False, Verdict.LET_GO, id="ours and no longer selected"),
        pytest.param(owned("us"), GOING, False, Verdict.LEAVE, id="who goes lets nothing go"),
        pytest.param(owned("them"), US, True, Verdict.LEAVE, id="another's"),
        pytest.param(owned(), US, True, Verdict.ADOPT, id="nobody's and selected"),
        pytest.param(owned(), US, False, Verdict.LEAVE, id="nobody's and not selected"),
        pytest.param(owned(), GOING, True, Verdict.LEAVE, id="who goes adopts nothing"),
        pytest.param(owned(going=True), US, True, Verdict.LEAVE, id="what goes is not adopted"),
    ],
)
def test_verdict(obj: Object, owner: Object, selected: bool, answer: Verdict) -> None:
    assert verdict(obj, owner, selected=selected) is answer


async def claim(client: FakeClient, owner: Object, *pods: Object, selected: bool) -> list[Object]:
    return await claimed(client, REPLICA_SETS, owner, PODS, pods, selected=lambda pod: selected)


async def test_an_orphan_is_adopted_and_let_go_again() -> None:
    client = FakeClient()
    owner = await client.create(REPLICA_SETS, {"metadata": {"name": "rs"}}, "ns")
    orphan = await client.create(PODS, {"metadata": {"name": "p"}, "spec": {}}, "ns")
    (mine,) = await claim(client, owner, orphan, selected=True)
    assert mine["metadata"]["ownerReferences"] == [controller_reference(owner, REPLICA_SETS)]
    assert controller_uid(await client.get(PODS, "p", "ns")) == uid_of(owner)
    assert await claim(client, owner, mine, selected=False) == []
    assert "ownerReferences" not in (await client.get(PODS, "p", "ns"))["metadata"]


async def test_an_owner_that_was_replaced_adopts_nothing() -> None:
    client = FakeClient()
    old = await client.create(REPLICA_SETS, {"metadata": {"name": "rs"}}, "ns")
    await client.delete(REPLICA_SETS, "rs", "ns")
    await client.create(REPLICA_SETS, {"metadata": {"name": "rs"}}, "ns")
    orphan = await client.create(PODS, {"metadata": {"name": "p"}, "spec": {}}, "ns")
    with pytest.raises(NotFound):
        await claim(client, old, orphan, selected=True)
    assert "ownerReferences" not in (await client.get(PODS, "p", "ns"))["metadata"]


async def test_an_orphan_that_is_gone_is_nobody_s() -> None:
    client = FakeClient()
    owner = await client.create(REPLICA_SETS, {"metadata": {"name": "rs"}}, "ns")
    orphan = await client.create(PODS, {"metadata": {"name": "p"}, "spec": {}}, "ns")
    await client.delete(PODS, "p", "ns")
    assert await claim(client, owner, orphan, selected=True) == []
