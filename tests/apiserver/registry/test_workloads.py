"""The kinds of the group apps, ReplicationControllers and PodTemplates: what is filled in, wrong, and shown."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import set_at

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.controller_revision import ControllerRevisionStrategy
from podwright.apiserver.registry.daemon_set import DaemonSetStrategy
from podwright.apiserver.registry.deployment import DeploymentStrategy
from podwright.apiserver.registry.pod_template_objects import PodTemplateStrategy
from podwright.apiserver.registry.replica_set import ReplicaSetStrategy, ReplicationControllerStrategy
from podwright.apiserver.registry.scale import scale_of, scaled
from podwright.apiserver.registry.stateful_set import StatefulSetStrategy
from podwright.apiserver.registry.strategy import Strategy
from podwright.apiserver.registry.workload import selector_text

DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, CONTROLLER = (
    DeploymentStrategy(), ReplicaSetStrategy(), StatefulSetStrategy(), DaemonSetStrategy(),
    ReplicationControllerStrategy(),
)  # fmt: skip
WITH_SELECTOR = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET)
ALL = (*WITH_SELECTOR, CONTROLLER)


def name_of_strategy(strategy: Strategy) -> str:
    return type(strategy).__name__.removesuffix("Strategy")


def raw(strategy: Strategy, edits: dict[str, Any] | None = None) -> Object:
    """A small object as a user writes it, with `edits` by path."""
    labels = {"app": "a"}
    selector: Any = labels if strategy is CONTROLLER else {"matchLabels": labels}
    made: Object = {
        "metadata": {"name": "w"},
        "spec": {
            "selector": dict(selector),
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}},
        },
    }
    for path, value in (edits or {}).items():
        set_at(made, path, value)
    return made


def whole(strategy: Strategy, edits: dict[str, Any] | None = None) -> Object:
    made = raw(strategy, edits)
    strategy.default(made)
    return made


@pytest.mark.parametrize(
    ("strategy", "spec"),
    [
        pytest.param(
            DEPLOYMENT,
            {
                "replicas": 1,
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            },
            id="a Deployment rolls by a quarter",
        ),
        pytest.param(REPLICA_SET, {"replicas": 1}, id="a ReplicaSet has one Pod"),
        pytest.param(CONTROLLER, {"replicas": 1}, id="a ReplicationController has one Pod"),
        pytest.param(
            STATEFUL_SET,
            {
                "replicas": 1,
                "revisionHistoryLimit": 10,
                "podManagementPolicy": "OrderedReady",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            },
            id="a StatefulSet goes in order and keeps claims",
        ),
        pytest.param(
            DAEMON_SET,
            {
                "revisionHistoryLimit": 10,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            },
            id="a DaemonSet goes node by node",
        ),
    ],
)
def test_what_is_filled_in(strategy: Strategy, spec: dict[str, Any]) -> None:
    made = whole(strategy)
    found = {k: v for k, v in made["spec"].items() if k not in ("selector", "template")}
    assert found == spec
    assert made["spec"]["template"]["spec"]["restartPolicy"] == "Always"
    assert strategy.validate(made) == []
    again = copy_object(made)
    strategy.default(again)
    assert again == made


@pytest.mark.parametrize("strategy", ALL, ids=name_of_strategy)
def test_a_new_object_has_a_status_of_its_own(strategy: Strategy) -> None:
    made = whole(strategy, {"status": {"replicas": 7, "numberReady": 7}})
    strategy.prepare_for_create(made)
    assert not any(made["status"].values())


def test_a_replication_controller_takes_selector_and_labels_from_its_template() -> None:
    made = raw(CONTROLLER)
    del made["spec"]["selector"]
    CONTROLLER.default(made)
    assert made["spec"]["selector"] == made["metadata"]["labels"] == {"app": "a"}


def test_a_container_on_the_host_s_network_gets_its_host_port_only_in_pods() -> None:
    made = whole(DEPLOYMENT, {"spec.template.spec.hostNetwork": True})
    made["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "protocol": "TCP"}]
    DEPLOYMENT.default(made)
    assert "hostPort" not in made["spec"]["template"]["spec"]["containers"][0]["ports"][0]
    assert DEPLOYMENT.validate(made) == []


T = "spec.template"
MISMATCH = f'{T}.metadata.labels: Invalid value: {{"app":"b"}}: `selector` does not match template `labels`'


@pytest.mark.parametrize("strategy", ALL, ids=name_of_strategy)
@pytest.mark.parametrize(
    ("edits", "error"),
    [
        pytest.param({f"{T}.metadata.labels": {"app": "b"}}, MISMATCH, id="the selector finds the template"),
        pytest.param(
            {f"{T}.spec.restartPolicy": "Never"},
            f'{T}.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
            id="Pods are started again",
        ),
        pytest.param(
            {f"{T}.spec.containers.0.image": ""},
            f"{T}.spec.containers[0].image: Required value",
            id="a container has an image",
        ),
        pytest.param(
            {f"{T}.spec.ephemeralContainers": [{"name": "e", "image": "i:1"}]},
            f"{T}.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
            id="no ephemeral containers",
        ),
    ],
)
def test_what_all_refuse(strategy: Strategy, edits: dict[str, Any], error: str) -> None:
    assert [str(e) for e in strategy.validate(whole(strategy, edits))] == [error]


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [(DEPLOYMENT, "deployment"), (REPLICA_SET, "deployment"), (STATEFUL_SET, "statefulset"), (DAEMON_SET, "daemonset")],
    ids=lambda value: name_of_strategy(value) if isinstance(value, Strategy) else "",
)
def test_a_selector_selects_something_and_stays(strategy: Strategy, kind: str) -> None:
    empty = [str(e) for e in strategy.validate(whole(strategy, {"spec.selector": {}}))]
    assert empty == [f"spec.selector: Invalid value: {{}}: empty selector is invalid for {kind}"]
    missing = [str(e) for e in strategy.validate(whole(strategy, {"spec.selector": None}))]
    assert missing[0] == "spec.selector: Required value"
    assert "`selector` does not match template `labels`" in missing[1]
    old, new = whole(strategy), whole(strategy, {"spec.selector": {"matchLabels": {"app": "b"}}})
    set_at(new, f"{T}.metadata.labels", {"app": "b"})
    (error,) = strategy.validate_update(new, old)
    wanted = (
        "updates to statefulset spec for fields other than"
        if strategy is STATEFUL_SET
        else 'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'
    )
    assert wanted in str(error)


PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
R, U = "spec.strategy.rollingUpdate", "spec.updateStrategy.rollingUpdate"


@pytest.mark.parametrize(
    ("strategy", "edits", "errors"),
    [
        pytest.param(
            DEPLOYMENT,
            {"spec.replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            id="not fewer than none",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec.strategy": {"type": "Sideways"}},
            ['spec.strategy.type: Unsupported value: "Sideways": supported values: "Recreate", "RollingUpdate"'],
            id="two strategies",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec.strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            [f"{R}: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
            id="who recreates does not roll",
        ),
        pytest.param(
            DEPLOYMENT,
            {R: {"maxSurge": 0, "maxUnavailable": "0%"}},
            [f'{R}.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
            id="something has to move",
        ),
        pytest.param(
            DEPLOYMENT,
            {R: {"maxUnavailable": "101%", "maxSurge": "a lot"}},
            [
                f'{R}.maxSurge: Invalid value: "a lot": {PERCENT}',
                f'{R}.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
            ],
            id="shares are percentages",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec.progressDeadlineSeconds": 5, "spec.minReadySeconds": 5},
            ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
            id="a deadline leaves time to become available",
        ),
        pytest.param(
            STATEFUL_SET,
            {"spec.podManagementPolicy": "Random"},
            ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
            id="in order or not",
        ),
        pytest.param(
            STATEFUL_SET,
            {"spec.updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            [f"{U}: Invalid value: {{\"partition\":1}}: only allowed for updateStrategy 'RollingUpdate'"],
            id="OnDelete has no partition",
        ),
        pytest.param(
            STATEFUL_SET,
            {U: {"partition": -1}},
            [f"{U}.partition: Invalid value: -1: must be greater than or equal to 0"],
            id="a partition is an ordinal",
        ),
        pytest.param(
            STATEFUL_SET,
            {"spec.persistentVolumeClaimRetentionPolicy": {"whenScaled": "Burn"}},
            [
                "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "
                '"Burn": supported values: "Delete", "Retain"'
            ],
            id="claims are deleted or kept",
        ),
        pytest.param(
            DAEMON_SET,
            {U: {"maxSurge": 1, "maxUnavailable": 1}},
            [f"{U}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"],
            id="a DaemonSet surges or it does not",
        ),
        pytest.param(
            DAEMON_SET,
            {U: {"maxSurge": 0, "maxUnavailable": 0}},
            [f"{U}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
            id="something has to move on nodes too",
        ),
        pytest.param(
            DAEMON_SET,
            {"spec.updateStrategy.type": "Never"},
            ['spec.updateStrategy.type: Unsupported value: "Never": supported values: "OnDelete", "RollingUpdate"'],
            id="two strategies on nodes",
        ),
        pytest.param(CONTROLLER, {"spec.template": None}, ["spec.template: Required value"], id="a template is needed"),
    ],
)
def test_what_a_kind_refuses(strategy: Strategy, edits: dict[str, Any], errors: list[str]) -> None:
    assert sorted(str(e) for e in strategy.validate(whole(strategy, edits))) == sorted(errors)


@pytest.mark.parametrize(
    ("edits", "allowed"),
    [
        pytest.param({"spec.replicas": 3, "spec.template.spec.hostname": "h"}, True, id="size and template may change"),
        pytest.param({"spec.ordinals": {"start": 5}, "spec.minReadySeconds": 1}, True, id="so may the first ordinal"),
        pytest.param({"spec.serviceName": "other"}, False, id="the service stays"),
        pytest.param({"spec.podManagementPolicy": "Parallel"}, False, id="so does the order"),
        pytest.param({"spec.volumeClaimTemplates": [{"metadata": {"name": "d"}}]}, False, id="and so do claims"),
    ],
)
def test_what_of_a_stateful_set_may_change(edits: dict[str, Any], allowed: bool) -> None:
    errors = [str(e) for e in STATEFUL_SET.validate_update(whole(STATEFUL_SET, edits), whole(STATEFUL_SET))]
    assert (not errors) is allowed
    assert all(e.startswith("spec: Forbidden: updates to statefulset spec for fields other than") for e in errors)


def test_a_daemon_set_counts_its_templates() -> None:
    name = "deprecated.daemonset.template.generation"
    old = whole(DAEMON_SET)
    DAEMON_SET.prepare_for_create(old)
    assert old["metadata"]["annotations"] == {name: "1"}
    new = whole(DAEMON_SET, {"spec.template.spec.containers.0.image": "i:2"})
    DAEMON_SET.prepare_for_update(new, old)
    assert new["metadata"]["annotations"] == {name: "2"}
    same = copy_object(new)
    DAEMON_SET.prepare_for_update(same, new)
    assert same["metadata"]["annotations"] == {name: "2"}


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        pytest.param({"replicas": 2, "readyReplicas": 2, "availableReplicas": 1}, [], id="counts that fit"),
        pytest.param(
            {"replicas": 1, "readyReplicas": 2},
            ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"],
            id="no more ready than there are",
        ),
        pytest.param(
            {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
            ["status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"],
            id="no more available than ready",
        ),
        pytest.param(
            {"replicas": -1}, ["status.replicas: Invalid value: -1: must be greater than or equal to 0"], id="no debts"
        ),
    ],
)
def test_status_counts(status: dict[str, Any], errors: list[str]) -> None:
    old, new = whole(REPLICA_SET), {**whole(REPLICA_SET), "status": status}
    assert [str(e) for e in REPLICA_SET.validate_update(new, old, "status")] == errors


@pytest.mark.parametrize("strategy", [*ALL, PodTemplateStrategy()], ids=name_of_strategy)
def test_a_template_is_told_of_what_its_pods_will_not_get(strategy: Strategy) -> None:
    field = "hostUsers"
    if isinstance(strategy, PodTemplateStrategy):
        made: Object = {"metadata": {"name": "w"}, "template": raw(DEPLOYMENT)["spec"]["template"]}
        made["template"]["spec"][field], path = False, "template"
    else:
        made, path = raw(strategy, {f"{T}.spec.{field}": False}), T
    strategy.default(made)
    (said,) = strategy.warnings(made, None)
    assert said.startswith(f"{path}.spec.{field}: accepted")
    assert strategy.warnings(made, made) == []


@pytest.mark.parametrize("strategy", ALL, ids=name_of_strategy)
def test_a_name_that_makes_bad_host_names_is_told_at_creation(strategy: Strategy) -> None:
    made = whole(strategy, {"metadata.name": "a.b"})
    assert strategy.warnings(made, None) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]"
    ]
    assert strategy.warnings(made, made) == []


def cells(strategy: Strategy, obj: Object) -> list[Any]:
    return [column.cell(obj, 60.0) for column in strategy.columns]


MADE = {"metadata": {"name": "w", "creationTimestamp": "1970-01-01T00:00:00Z"}}
COUNTS = {"replicas": 4, "readyReplicas": 3, "updatedReplicas": 2, "availableReplicas": 1}
NODE_COUNTS = {
    "desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3, "updatedNumberScheduled": 2,
    "numberAvailable": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "edits", "row"),
    [
        pytest.param(
            DEPLOYMENT, {"spec.replicas": 5, "status": COUNTS}, ["w", "3/5", 2, 1, "60s", "c", "i:1", "app=a"],
            id="a Deployment",
        ),
        pytest.param(
            REPLICA_SET, {"spec.replicas": 5, "status": COUNTS}, ["w", 5, 4, 3, "60s", "c", "i:1", "app=a"],
            id="a ReplicaSet",
        ),
        pytest.param(
            CONTROLLER, {"spec.replicas": 5, "status": COUNTS}, ["w", 5, 4, 3, "60s", "c", "i:1", "app=a"],
            id="a ReplicationController",
        ),
        pytest.param(
            STATEFUL_SET, {"spec.replicas": 5, "status": COUNTS}, ["w", "3/5", "60s", "c", "i:1"], id="a StatefulSet"
        ),
        pytest.param(
            DAEMON_SET, {"status": NODE_COUNTS}, ["w", 5, 4, 3, 2, 1, "<none>", "60s", "c", "i:1", "app=a"],
            id="a DaemonSet",
        ),
    ],
)  # fmt: skip
def test_what_get_prints(strategy: Strategy, edits: dict[str, Any], row: list[Any]) -> None:
    assert cells(strategy, {**whole(strategy, edits), **MADE}) == row


def test_what_get_prints_of_pod_templates_and_revisions() -> None:
    template = {**MADE, "template": raw(DEPLOYMENT)["spec"]["template"]}
    assert cells(PodTemplateStrategy(), template) == ["w", "c", "i:1", "app=a"]
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    revision = {"metadata": {**MADE["metadata"], "ownerReferences": [owner]}, "revision": 3}
    assert cells(ControllerRevisionStrategy(), revision) == ["w", "statefulset.apps/db", 3, "60s"]


def test_a_revision_s_data_stays() -> None:
    strategy = ControllerRevisionStrategy()
    assert [str(e) for e in strategy.validate({"revision": 1})] == ["data: Required value: data is mandatory"]
    old = {"data": {"a": 1}, "revision": 1}
    assert strategy.validate_update({**old, "revision": 2}, old) == []
    (error,) = strategy.validate_update({**old, "data": {}}, old)
    assert str(error) == "data: Invalid value: {}: field is immutable"


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (None, "<none>"),
        ({}, ""),
        (
            {
                "matchLabels": {"b": "1", "a": "2"},
                "matchExpressions": [
                    {"key": "c", "operator": "In", "values": ["y", "x"]},
                    {"key": "d", "operator": "NotIn", "values": ["z"]},
                    {"key": "e", "operator": "Exists"},
                    {"key": "f", "operator": "DoesNotExist"},
                ],
            },
            "a=2,b=1,c in (x,y),d notin (z),e,!f",
        ),
    ],
    ids=["missing", "empty", "of every kind"],
)
def test_a_selector_as_text(selector: Any, text: str) -> None:
    assert selector_text(selector) == text


@pytest.mark.parametrize("strategy", [DEPLOYMENT, CONTROLLER], ids=name_of_strategy)
def test_a_scale_says_the_size_and_sets_it(strategy: Strategy) -> None:
    obj = {**whole(strategy, {"spec.replicas": 3, "status": {"replicas": 2}}), "metadata": {"name": "w", "uid": "u"}}
    scale = scale_of(obj)
    assert scale == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "w", "uid": "u"},
        "spec": {"replicas": 3},
        "status": {"replicas": 2, "selector": "app=a"},
    }
    scale["spec"]["replicas"] = 7
    new = scaled(obj, scale)
    assert (new["spec"]["replicas"], obj["spec"]["replicas"]) == (7, 3)


IMAGES = {"a digest": "app@sha256:" + "0" * 64, "latest": "app:latest", "no tag": "app", "another tag": "app:1.2"}
POLICIES = {"a digest": "IfNotPresent", "latest": "Always", "no tag": "Always", "another tag": "IfNotPresent"}
"""The documented default."""


def holder_of(kind: str) -> tuple[Strategy, tuple[str, ...]]:
    """A kind's strategy, and where its template stands."""
    from podwright.apiserver.registry.rows import ROWS

    places = {
        "Pod": (),
        "PodTemplate": ("template",),
        "CronJob": ("spec", "jobTemplate", "spec", "template"),
    }
    strategy = next(row.strategy for row in ROWS if row.resource.kind == kind)
    return strategy, places.get(kind, ("spec", "template"))


KINDS = (
    "Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job",
    "CronJob",
)  # fmt: skip


def made_of(kind: str, image: str, policy: str = "", name: str = "c") -> Object:
    """An object as a user writes it, with one container."""
    container = {"name": name, "image": image, **({"imagePullPolicy": policy} if policy else {})}
    pod: Object = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
    _, place = holder_of(kind)
    made: Object = {}
    at = made
    for step in place:
        at[step] = {}
        at = at[step]
    at.update(pod)
    return made


def policy_in(kind: str, made: Object) -> str:
    """The pull policy of its container."""
    for step in holder_of(kind)[1]:
        made = made[step]
    return str(made["spec"]["containers"][0]["imagePullPolicy"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tag", IMAGES)
class TestDefaultPullPolicy:
    def test_it_is_set_when_an_object_is_created(self, kind: str, tag: str) -> None:
        made = made_of(kind, IMAGES[tag])
        holder_of(kind)[0].default(made)
        assert policy_in(kind, made) == POLICIES[tag]

    def test_a_policy_that_is_written_stays(self, kind: str, tag: str) -> None:
        made = made_of(kind, IMAGES[tag], "Never")
        holder_of(kind)[0].default(made)
        assert policy_in(kind, made) == "Never"

    @pytest.mark.parametrize("new", IMAGES)
    def test_an_update_of_the_image_does_not_change_it(self, kind: str, tag: str, new: str) -> None:
        strategy, _ = holder_of(kind)
        old = made_of(kind, IMAGES[tag])
        strategy.default(old)
        made = made_of(kind, IMAGES[new])
        strategy.carry_over(made, old)
        strategy.default(made)
        assert policy_in(kind, made) == POLICIES[tag]

    def test_a_container_that_is_new_in_an_update_gets_its_own(self, kind: str, tag: str) -> None:
        strategy, _ = holder_of(kind)
        old = made_of(kind, "app:1", name="other")
        strategy.default(old)
        made = made_of(kind, IMAGES[tag])
        strategy.carry_over(made, old)
        strategy.default(made)
        assert policy_in(kind, made) == POLICIES[tag]


def test_containers_of_a_stateful_set_mount_its_claims() -> None:
    mounting = {"spec.template.spec.containers.0.volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    made = whole(STATEFUL_SET, {**mounting, "spec.volumeClaimTemplates": [claim]})
    assert STATEFUL_SET.validate(made) == []
    assert "volumes" not in made["spec"]["template"]["spec"]
    [error] = STATEFUL_SET.validate(whole(STATEFUL_SET, mounting))
    assert str(error) == 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'
