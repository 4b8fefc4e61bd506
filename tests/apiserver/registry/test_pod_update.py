"""What may change in a Pod that is there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import GONE, pod, set_at

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.pod import PodStrategy

APP = "spec.containers.0"
ONLY = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
)
TOLERATION = {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
STRATEGY = PodStrategy()


def changed(start: dict[str, Any], edits: dict[str, Any]) -> tuple[Object, Object]:
    old = pod(start)
    new = copy_object(old)
    for path, value in edits.items():
        set_at(new, path, value)
    STRATEGY.default(new)
    return new, old


@pytest.mark.parametrize(
    ("start", "edits", "errors"),
    [
        pytest.param({}, {}, [], id="nothing changes"),
        pytest.param({}, {f"{APP}.image": "example.com/app:2"}, [], id="an image may change"),
        pytest.param(
            {},
            {f"{APP}.image": ""},
            ["spec.containers[0].image: Required value"],
            id="an image may not go",
        ),
        pytest.param(
            {},
            {f"{APP}.imagePullPolicy": "Always"},
            [
                ONLY + '- spec.containers[0].imagePullPolicy: "IfNotPresent"\n'
                '+ spec.containers[0].imagePullPolicy: "Always"'
            ],
            id="a pull policy stays",
        ),
        pytest.param(
            {},
            {f"{APP}.image": "b:2", f"{APP}.imagePullPolicy": "Always"},
            [],
            id="a pull policy becomes Always with a new image, as AlwaysPullImages needs it",
        ),
        pytest.param(
            {},
            {f"{APP}.image": "b:2", f"{APP}.imagePullPolicy": "Never"},
            [
                ONLY + '- spec.containers[0].imagePullPolicy: "IfNotPresent"\n'
                '+ spec.containers[0].imagePullPolicy: "Never"'
            ],
            id="a pull policy becomes nothing else with a new image",
        ),
        pytest.param(
            {},
            {f"{APP}.command": ["a"]},
            [ONLY + '+ spec.containers[0].command: ["a"]'],
            id="a command stays",
        ),
        pytest.param(
            {},
            {"spec.containers.1": {"name": "b", "image": "b"}},
            ["spec.containers: Forbidden: pod updates may not add or remove containers"],
            id="containers neither come nor go",
        ),
        pytest.param({}, {"spec.tolerations": [TOLERATION]}, [], id="a toleration may come"),
        pytest.param(
            {"spec.tolerations": [TOLERATION]},
            {"spec.tolerations": [{**TOLERATION, "tolerationSeconds": 9}]},
            [],
            id="a toleration's seconds may change",
        ),
        pytest.param(
            {"spec.tolerations": [TOLERATION]},
            {"spec.tolerations": []},
            ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"],
            id="a toleration may not go",
        ),
        pytest.param({}, {"spec.activeDeadlineSeconds": 5}, [], id="a deadline may come"),
        pytest.param(
            {"spec.activeDeadlineSeconds": 5}, {"spec.activeDeadlineSeconds": 4}, [], id="a deadline may shrink"
        ),
        pytest.param(
            {"spec.activeDeadlineSeconds": 5},
            {"spec.activeDeadlineSeconds": 6},
            ["spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value"],
            id="a deadline may not grow",
        ),
        pytest.param(
            {"spec.activeDeadlineSeconds": 5},
            {"spec.activeDeadlineSeconds": GONE},
            ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"],
            id="a deadline may not go",
        ),
        pytest.param(
            {"spec.terminationGracePeriodSeconds": -1},
            {"spec.terminationGracePeriodSeconds": 1},
            [],
            id="a negative grace may become one second",
        ),
        pytest.param(
            {},
            {"spec.terminationGracePeriodSeconds": 1},
            [ONLY + "- spec.terminationGracePeriodSeconds: 30\n+ spec.terminationGracePeriodSeconds: 1"],
            id="another grace stays",
        ),
        pytest.param({"spec.schedulingGates": [{"name": "g"}]}, {"spec.schedulingGates": []}, [], id="a gate may open"),
        pytest.param(
            {"spec.schedulingGates": [{"name": "g"}]},
            {"spec.schedulingGates": [{"name": "h"}]},
            ["spec.schedulingGates[0]: Forbidden: only deletion is allowed, but found new scheduling gate 'h'"],
            id="a gate may not close",
        ),
        pytest.param(
            {"spec.schedulingGates": [{"name": "g"}]},
            {"spec.nodeSelector": {"a": "b"}},
            [],
            id="at a gate the node selector may grow",
        ),
        pytest.param(
            {"spec.schedulingGates": [{"name": "g"}], "spec.nodeSelector": {"a": "b"}},
            {"spec.nodeSelector": {"a": "c"}},
            [
                'spec.nodeSelector: Invalid value: {"a":"c"}: '
                "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            ],
            id="at a gate the node selector may not turn",
        ),
        pytest.param(
            {},
            {"spec.nodeSelector": {"a": "b"}},
            [ONLY + '+ spec.nodeSelector: {"a": "b"}'],
            id="past the gates the node selector stays",
        ),
        pytest.param(
            {},
            {"spec.runtimeClassName": "crun"},
            [ONLY + '+ spec.runtimeClassName: "crun"'],
            id="a runtime class stays",
        ),
    ],
)
def test_update(start: dict[str, Any], edits: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in STRATEGY.validate_update(*changed(start, edits))] == errors


def test_a_pull_policy_does_not_follow_the_new_tag() -> None:
    new, old = changed({f"{APP}.image": "example.com/app:1"}, {f"{APP}.image": "example.com/app:latest"})
    assert STRATEGY.validate_update(new, old) == []
    assert new["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_a_mirror_pod_stays_one() -> None:
    new, old = changed({"metadata.annotations": {"kubernetes.io/config.mirror": "x"}}, {"metadata.annotations": {}})
    assert [str(e) for e in STRATEGY.validate_update(new, old)] == [
        "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation"
    ]


DEBUG = {"name": "debug", "image": "busybox:1"}


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        pytest.param([], [DEBUG], [], id="one may come"),
        pytest.param(
            [DEBUG],
            [],
            ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'],
            id="none may go",
        ),
        pytest.param(
            [DEBUG],
            [{**DEBUG, "image": "busybox:2"}],
            ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n'],
            id="none may change",
        ),
        pytest.param(
            [],
            [{**DEBUG, "targetContainerName": "nobody"}],
            ['spec.ephemeralContainers[0].targetContainerName: Not found: "nobody"'],
            id="its target exists",
        ),
        pytest.param(
            [],
            [{**DEBUG, "ports": [{"containerPort": 1}], "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}],
            [
                "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
                "spec.ephemeralContainers[0].lifecycle: Forbidden: cannot be set for an Ephemeral Container",
            ],
            id="it has neither ports nor hooks",
        ),
        pytest.param(
            [],
            [{**DEBUG, "name": "app"}],
            ['spec.ephemeralContainers[0].name: Duplicate value: "app"'],
            id="its name is its own",
        ),
    ],
)
def test_ephemeral_containers(before: list[Any], after: list[Any], errors: list[str]) -> None:
    new, old = changed({"spec.ephemeralContainers": before}, {"spec.ephemeralContainers": copy_object(after)})
    STRATEGY.prepare_for_update(new, old, "ephemeralcontainers")
    assert [str(e) for e in STRATEGY.validate_update(new, old, "ephemeralcontainers")] == errors


def test_the_ephemeral_endpoint_changes_nothing_else() -> None:
    new, old = changed(
        {}, {"spec.ephemeralContainers": [DEBUG], f"{APP}.image": "other", "metadata.labels": {"a": "b"}}
    )
    STRATEGY.prepare_for_update(new, old, "ephemeralcontainers")
    expected = copy_object(old)
    expected["spec"]["ephemeralContainers"] = new["spec"]["ephemeralContainers"]
    assert new == expected


def test_the_status_endpoint_changes_status_alone() -> None:
    new, old = changed({"status": {"phase": "Pending", "qosClass": "BestEffort"}}, {"spec.hostNetwork": True})
    new["status"] = {"phase": "Running"}
    STRATEGY.prepare_for_update(new, old, "status")
    assert new["spec"] == old["spec"]
    assert new["status"] == {"phase": "Running", "qosClass": "BestEffort"}
    assert STRATEGY.validate_update(new, old, "status") == []


def test_the_main_endpoint_keeps_the_status() -> None:
    new, old = changed({"status": {"phase": "Running"}}, {"status": {"phase": "Failed"}})
    STRATEGY.prepare_for_update(new, old)
    assert new["status"] == {"phase": "Running"}
