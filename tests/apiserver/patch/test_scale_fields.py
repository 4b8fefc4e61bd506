"""Who owns replicas, as a Scale tells it and back."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.apiserver.patch.managed_fields import ManagerId, Managers, Ownership
from podwright.apiserver.patch.scale_fields import REPLICAS, of_scale, of_workload

APPS, SCALES = "apps/v1", "autoscaling/v1"
PAUSED: dict[str, Any] = {"f:spec": {"f:paused": {}}}
BOTH: dict[str, Any] = {"f:spec": {"f:paused": {}, "f:replicas": {}}}


def owner(name: str, operation: str = "Update", version: str = APPS, subresource: str = "") -> ManagerId:
    return ManagerId(name, operation, version, subresource)


def in_scale(manager: ManagerId) -> ManagerId:
    return manager._replace(api_version=SCALES)


CREATOR, APPLIER, SCALER = owner("creator"), owner("applier", "Apply"), owner("scaler", "Apply", subresource="scale")


@pytest.mark.parametrize(
    ("managers", "seen"),
    [
        pytest.param({}, {}, id="nobody"),
        pytest.param({CREATOR: PAUSED}, {}, id="who owns other fields is not seen"),
        pytest.param({CREATOR: BOTH}, {in_scale(CREATOR): REPLICAS}, id="who owns more is seen with the replicas"),
        pytest.param(
            {APPLIER: REPLICAS, SCALER: REPLICAS},
            {in_scale(APPLIER): REPLICAS, in_scale(SCALER): REPLICAS},
            id="several who agree",
        ),
    ],
)
def test_of_scale(managers: dict[ManagerId, Any], seen: dict[ManagerId, Any]) -> None:
    found = of_scale({manager: Ownership(fields, "then") for manager, fields in managers.items()}, SCALES)
    assert found == {manager: Ownership(fields, "then") for manager, fields in seen.items()}


def then(fields: Any) -> Ownership:
    return Ownership(fields, "then")


def now(fields: Any) -> Ownership:
    return Ownership(fields, "now")


@pytest.mark.parametrize(
    ("managers", "scale", "wanted"),
    [
        pytest.param(
            {CREATOR: then(PAUSED)},
            {in_scale(SCALER): now(REPLICAS)},
            {CREATOR: then(PAUSED), SCALER: now(REPLICAS)},
            id="a first owner",
        ),
        pytest.param(
            {CREATOR: then(BOTH)},
            {in_scale(SCALER): now(REPLICAS)},
            {CREATOR: then(PAUSED), SCALER: now(REPLICAS)},
            id="taken from who owned more",
        ),
        pytest.param(
            {APPLIER: then(REPLICAS)},
            {in_scale(SCALER): now(REPLICAS)},
            {SCALER: now(REPLICAS)},
            id="taken from who owned nothing else",
        ),
        pytest.param(
            {CREATOR: then(BOTH)},
            {in_scale(CREATOR): then(REPLICAS), in_scale(SCALER): now(REPLICAS)},
            {CREATOR: then(BOTH), SCALER: now(REPLICAS)},
            id="shared by who wants the same",
        ),
        pytest.param(
            {SCALER: then(REPLICAS)}, {in_scale(SCALER): now(REPLICAS)}, {SCALER: now(REPLICAS)}, id="written again"
        ),
        pytest.param({SCALER: then(REPLICAS)}, {}, {}, id="given up"),
        pytest.param(
            {CREATOR: then(PAUSED)},
            {in_scale(SCALER): now({"f:metadata": {}})},
            {CREATOR: then(PAUSED)},
            id="what else a Scale has is nobody's",
        ),
    ],
)
def test_of_workload(managers: Managers, scale: Managers, wanted: Managers) -> None:
    assert of_workload(managers, scale, APPS) == wanted
