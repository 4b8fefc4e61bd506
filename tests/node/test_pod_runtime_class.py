"""RuntimeClass on a real node: each handler runs containers, and what is unknown is said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.node.pods import Pods, container, job, pod, status_of
from tests.node.running_node import RunningNode

from podwright.api.errors import StatusError
from podwright.api.resources import NODES, RUNTIME_CLASSES
from podwright.client.http import HttpClient


async def make(client: HttpClient, name: str, handler: str, **more: Any) -> None:
    """A RuntimeClass."""
    made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler}
    await client.create(RUNTIME_CLASSES, {**made, **more})


async def test_each_handler_runs_containers(node: RunningNode, client: HttpClient, pods: Pods) -> None:
    handlers = {one["name"] for one in (await client.get(NODES, node.name))["status"]["runtimeHandlers"]}
    assert {"runc", "crun"} <= handlers
    script = "echo $0 ran > /dev/termination-log"
    for handler in ("runc", "crun"):
        await make(client, f"with-{handler}", handler)
    said = await asyncio.gather(
        *(pods.message(job(handler, script, runtimeClassName=f"with-{handler}")) for handler in ("runc", "crun"))
    )
    assert said == ["sh ran\n", "sh ran\n"]


async def test_a_class_that_is_not_there_is_refused(pods: Pods) -> None:
    with pytest.raises(StatusError, match='RuntimeClass "nobody" not found'):
        await pods.create(pod("p", runtimeClassName="nobody"))


async def test_a_handler_the_runtime_does_not_have_is_said_in_an_event(client: HttpClient, pods: Pods) -> None:
    await make(client, "odd", "no-such-runtime")
    await pods.create(pod("p", runtimeClassName="odd"))
    await pods.until("p", lambda one: (status_of(one) or {}).get("state", {}).get("waiting"))
    await pods.until_told("p", "FailedCreatePodSandBox")


async def test_overhead_and_scheduling_come_from_the_class(client: HttpClient, pods: Pods) -> None:
    await make(client, "heavy", "runc", overhead={"podFixed": {"memory": "20Mi"}},
               scheduling={"nodeSelector": {"only": "there"}})  # fmt: skip
    made = await pods.create(pod("p", container(), runtimeClassName="heavy"))
    assert made["spec"]["overhead"] == {"memory": "20Mi"} and made["spec"]["nodeSelector"] == {"only": "there"}
    one = await pods.until("p", lambda one: one["status"].get("conditions"))
    assert "didn't match Pod's node affinity/selector" in one["status"]["conditions"][0]["message"]
