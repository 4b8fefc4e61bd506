"""The Node is registered once, said to be ready as soon as it is, and written only when something changed."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running
from tests.kubelet.fake_runtime import Events, FakeRuntimeInfo

from podwright.api.errors import Unavailable
from podwright.api.resources import NODES
from podwright.kubelet.configuration import KubeletConfiguration
from podwright.kubelet.node.manager import NodeManager, NodeSettings
from podwright.kubelet.node.node_object import NodeIdentity
from podwright.kubelet.node.runtime_info import RuntimeCondition

Object = dict[str, Any]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.time


class House:
    """A node manager with everything around it."""

    def __init__(self, tmp_path: Path) -> None:
        self.client, self.info, self.events, self.clock = FakeClient(), FakeRuntimeInfo(), Events(), Clock()
        config = KubeletConfiguration(nodeStatusUpdateFrequency=0.01, evictionHard={})
        settings = NodeSettings(NodeIdentity("n"), config, tmp_path, ["192.0.2.9"])
        self.node = NodeManager(
            settings,
            self.client,
            self.info,
            recorder=self.events,
            server_port=lambda: 10250,
            now=self.clock,
        )

    async def ready(self) -> Object:
        node = await self.client.get(NODES, "n")
        return next(c for c in node["status"]["conditions"] if c["type"] == "Ready")

    async def beats(self, more: int) -> None:
        seen = self.info.asked
        await eventually(lambda: self.info.asked >= seen + more)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_ready_node_is_registered_ready_in_one_write(house: House) -> None:
    async with running(house.node.run()):
        await house.node.wait_registered()
        assert (await house.ready())["status"] == "True"
        await house.beats(3)
    assert len(house.client.called("create", NODES)) == 1
    assert house.client.called("patch", NODES, "status") == []
    assert house.events.written[0] == ("Normal", "Starting", "Starting kubelet.")


async def test_ready_is_said_as_soon_as_it_is_so(house: House) -> None:
    house.info.network = RuntimeCondition(False, "NetworkPluginNotReady", "cni plugin not initialized")

    async def is_ready() -> bool:
        return (await house.ready())["status"] == "True"

    async with running(house.node.run()):
        await house.node.wait_registered()
        assert (await house.ready())["reason"] == "KubeletNotReady"
        assert house.node.network_error()
        house.info.network = RuntimeCondition(True)
        await eventually(is_ready)
    assert ("Normal", "NodeReady", "Node n status is now: NodeReady") in house.events.written


async def test_a_status_that_is_still_true_is_written_every_five_minutes(house: House) -> None:
    async with running(house.node.run()):
        await house.node.wait_registered()
        house.clock.time += datetime.timedelta(minutes=4)
        await house.beats(3)
        assert house.client.called("patch", NODES, "status") == []
        house.clock.time += datetime.timedelta(minutes=2)
        await eventually(lambda: house.client.called("patch", NODES, "status"))
        await house.beats(3)
    assert len(house.client.called("patch", NODES, "status")) == 1
    assert (await house.ready())["lastHeartbeatTime"] == "2026-01-02T00:06:00Z"
    assert (await house.ready())["lastTransitionTime"] == "2026-01-02T00:00:00Z"


async def test_a_node_that_is_there_already_is_taken_over(house: House) -> None:
    old = {"metadata": {"name": "n", "labels": {"mine": "x"}}, "spec": {"unschedulable": True}, "status": {}}
    await house.client.create(NODES, old)
    async with running(house.node.run()):
        await house.node.wait_registered()
    node = await house.client.get(NODES, "n")
    assert node["metadata"]["labels"]["mine"] == "x"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "n"
    assert node["spec"]["unschedulable"] is True
    assert (await house.ready())["status"] == "True"


async def test_an_api_that_is_not_there_yet_is_waited_for(house: House) -> None:
    house.client.fail_next("create", NODES, Unavailable("starting"), OSError("refused"))
    async with running(house.node.run()):
        await house.node.wait_known()
        assert house.node.host().host_ips == ("192.0.2.9",)
        assert house.node.facts().allocatable["pods"] == "110"
        await house.node.wait_registered()


async def test_a_node_that_somebody_deletes_is_registered_again(house: House) -> None:
    async with running(house.node.run()):
        await house.node.wait_registered()
        await house.client.delete(NODES, "n")
        house.clock.time += datetime.timedelta(minutes=6)
        await eventually(lambda: len(house.client.called("create", NODES)) == 2)


async def test_a_node_that_shuts_down_says_so(house: House) -> None:
    async def said() -> bool:
        return (await house.ready())["message"] == "node is shutting down"

    async with running(house.node.run()):
        await house.node.wait_registered()
        house.node.shut_down()
        await eventually(said)
