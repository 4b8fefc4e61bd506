"""A Pod's first status, its deletion, the fields it is found by, and what its author is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import pod

from podwright.apiserver.registry.pod import PodStrategy

APP = "spec.containers.0"
STRATEGY = PodStrategy()


@pytest.mark.parametrize(
    ("edits", "status"),
    [
        pytest.param({}, {"phase": "Pending", "qosClass": "BestEffort"}, id="a new Pod is pending"),
        pytest.param(
            {"status": {"phase": "Running"}},
            {"phase": "Pending", "qosClass": "BestEffort"},
            id="whatever its author says",
        ),
        pytest.param(
            {f"{APP}.resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
            {"phase": "Pending", "qosClass": "Guaranteed"},
            id="limits alone guarantee",
        ),
        pytest.param({f"{APP}.resources": {"requests": {"cpu": "nonsense"}}}, {"phase": "Pending"}, id="bad amounts"),
        pytest.param(
            {"spec.schedulingGates": [{"name": "g"}]},
            {
                "phase": "Pending",
                "qosClass": "BestEffort",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "SchedulingGated",
                        "message": "Scheduling is blocked due to non-empty scheduling gates",
                    }
                ],
            },
            id="a gate is told",
        ),
    ],
)
def test_first_status(edits: dict[str, Any], status: dict[str, Any]) -> None:
    new = pod(edits)
    STRATEGY.prepare_for_create(new)
    assert new["status"] == status


@pytest.mark.parametrize(
    ("edits", "requested", "seconds"),
    [
        pytest.param({"spec.nodeName": "n"}, None, 30, id="the Pod's own grace"),
        pytest.param({"spec.nodeName": "n"}, 5, 5, id="the grace that is asked for"),
        pytest.param({"spec.nodeName": "n"}, 0, 0, id="no grace"),
        pytest.param({}, None, 0, id="not bound to a node"),
        pytest.param({"spec.nodeName": "n", "status.phase": "Succeeded"}, None, 0, id="already over"),
        pytest.param({"spec.nodeName": "n", "spec.terminationGracePeriodSeconds": -3}, None, 1, id="negative is one"),
    ],
)
def test_deletion(edits: dict[str, Any], requested: int | None, seconds: int) -> None:
    assert STRATEGY.deletion(pod(edits), requested).grace_period_seconds == seconds


@pytest.mark.parametrize(
    ("subresource", "seconds"),
    [
        pytest.param("", 1, id="a change of the Pod"),
        pytest.param("status", 30, id="a status leaves the spec alone"),
    ],
)
def test_a_negative_grace_is_one_second(subresource: str, seconds: int) -> None:
    new = pod({"spec.terminationGracePeriodSeconds": -5})
    STRATEGY.prepare_for_create(new)
    assert new["spec"]["terminationGracePeriodSeconds"] == 1
    changed = pod({"spec.terminationGracePeriodSeconds": -5})
    STRATEGY.prepare_for_update(changed, pod({}), subresource)
    assert changed["spec"]["terminationGracePeriodSeconds"] == seconds


@pytest.mark.parametrize("sent", [{}, {"spec.ephemeralContainers": []}], ids=["not mentioned", "an empty list"])
def test_no_ephemeral_containers_are_no_change_of_the_spec(sent: dict[str, Any]) -> None:
    changed, old = pod(sent), pod({})
    STRATEGY.prepare_for_update(changed, old, "ephemeralcontainers")
    assert changed == old


def test_fields_to_select_by() -> None:
    fields = STRATEGY.selectable_fields(pod({"spec.nodeName": "n", "status": {"podIP": "10.0.0.1"}}))
    assert fields == {
        "spec.nodeName": "n",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "",
        "spec.hostNetwork": "false",
        "status.phase": "",
        "status.podIP": "10.0.0.1",
        "status.nominatedNodeName": "",
    }


@pytest.mark.parametrize(
    ("signal", "os", "errors"),
    [
        pytest.param("SIGUSR1", {"name": "linux"}, [], id="a standard signal"),
        pytest.param("SIGRTMIN+3", {"name": "linux"}, [], id="a real-time signal"),
        pytest.param(
            "SIGTERM",
            None,
            ["Forbidden: may not be set for containers with empty `spec.os.name`"],
            id="of which system",
        ),
        pytest.param("TERM", {"name": "linux"}, ['Unsupported value: "TERM"'], id="a name that is none"),
        pytest.param("SIGUSR1", {"name": "windows"}, ['Unsupported value: "SIGUSR1"'], id="not on Windows"),
    ],
)
def test_a_stop_signal(signal: str, os: dict[str, str] | None, errors: list[str]) -> None:
    new = pod({f"{APP}.lifecycle": {"stopSignal": signal}, **({"spec.os": os} if os else {})})
    found = [str(error) for error in STRATEGY.validate(new) if "stopSignal" in str(error)]
    assert len(found) == len(errors)
    for text, expected in zip(found, errors, strict=True):
        assert text.startswith(f"spec.containers[0].lifecycle.stopSignal: {expected}")


@pytest.mark.parametrize(
    ("edits", "warnings"),
    [
        pytest.param({}, [], id="nothing to say"),
        pytest.param(
            {"spec.topologySpreadConstraints": [{"maxSkew": 1}]},
            ["spec.topologySpreadConstraints: accepted but not acted on: the scheduler does not spread Pods"],
            id="a field that nothing acts on",
        ),
        pytest.param(
            {"spec.nodeSelector": {"beta.kubernetes.io/os": "linux"}},
            ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
            id="a label of old",
        ),
        pytest.param({"spec.preemptionPolicy": "PreemptLowerPriority"}, [], id="what admission sets itself"),
        pytest.param(
            {f"{APP}.env": [{"name": "A"}, {"name": "A"}]},
            ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
            id="a variable twice",
        ),
        pytest.param(
            {"spec.terminationGracePeriodSeconds": -1},
            ["spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"],
            id="a negative grace",
        ),
        pytest.param(
            {f"{APP}.resources.limits.memory": "100m"},
            [
                f'spec.containers[0].resources.{kind}[memory]: fractional byte value "100m" is invalid, '
                "must be an integer"
                for kind in ("limits", "requests")
            ],
            id="a tenth of a byte",
        ),
        pytest.param(
            {"spec.volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]},
            ["spec.volumes[0].nfs: accepted, but no driver for it is there; the Pod will not start"],
            id="a volume without a driver",
        ),
    ],
)
def test_warnings(edits: dict[str, Any], warnings: list[str]) -> None:
    assert STRATEGY.warnings(pod(edits), None) == warnings


def test_an_update_repeats_no_warning() -> None:
    same = pod({"spec.hostUsers": False})
    assert STRATEGY.warnings(same, same) == []


class TestSpecsThatAreAlike:
    def test_each_pod_has_a_spec_of_its_own(self) -> None:
        first, second = pod({}), pod({})
        for one in (first, second):
            STRATEGY.default(one)
        first["spec"]["containers"][0]["image"] = "changed"
        third = pod({})
        STRATEGY.default(third)
        assert second == third
        assert first != third

    def test_what_is_right_once_is_right_again_and_warned_of_again(self) -> None:
        for _ in range(2):
            made = pod({"spec.hostUsers": False})
            STRATEGY.default(made)
            assert STRATEGY.validate(made) == []
            assert len(STRATEGY.warnings(made, None)) == 1

    def test_what_is_wrong_is_wrong_each_time(self) -> None:
        for _ in range(2):
            made = pod({"spec.restartPolicy": "Sometimes"})
            STRATEGY.default(made)
            assert [str(error.path) for error in STRATEGY.validate(made)] == ["spec.restartPolicy"]

    def test_what_is_not_of_the_spec_is_looked_at_each_time(self) -> None:
        right, mirror = pod({}), pod({})
        mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
        for one in (right, mirror):
            STRATEGY.default(one)
        assert STRATEGY.validate(right) == []
        assert len(STRATEGY.validate(mirror)) == 1
