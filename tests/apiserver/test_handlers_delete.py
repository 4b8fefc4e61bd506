from __future__ import annotations

import datetime
from typing import Any

import pytest

from podwright.api.resources import PODS
from podwright.apiserver.handlers.delete import Step, decide
from podwright.apiserver.registry.strategy import Deletion, Row, Strategy
from podwright.client.interface import DeleteOptions

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Graceful(Strategy):
    def deletion(self, obj: dict[str, Any], requested_grace: int | None) -> Deletion:
        return Deletion(graceful=True, grace_period_seconds=30 if requested_grace is None else requested_grace)


PLAIN, GRACEFUL = (Row(PODS, s, "x") for s in (Strategy(), Graceful()))
HELD = {"finalizers": ["a/b"], "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
GOING = {"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    ("row", "meta", "options", "step", "after"),
    [
        pytest.param(PLAIN, {}, DeleteOptions(), Step.REMOVE, {}, id="a plain object goes at once"),
        pytest.param(
            PLAIN, {"finalizers": ["a/b"]}, DeleteOptions(), Step.MARK,
            {"finalizers": ["a/b"], "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0},
            id="a finalizer holds it",
        ),
        pytest.param(
            PLAIN, dict(HELD), DeleteOptions(), Step.LEAVE, HELD,
            id="and a second delete changes nothing",
        ),
        pytest.param(GRACEFUL, {}, DeleteOptions(), Step.MARK, GOING, id="grace is given"),
        pytest.param(GRACEFUL, dict(GOING), DeleteOptions(), Step.LEAVE, GOING, id="once"),
        pytest.param(GRACEFUL, dict(GOING), DeleteOptions(60), Step.LEAVE, GOING, id="never more"),
        pytest.param(
            GRACEFUL, dict(GOING), DeleteOptions(5), Step.MARK,
            {"deletionTimestamp": "2026-01-01T00:00:05Z", "deletionGracePeriodSeconds": 5},
            id="but less",
        ),
        pytest.param(
            GRACEFUL, dict(GOING), DeleteOptions(0), Step.REMOVE,
            {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0},
            id="and none at all removes",
        ),
        pytest.param(
            PLAIN, {}, DeleteOptions(propagation_policy="Foreground"), Step.MARK,
            {"finalizers": ["foregroundDeletion"], "deletionTimestamp": "2026-01-01T00:00:00Z",
             "deletionGracePeriodSeconds": 0},
            id="foreground waits for the dependents",
        ),
        pytest.param(
            PLAIN, {"finalizers": ["foregroundDeletion"]}, DeleteOptions(propagation_policy="Orphan"), Step.MARK,
            {"finalizers": ["orphan"], "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0},
            id="orphan takes foreground's place",
        ),
    ],
)  # fmt: skip
def test_how_a_delete_goes_on(
    row: Row, meta: dict[str, Any], options: DeleteOptions, step: Step, after: dict[str, Any]
) -> None:
    obj = {"metadata": {"name": "a", **meta}}
    before = {"metadata": dict(obj["metadata"])}
    decision = decide(obj, row, options, NOW)
    assert (decision.step, decision.obj["metadata"]) == (step, {"name": "a", **after})
    assert obj == before
