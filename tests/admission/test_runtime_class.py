"""What a class does to a Pod, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.admission.requests import pod, write
from tests.fakes.client import FakeClient

from podwright.admission.interface import Operation
from podwright.admission.runtime_class import LONE_OVERHEAD, OTHER_OVERHEAD, RuntimeClass
from podwright.api.errors import Forbidden
from podwright.api.objects import Object, copy_object
from podwright.api.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    POD_TEMPLATES,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    RUNTIME_CLASSES,
    STATEFUL_SETS,
    Resource,
)

GPU = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}


async def cluster(**runtime_class: Any) -> FakeClient:
    client = FakeClient()
    await client.create(RUNTIME_CLASSES, {"metadata": {"name": "heavy"}, "handler": "crun", **runtime_class})
    return client


async def run(client: FakeClient, made: Object) -> Object:
    plugin, attributes = RuntimeClass(client), write(made)
    await plugin.admit(attributes)
    await plugin.validate(attributes)
    return made["spec"]


OVERHEAD = {"overhead": {"podFixed": {"cpu": "250m"}}}


@pytest.mark.parametrize(
    ("runtime_class", "spec", "gained"),
    [
        pytest.param({}, {"runtimeClassName": "heavy"}, {}, id="a class that asks for nothing"),
        pytest.param(OVERHEAD, {}, {}, id="no class, no overhead"),
        pytest.param(OVERHEAD, {"runtimeClassName": ""}, {}, id="an empty class is none"),
        pytest.param(
            OVERHEAD, {"runtimeClassName": "heavy"}, {"overhead": {"cpu": "250m"}}, id="the class's overhead is set"
        ),
        pytest.param(
            OVERHEAD,
            {"runtimeClassName": "heavy", "overhead": {"cpu": "0.25"}},
            {},
            id="the same overhead in other words is accepted",
        ),
        pytest.param(
            {"scheduling": {"nodeSelector": {"b": "2"}, "tolerations": [GPU]}},
            {"runtimeClassName": "heavy", "nodeSelector": {"a": "1"}, "tolerations": [{**GPU, "key": "disk"}]},
            {"nodeSelector": {"a": "1", "b": "2"}, "tolerations": [{**GPU, "key": "disk"}, GPU]},
            id="selectors and tolerations are united",
        ),
        pytest.param(
            {"scheduling": {"tolerations": [GPU]}},
            {"runtimeClassName": "heavy", "tolerations": [{"key": "gpu", "operator": "Exists"}]},
            {},
            id="a toleration that the Pod has already",
        ),
    ],
)
async def test_merge(runtime_class: dict[str, Any], spec: dict[str, Any], gained: dict[str, Any]) -> None:
    made = pod(**copy_object(spec))
    expected = {**copy_object(made["spec"]), **gained}
    assert await run(await cluster(**runtime_class), made) == expected


@pytest.mark.parametrize(
    ("runtime_class", "spec", "why"),
    [
        pytest.param({}, {"runtimeClassName": "gone"}, 'pod rejected: RuntimeClass "gone" not found', id="no class"),
        pytest.param(
            {}, {"runtimeClassName": "A b"}, 'pod rejected: RuntimeClass "A b" not found', id="no name for a class"
        ),
        pytest.param(
            OVERHEAD,
            {"runtimeClassName": "heavy", "overhead": {"cpu": "1"}},
            OTHER_OVERHEAD,
            id="another overhead than the class's",
        ),
        pytest.param(
            {}, {"runtimeClassName": "heavy", "overhead": {"cpu": "1"}}, LONE_OVERHEAD, id="the class has no overhead"
        ),
        pytest.param({}, {"overhead": {"cpu": "1"}}, LONE_OVERHEAD, id="overhead without a class"),
        pytest.param(
            {"scheduling": {"nodeSelector": {"disk": "ssd"}}},
            {"runtimeClassName": "heavy", "nodeSelector": {"disk": "hdd"}},
            "conflict: runtimeClass.scheduling.nodeSelector[disk] = ssd; pod.spec.nodeSelector[disk] = hdd",
            id="another node",
        ),
    ],
)
async def test_refusal(runtime_class: dict[str, Any], spec: dict[str, Any], why: str) -> None:
    client = await cluster(**runtime_class)
    with pytest.raises(Forbidden) as refused:
        await run(client, pod(**spec))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


async def test_updates_are_not_looked_at() -> None:
    client = FakeClient()
    made = pod(runtimeClassName="gone")
    await RuntimeClass(client).admit(write(made, Operation.UPDATE, old=made))
    assert client.calls == []


def node(*handlers: str, ready: str = "True") -> Object:
    return {
        "metadata": {"name": f"n{len(handlers)}{ready}"},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "runtimeHandlers": [{"name": h} for h in handlers],
        },
    }


UNKNOWN = 'RuntimeClass "heavy": no ready node offers the handler "crun"; handlers there are: '


@pytest.mark.parametrize(
    ("nodes", "warnings"),
    [
        pytest.param([], [], id="no node says anything"),
        pytest.param([node("", "crun")], [], id="a node offers it"),
        pytest.param([node("", "runc", "kata")], [UNKNOWN + "kata, runc"], id="no node offers it"),
        pytest.param([node("crun", ready="False"), node("", "runc")], [UNKNOWN + "runc"], id="no ready node offers it"),
    ],
)
async def test_a_handler_that_nobody_offers_is_told_at_once(nodes: list[Object], warnings: list[str]) -> None:
    client = await cluster()
    for each in nodes:
        await client.create(NODES, each)
    for attributes in (
        write(pod(runtimeClassName="heavy")),
        write(await client.get(RUNTIME_CLASSES, "heavy"), resource=RUNTIME_CLASSES, name="heavy"),
    ):
        await RuntimeClass(client).validate(attributes)
        assert attributes.warnings == warnings


def templated(resource: Resource, **spec: Any) -> Object:
    """An object of a kind with a Pod template."""
    template: Object = {"spec": {"containers": [], **spec}}
    if resource == CRON_JOBS:
        return {"spec": {"jobTemplate": {"spec": {"template": template}}}}
    return {"template": template} if resource == POD_TEMPLATES else {"spec": {"template": template}}


TEMPLATED = (
    POD_TEMPLATES, REPLICATION_CONTROLLERS, REPLICA_SETS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, CRON_JOBS,
)  # fmt: skip


@pytest.mark.parametrize("resource", TEMPLATED, ids=lambda resource: resource.kind)
async def test_a_template_is_told_of_a_class_that_its_pods_cannot_have(resource: Resource) -> None:
    client = await cluster()
    await client.create(NODES, node("", "runc"))
    plugin = RuntimeClass(client)
    heavy, light, gone = (templated(resource, runtimeClassName=n) for n in ("heavy", "", "gone"))
    for made, old, warnings in (
        (heavy, None, [UNKNOWN + "runc"]),
        (heavy, light, [UNKNOWN + "runc"]),
        (heavy, heavy, []),
        (light, heavy, []),
        (gone, None, ['RuntimeClass "gone" not found: Pods of this template will be refused']),
    ):
        operation = Operation.CREATE if old is None else Operation.UPDATE
        attributes = write(made, operation, resource=resource, old=old)
        await plugin.admit(attributes)
        await plugin.validate(attributes)
        assert attributes.warnings == warnings
