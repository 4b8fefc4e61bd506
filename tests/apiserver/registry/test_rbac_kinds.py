"""Roles and bindings: what is wrong with them, defaults, columns."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.apiserver.registry.role import ClusterRoleStrategy, RoleStrategy
from podwright.apiserver.registry.role_binding import ClusterRoleBindingStrategy, RoleBindingStrategy
from podwright.apiserver.registry.strategy import Strategy

GROUP = "rbac.authorization.k8s.io"
NOW = 1_700_000_100.0
CREATED = "2023-11-14T22:13:20Z"


def role(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r", "creationTimestamp": CREATED}, "rules": list(rules), **fields}


def rule(**fields: Any) -> dict[str, Any]:
    return {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], **fields}


PATHS = {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}


@pytest.mark.parametrize(
    ("strategy", "obj", "wrong"),
    [
        pytest.param(RoleStrategy(), role(rule()), [], id="a good role"),
        pytest.param(RoleStrategy(), role(), [], id="a role without rules"),
        pytest.param(ClusterRoleStrategy(), role(rule(), PATHS), [], id="a good cluster role"),
        pytest.param(
            RoleStrategy(),
            role(rule(), rule(verbs=[])),
            ["rules[1].verbs: Required value: verbs must contain at least one value"],
            id="no verb",
        ),
        pytest.param(
            RoleStrategy(),
            role(rule(apiGroups=[], resources=[])),
            [
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
            id="about nothing",
        ),
        pytest.param(
            RoleStrategy(),
            role(PATHS),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to '
                "non-resource URLs"
            ],
            id="paths are in no namespace",
        ),
        pytest.param(
            ClusterRoleStrategy(),
            role(rule(nonResourceURLs=["/metrics"])),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: rules cannot apply to both regular resources '
                "and non-resource URLs"
            ],
            id="paths and resources in one rule",
        ),
        pytest.param(
            ClusterRoleStrategy(),
            role(aggregationRule={}),
            [
                "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if "
                "aggregationRule is non-nil"
            ],
            id="an aggregation of nothing",
        ),
        pytest.param(
            ClusterRoleStrategy(),
            role(aggregationRule={"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "Odd"}]}]}),
            [
                "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "
                '"Odd": not a valid selector operator'
            ],
            id="an aggregation that nobody can read",
        ),
    ],
)
def test_roles(strategy: Strategy, obj: dict[str, Any], wrong: list[str]) -> None:
    assert list(map(str, strategy.validate(obj))) == wrong


def binding(*subjects: dict[str, str], kind: str = "Role", **reference: str) -> dict[str, Any]:
    made = {
        "metadata": {"name": "b", "creationTimestamp": CREATED},
        "roleRef": {"kind": kind, "name": "r", **reference},
        "subjects": list(subjects),
    }
    RoleBindingStrategy().default(made)
    return made


JANE = {"kind": "User", "name": "jane"}
DEV = {"kind": "Group", "name": "dev"}
ROBOT = {"kind": "ServiceAccount", "name": "robot", "namespace": "ns"}


def test_groups_are_filled_in() -> None:
    made = binding(dict(JANE), dict(DEV), dict(ROBOT))
    assert made["roleRef"]["apiGroup"] == GROUP
    assert [subject.get("apiGroup") for subject in made["subjects"]] == [GROUP, GROUP, None]


@pytest.mark.parametrize(
    ("strategy", "obj", "wrong"),
    [
        pytest.param(RoleBindingStrategy(), binding(dict(JANE), dict(DEV), dict(ROBOT)), [], id="a good binding"),
        pytest.param(RoleBindingStrategy(), binding(kind="ClusterRole"), [], id="of a cluster role, to nobody"),
        pytest.param(
            ClusterRoleBindingStrategy(),
            binding(),
            ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
            id="everywhere takes a cluster role",
        ),
        pytest.param(
            RoleBindingStrategy(),
            binding(kind="Rule", apiGroup="x"),
            [
                f'roleRef.apiGroup: Unsupported value: "x": supported values: "{GROUP}"',
                'roleRef.kind: Unsupported value: "Rule": supported values: "Role", "ClusterRole"',
            ],
            id="what is no role",
        ),
        pytest.param(
            RoleBindingStrategy(),
            binding(name="a/b"),
            ["roleRef.name: Invalid value: \"a/b\": may not contain '/'"],
            id="a name that fits in no path",
        ),
        pytest.param(
            RoleBindingStrategy(), binding(name=""), ["roleRef.name: Required value"], id="a role without a name"
        ),
        pytest.param(
            RoleBindingStrategy(),
            binding({"kind": "User", "name": ""}, {"kind": "Robot", "name": "x"}),
            [
                "subjects[0].name: Required value",
                'subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
            ],
            id="subjects that are none",
        ),
        pytest.param(
            RoleBindingStrategy(),
            binding({"kind": "ServiceAccount", "name": "robot", "apiGroup": GROUP}),
            [f'subjects[0].apiGroup: Unsupported value: "{GROUP}": supported values: ""'],
            id="an account is of no group",
        ),
        pytest.param(
            ClusterRoleBindingStrategy(),
            binding({"kind": "ServiceAccount", "name": "robot"}, kind="ClusterRole"),
            ["subjects[0].namespace: Required value"],
            id="an account that could be anywhere",
        ),
    ],
)
def test_bindings(strategy: Strategy, obj: dict[str, Any], wrong: list[str]) -> None:
    assert list(map(str, strategy.validate(obj))) == wrong


def test_the_role_of_a_binding_stays() -> None:
    (error,) = RoleBindingStrategy().validate_update(binding(name="other"), binding(dict(JANE)))
    assert str(error).startswith("roleRef: Invalid value:") and str(error).endswith("cannot change roleRef")
    assert RoleBindingStrategy().validate_update(binding(dict(DEV)), binding(dict(JANE))) == []


@pytest.mark.parametrize("name", ["system:node", "A B", "x_y"])
def test_names_need_only_fit_in_a_path(name: str) -> None:
    assert RoleStrategy().name_errors(name, prefix=False) == []
    assert RoleBindingStrategy().name_errors(name, prefix=False) == []


def test_names_that_do_not() -> None:
    assert RoleStrategy().name_errors("..", prefix=False) == ["may not be '..'"]
    assert RoleStrategy().name_errors("a%b", prefix=False) == ["may not contain '%'"]


def test_columns() -> None:
    assert [c.cell(role(), NOW) for c in RoleStrategy.columns] == ["r", CREATED]
    other = {**ROBOT, "name": "arm"}
    cells = {
        c.name: c.cell(binding(dict(JANE), dict(DEV), dict(ROBOT), other), NOW) for c in RoleBindingStrategy.columns
    }
    assert cells == {
        "Name": "b",
        "Role": "Role/r",
        "Age": "100s",
        "Users": "jane",
        "Groups": "dev",
        "ServiceAccounts": "ns/robot, ns/arm",
    }
