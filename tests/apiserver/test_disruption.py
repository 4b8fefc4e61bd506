"""Evictions and budgets: who may go, what it costs, and that many at once do not cost too little."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from podwright.admission.interface import User
from podwright.api.errors import InternalError, NotFound, StatusError, TooManyRequests
from podwright.api.objects import Object
from podwright.api.resources import POD_DISRUPTION_BUDGETS, PODS
from podwright.api.schema import Schema
from podwright.apiserver.context import Context
from podwright.apiserver.disruption import budgets_of, needs_no_budget, ruling
from podwright.apiserver.local_client import LocalClient
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.subresources import Subresources
from podwright.apiserver.tokens import Tokens
from podwright.storage.memory import MemoryStore


def pod(ready: bool = True, **fields: Any) -> Object:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"name": "p", "namespace": "ns", "labels": {"app": "a"}}, "status": status, **fields}


def budget(policy: str = "", generation: int = 1, **status: Any) -> Object:
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "a"}}}
    if policy:
        spec["unhealthyPodEvictionPolicy"] = policy
    counts = {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, **status}
    return {"metadata": {"name": "b", "namespace": "ns", "generation": generation}, "spec": spec, "status": counts}


VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."


@pytest.mark.parametrize(
    ("one", "held", "costs"),
    [
        pytest.param(pod(), budget(disruptionsAllowed=1), True, id="one may go"),
        pytest.param(pod(ready=False), budget(), False, id="an ill one, while the others are enough"),
        pytest.param(
            pod(ready=False), budget("AlwaysAllow", currentHealthy=1), False, id="an ill one, where that is always so"
        ),
    ],
)
def test_allowed(one: Object, held: Object, costs: bool) -> None:
    assert ruling(one, held).costs == costs


@pytest.mark.parametrize(
    ("one", "held", "code", "cause"),
    [
        pytest.param(
            pod(), budget(), 429, "The disruption budget b needs 2 healthy pods and has 2 currently", id="none may go"
        ),
        pytest.param(
            pod(ready=False),
            budget(currentHealthy=1),
            429,
            "The disruption budget b needs 2 healthy pods and has 1 currently",
            id="an ill one, while the others are not enough",
        ),
        pytest.param(
            pod(),
            budget(generation=2, disruptionsAllowed=1),
            429,
            "The disruption budget b is still being processed by the server.",
            id="a budget that has just been changed",
        ),
        pytest.param(pod(), budget(disruptionsAllowed=-1), 403, "", id="a status that makes no sense"),
    ],
)
def test_refused(one: Object, held: Object, code: int, cause: str) -> None:
    with pytest.raises(StatusError) as refused:
        ruling(one, held)
    assert refused.value.code == code
    if code == 429:
        assert refused.value.message == VIOLATES
        assert refused.value.details["causes"] == [{"reason": "DisruptionBudget", "message": cause}]


@pytest.mark.parametrize(
    ("one", "free"),
    [
        pytest.param(pod(), False, id="a Pod that runs"),
        pytest.param(pod(status={"phase": "Pending"}), True, id="one that has not begun"),
        pytest.param(pod(status={"phase": "Failed"}), True, id="one that is over"),
        pytest.param(pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), True, id="one that goes"),
    ],
)
def test_needs_no_budget(one: Object, free: bool) -> None:
    assert needs_no_budget(one) == free


def test_a_budget_without_a_selector_is_about_nothing() -> None:
    everything = {"spec": {"selector": {}}}
    assert budgets_of(pod(), [budget(), {"spec": {}}, everything]) == [budget(), everything]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([row.schema for row in ROWS])


async def served(schema: Schema, tokens: Tokens, pods: int, *budgets: Object) -> LocalClient:
    context = Context(MemoryStore(), ROWS, schema)
    client = LocalClient(context, User("admin", ("system:masters",)), Subresources(context, tokens).post)
    for number in range(pods):
        meta = {"name": f"p{number}", "labels": {"app": "a"}}
        spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}
        await client.create(PODS, {"metadata": meta, "spec": spec}, "ns")
        await client.patch(PODS, f"p{number}", {"status": pod()["status"]}, "ns", subresource="status")
    for made in budgets:
        await client.create(POD_DISRUPTION_BUDGETS, {**made, "metadata": dict(made["metadata"])}, "ns")
        await client.patch(
            POD_DISRUPTION_BUDGETS, made["metadata"]["name"], {"status": made["status"]}, "ns", subresource="status"
        )
    return client


async def evict(client: LocalClient, name: str, **options: Any) -> Object:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "ns"}, **options}
    return await client.create(PODS, body, "ns", name=name, subresource="eviction")


@pytest.fixture
def tokens(tmp_path: Any) -> Tokens:
    return Tokens(tmp_path / "key", "issuer")


async def test_of_ten_evictions_at_once_three_are_allowed(schema: Schema, tokens: Tokens) -> None:
    client = await served(schema, tokens, 10, budget(disruptionsAllowed=3))
    outcomes = await asyncio.gather(*(evict(client, f"p{n}") for n in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 7
    status = (await client.get(POD_DISRUPTION_BUDGETS, "b", "ns"))["status"]
    assert status["disruptionsAllowed"] == 0
    gone = {
        p["metadata"]["name"] for p in (await client.list(PODS, "ns")).items if "deletionTimestamp" in p["metadata"]
    }
    assert set(status["disruptedPods"]) == gone
    assert len(gone) == 3


async def test_a_dry_run_costs_nothing(schema: Schema, tokens: Tokens) -> None:
    client = await served(schema, tokens, 1, budget(disruptionsAllowed=1))
    await evict(client, "p0", deleteOptions={"dryRun": ["All"]})
    assert (await client.get(POD_DISRUPTION_BUDGETS, "b", "ns"))["status"]["disruptionsAllowed"] == 1
    assert "deletionTimestamp" not in (await client.get(PODS, "p0", "ns"))["metadata"]


async def test_two_budgets_are_one_too_many(schema: Schema, tokens: Tokens) -> None:
    second = budget(disruptionsAllowed=1)
    second["metadata"]["name"] = "second"
    client = await served(schema, tokens, 1, budget(disruptionsAllowed=1), second)
    with pytest.raises(InternalError, match="more than one PodDisruptionBudget"):
        await evict(client, "p0")


async def test_a_pod_that_is_not_there(schema: Schema, tokens: Tokens) -> None:
    client = await served(schema, tokens, 0)
    with pytest.raises(NotFound):
        await evict(client, "ghost")
