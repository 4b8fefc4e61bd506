"""What budgets allow, and the controller that keeps saying so."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Conflict
from podwright.api.objects import Object, rfc3339
from podwright.api.resources import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import DeleteOptions
from podwright.controllers.disruption.controller import DisruptionBudgets
from podwright.controllers.disruption.decision import Expected, allowance

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def pod(name: str, ready: bool = True, deleted: bool = False, owner: Object | None = None) -> Object:
    meta: dict[str, Any] = {"name": name, "namespace": "ns", "labels": {"app": "a"}}
    if deleted:
        meta["deletionTimestamp"] = rfc3339(NOW)
    if owner is not None:
        meta["ownerReferences"] = [owner]
    return {"metadata": meta, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}


def budget(disrupted: dict[str, float] | None = None, **spec: Any) -> Object:
    made: Object = {"metadata": {"name": "b", "namespace": "ns", "generation": 3}, "spec": spec}
    if disrupted:
        at = {name: rfc3339(NOW - datetime.timedelta(seconds=ago)) for name, ago in disrupted.items()}
        made["status"] = {"disruptedPods": at}
    return made


THREE = [pod("a"), pod("b"), pod("c")]


@pytest.mark.parametrize(
    ("made", "pods", "expected", "counts"),
    [
        pytest.param(budget(minAvailable=2), THREE, Expected(), (3, 2, 1, 3), id="two are to stay"),
        pytest.param(budget(minAvailable=3), THREE, Expected(), (3, 3, 0, 3), id="all are to stay"),
        pytest.param(
            budget(minAvailable=2), [*THREE[:2], pod("c", ready=False)], Expected(), (2, 2, 0, 3), id="one is ill"
        ),
        pytest.param(
            budget(minAvailable=2), [*THREE[:2], pod("c", deleted=True)], Expected(), (2, 2, 0, 3), id="one goes"
        ),
        pytest.param(budget(minAvailable="50%"), THREE, Expected(3), (3, 2, 1, 3), id="half of them, rounded up"),
        pytest.param(budget(maxUnavailable=1), THREE, Expected(3), (3, 2, 1, 3), id="one may be missing"),
        pytest.param(budget(maxUnavailable=1), THREE[:2], Expected(3), (2, 2, 0, 3), id="one is missing already"),
        pytest.param(budget(maxUnavailable="30%"), THREE, Expected(3), (3, 2, 1, 3), id="a third, rounded up"),
        pytest.param(budget(maxUnavailable=5), THREE, Expected(3), (3, 0, 3, 3), id="more than there are"),
        pytest.param(budget(minAvailable=0), [], Expected(), (0, 0, 0, 0), id="no Pods at all"),
        pytest.param(
            budget({"a": 10}, minAvailable=2), THREE, Expected(), (2, 2, 0, 3), id="an eviction that is under way"
        ),
        pytest.param(
            budget({"a": 121}, minAvailable=2), THREE, Expected(), (3, 2, 1, 3), id="an eviction that came to nothing"
        ),
        pytest.param(budget({"z": 10}, minAvailable=2), THREE, Expected(), (3, 2, 1, 3), id="an eviction that is over"),
        pytest.param(
            budget(maxUnavailable=1), THREE, Expected(error="why"), (3, 0, 0, 0), id="nothing is allowed on a guess"
        ),
    ],
)
def test_allowance(made: Object, pods: list[Object], expected: Expected, counts: tuple[int, ...]) -> None:
    status = allowance(made, pods, expected, NOW).status
    names = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    assert tuple(status[name] for name in names) == counts
    assert status["observedGeneration"] == 3
    (condition,) = status["conditions"]
    wanted = "SufficientPods" if counts[2] else "InsufficientPods"
    assert (condition["status"], condition["reason"]) == (
        ("True", wanted) if counts[2] else ("False", "SyncFailed" if expected.error else wanted)
    )


def test_conditions_of_others_stay() -> None:
    mine = {"type": "example.com/Mine", "status": "True"}
    made = budget(minAvailable=2)
    made.setdefault("status", {})["conditions"] = [{"type": "DisruptionAllowed", "status": "False"}, mine]
    first, second = allowance(made, THREE, Expected(), NOW).status["conditions"]
    assert (first["type"], first["status"], second) == ("DisruptionAllowed", "True", mine)
    made["status"]["conditions"] = [mine]
    assert [c["type"] for c in allowance(made, THREE, Expected(), NOW).status["conditions"]] == [
        "example.com/Mine",
        "DisruptionAllowed",
    ]


def test_it_looks_again_when_an_eviction_is_given_up() -> None:
    assert allowance(budget({"a": 20, "b": 50}, minAvailable=1), THREE, Expected(), NOW).again_after == 70


async def test_a_budget_follows_its_pods_and_those_who_keep_them() -> None:
    client = FakeClient()
    clock = lambda: datetime.datetime.now(datetime.UTC)  # noqa: E731  # a clock
    informers, recorder = Informers(client), EventRecorder(client, "controllermanager", "", clock)
    deployment = await client.create(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": {"replicas": 4}}, "ns")

    def owned(by: Object) -> dict[str, Any]:
        uid = by["metadata"]["uid"]
        return {
            "apiVersion": "apps/v1",
            "kind": by["kind"],
            "name": by["metadata"]["name"],
            "uid": uid,
            "controller": True,
        }

    meta = {"name": "r", "ownerReferences": [owned(deployment)]}
    replicas = await client.create(REPLICA_SETS, {"metadata": meta, "spec": {"replicas": 4}}, "ns")
    for name in "abcd":
        await client.create(PODS, pod(name, owner=owned(replicas)), "ns")
    spec = {"maxUnavailable": "50%", "selector": {"matchLabels": {"app": "a"}}}
    client.fail_next("update", POD_DISRUPTION_BUDGETS, Conflict.of("pdb", "b"), subresource="status")
    await client.create(POD_DISRUPTION_BUDGETS, {"metadata": {"name": "b"}, "spec": spec}, "ns")

    async def allows(count: int) -> bool:
        status = (await client.get(POD_DISRUPTION_BUDGETS, "b", "ns")).get("status") or {}
        return status.get("disruptionsAllowed") == count

    async with running(informers.run(), recorder.run(), DisruptionBudgets(client, informers, recorder, clock).run()):
        await eventually(lambda: allows(2))
        await client.delete(PODS, "a", "ns", DeleteOptions(grace_period_seconds=0))
        await eventually(lambda: allows(1))
        await client.patch(DEPLOYMENTS, "d", {"spec": {"replicas": 2}}, "ns")
        await eventually(lambda: allows(2))
