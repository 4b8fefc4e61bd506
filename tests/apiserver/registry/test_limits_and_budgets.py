"""LimitRanges, ResourceQuotas and PodDisruptionBudgets: what is filled in, what is wrong, what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.apiserver.registry.limit_range import LimitRangeStrategy
from podwright.apiserver.registry.pod_disruption_budget import PodDisruptionBudgetStrategy
from podwright.apiserver.registry.resource_quota import ResourceQuotaStrategy
from podwright.apiserver.registry.strategy import Strategy


def errors(strategy: Strategy, spec: dict[str, Any]) -> list[str]:
    made: Object = {"metadata": {"name": "x"}, "spec": spec}
    strategy.default(made)
    return [str(e) for e in strategy.validate(made)]


def cells(strategy: Strategy, made: Object) -> list[Any]:
    return [column.cell({"metadata": {"name": "x"}, **made}, 0.0) for column in strategy.columns]


def test_the_defaults_of_a_limit_range() -> None:
    made: Object = {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2.0"}, "min": {"memory": "1Mi"}}]}}
    LimitRangeStrategy().default(made)
    (item,) = made["spec"]["limits"]
    assert item["default"] == {"cpu": "2"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "1Mi"}


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        pytest.param({"type": "Pod", "max": {"cpu": "1"}}, [], id="a good one"),
        pytest.param({"max": {"cpu": "1"}}, ["spec.limits[0].type: Required value"], id="of what"),
        pytest.param(
            {"type": "Pod", "default": {"cpu": "1"}},
            ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
            id="a default for a whole Pod",
        ),
        pytest.param(
            {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}},
            ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
             'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request '
             "value 1",
             'spec.limits[0].default[cpu]: Invalid value: "1": min value 2 is greater than default value 1'],
            id="the other way round",
        ),
        pytest.param(
            {"type": "PersistentVolumeClaim", "max": {"cpu": "1"}},
            ["spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither "
             "was provided"],
            id="a claim has a size only",
        ),
        pytest.param(
            {"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}},
            ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
            id="less than nothing",
        ),
    ],
)  # fmt: skip
def test_limit_range_errors(item: dict[str, Any], wrong: list[str]) -> None:
    assert errors(LimitRangeStrategy(), {"limits": [item]}) == wrong


def test_a_type_stands_once() -> None:
    item = {"type": "Pod", "max": {"cpu": "1"}}
    assert errors(LimitRangeStrategy(), {"limits": [item, dict(item)]}) == [
        'spec.limits[1].type: Duplicate value: "Pod"'
    ]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"hard": {"pods": "3", "requests.cpu": "1.5", "count/jobs.batch": "2"}}, [], id="a good one"),
        pytest.param(
            {"hard": {"pods": "1500m"}},
            ['spec.hard[pods]: Invalid value: "1500m": must be an integer'],
            id="half a Pod",
        ),
        pytest.param(
            {"hard": {"gold": "1"}},
            ['spec.hard[gold]: Invalid value: "gold": must be a standard resource for quota'],
            id="nothing that there is",
        ),
        pytest.param(
            {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
            id="scopes that exclude each other",
        ),
        pytest.param(
            {"hard": {"cpu": "1"}, "scopes": ["BestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
            id="what such Pods do not have",
        ),
        pytest.param(
            {
                "hard": {"pods": "1"},
                "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]},
            },
            [
                "spec.scopeSelector.matchExpressions[0].values: Required value: must be at least one value when "
                "`operator` is 'In' or 'NotIn' for scope selector"
            ],
            id="in nothing",
        ),
    ],
)
def test_quota_errors(spec: dict[str, Any], wrong: list[str]) -> None:
    assert errors(ResourceQuotaStrategy(), spec) == wrong


def test_the_scopes_of_a_quota_stay() -> None:
    old = {"spec": {"hard": {"pods": "1"}, "scopes": ["Terminating"]}}
    new = {"spec": {"hard": {"pods": "2"}}}
    strategy = ResourceQuotaStrategy()
    assert [str(e) for e in strategy.validate_update(new, old)] == [
        "spec.scopes: Invalid value: []: field is immutable"
    ]
    assert not strategy.validate_update({"spec": {**old["spec"], "hard": {"pods": "2"}}}, old)


def test_quota_columns() -> None:
    status = {"hard": {"pods": "3", "limits.cpu": "2", "cpu": "1"}, "used": {"pods": "1", "cpu": "500m"}}
    assert cells(ResourceQuotaStrategy(), {"status": status}) == [
        "x", "cpu: 500m/1, pods: 1/3", "limits.cpu: 0/2", "<unknown>",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"minAvailable": 1, "selector": {}}, [], id="a number"),
        pytest.param({"maxUnavailable": "20%"}, [], id="a share"),
        pytest.param(
            {"minAvailable": 1, "maxUnavailable": 1},
            [
                'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be '
                "both set"
            ],
            id="both bounds",
        ),
        pytest.param(
            {"minAvailable": "120%"},
            ['spec.minAvailable: Invalid value: "120%": must not be greater than 100%'],
            id="more than all",
        ),
        pytest.param(
            {"unhealthyPodEvictionPolicy": "Never"},
            [
                'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
                '"IfHealthyBudget"'
            ],
            id="no such policy",
        ),
    ],
)
def test_budget_errors(spec: dict[str, Any], wrong: list[str]) -> None:
    assert errors(PodDisruptionBudgetStrategy(), spec) == wrong


def test_budget_columns() -> None:
    made = {"spec": {"maxUnavailable": "20%"}, "status": {"disruptionsAllowed": 2}}
    assert cells(PodDisruptionBudgetStrategy(), made) == ["x", "N/A", "20%", 2, "<unknown>"]
