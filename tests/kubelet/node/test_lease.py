"""The node's Lease."""

from __future__ import annotations

import datetime

import pytest
from tests.fakes.client import FakeClient

from podwright.api.errors import Conflict
from podwright.api.resources import LEASES
from podwright.kubelet.node.lease import LeaseKeeper

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def keeper(client: FakeClient, now: datetime.datetime = NOW) -> LeaseKeeper:
    return LeaseKeeper(client, "n", lambda: "node-uid", duration=40, now=lambda: now)


async def test_it_is_made_and_then_renewed() -> None:
    client = FakeClient()
    lease = keeper(client)
    await lease.renew()
    await lease.renew()
    made = await client.get(LEASES, "n", "kube-node-lease")
    assert made["spec"] == {
        "holderIdentity": "n",
        "leaseDurationSeconds": 40,
        "renewTime": "2026-01-02T00:00:00.000000Z",
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "node-uid"
    assert len(client.called("create", LEASES)) == 1
    assert len(client.called("update", LEASES)) == 1


async def test_one_of_an_earlier_kubelet_is_taken_over() -> None:
    client = FakeClient()
    await keeper(client).renew()
    await keeper(client).renew()
    assert len(client.called("update", LEASES)) == 1


async def test_after_a_conflict_it_begins_with_what_is_there() -> None:
    client = FakeClient()
    lease = keeper(client)
    await lease.renew()
    await keeper(client, NOW + datetime.timedelta(seconds=1)).renew()
    with pytest.raises(Conflict):
        await lease.renew()
    await lease.renew()
