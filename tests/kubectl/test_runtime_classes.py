"""What a RuntimeClass does to a Pod, and which Pods it refuses, in kubectl's words. Nothing is started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kubectl.tool import Kubectl

CLASSES: dict[str, dict[str, Any]] = {
    "rc-plain": {},
    "rc-paid": {"overhead": {"podFixed": {"cpu": "250m", "memory": "64Mi"}}},
    "rc-placed": {
        "scheduling": {
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "only", "operator": "Exists", "effect": "NoSchedule"}],
        }
    },
}
ONLY = {"key": "only", "operator": "Exists", "effect": "NoSchedule"}
PAID = {"cpu": "250m", "memory": "64Mi"}


@pytest.fixture
def classes(kubectl: Kubectl) -> Iterator[Kubectl]:
    for name, fields in CLASSES.items():
        made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "runc"}
        kubectl("apply", "-f", "-", stdin=json.dumps({**made, **fields}))
    yield kubectl
    kubectl("delete", "runtimeclass", *CLASSES)


def pod(spec: dict[str, Any]) -> str:
    containers = [{"name": "main", "image": "podwright/busybox:1"}]
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers, **spec}}
    return json.dumps(made)


MERGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a class that asks for nothing": ({"runtimeClassName": "rc-plain"}, {}),
    "no class": ({}, {}),
    "an empty class is none": ({"runtimeClassName": ""}, {}),
    "the class's overhead is set": ({"runtimeClassName": "rc-paid"}, {"overhead": PAID}),
    "the same overhead in other words": (
        {"runtimeClassName": "rc-paid", "overhead": {"cpu": "0.25", "memory": "65536Ki"}},
        {"overhead": PAID},
    ),
    "selectors are united": (
        {"runtimeClassName": "rc-placed", "nodeSelector": {"zone": "a"}},
        {"nodeSelector": {"disk": "fast", "zone": "a"}, "tolerations": [ONLY]},
    ),
    "the same selector": (
        {"runtimeClassName": "rc-placed", "nodeSelector": {"disk": "fast"}},
        {"nodeSelector": {"disk": "fast"}, "tolerations": [ONLY]},
    ),
    "tolerations are united": (
        {"runtimeClassName": "rc-placed", "tolerations": [{"key": "mine", "operator": "Exists"}]},
        {"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "mine", "operator": "Exists"}, ONLY]},
    ),
    "a toleration that covers the class's": (
        {"runtimeClassName": "rc-placed", "tolerations": [{"key": "only", "operator": "Exists"}]},
        {"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "only", "operator": "Exists"}]},
    ),
}
LONE = "Pod Overhead set without corresponding RuntimeClass defined Overhead"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such class": ({"runtimeClassName": "rc-none"}, 'pod rejected: RuntimeClass "rc-none" not found'),
    "another overhead": (
        {"runtimeClassName": "rc-paid", "overhead": {"cpu": "1"}},
        "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ),
    "an overhead that the class has not": (
        {"runtimeClassName": "rc-plain", "overhead": {"cpu": "1"}},
        f"pod rejected: {LONE}",
    ),
    "an overhead without a class": ({"overhead": {"cpu": "1"}}, f"pod rejected: {LONE}"),
    "another node": (
        {"runtimeClassName": "rc-placed", "nodeSelector": {"disk": "slow"}},
        "conflict: runtimeClass.scheduling.nodeSelector[disk] = fast; pod.spec.nodeSelector[disk] = slow",
    ),
}


def test_what_a_class_adds_to_a_pod_and_which_pods_it_refuses(classes: Kubectl) -> None:
    for case, (given, wanted) in MERGED.items():
        made = json.loads(classes("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=pod(given)))["spec"]
        tolerations = [t for t in made["tolerations"] if not t["key"].startswith("node.kubernetes.io/")]
        found = {"overhead": made.get("overhead"), "nodeSelector": made.get("nodeSelector"), "tolerations": tolerations}
        assert {field: value for field, value in found.items() if value} == wanted, case
    for case, (given, why) in REFUSED.items():
        said = classes.refused("create", "-f", "-", stdin=pod(given))
        assert said == f'Error from server (Forbidden): error when creating "STDIN": pods "p" is forbidden: {why}\n', (
            case
        )


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a handler is a label": (
        {"handler": "Not_a_label"},
        'handler: Invalid value: "Not_a_label": a lowercase RFC 1123 label must consist of lower case alphanumeric '
        "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
        "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ),
    "a handler is needed": ({"handler": ""}, "handler: Required value"),
}


def test_classes_that_are_none_and_a_handler_that_stays(classes: Kubectl) -> None:
    for case, (fields, why) in WRONG.items():
        made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "rc-wrong"}, **fields}
        said = classes.refused("create", "-f", "-", stdin=json.dumps(made))
        assert said == f'The RuntimeClass "rc-wrong" is invalid: {why}\n', case
    said = classes.refused("patch", "runtimeclass", "rc-plain", "--type=merge", "-p", '{"handler": "crun"}')
    assert said == 'The RuntimeClass "rc-plain" is invalid: handler: Invalid value: "crun": field is immutable\n'
    listed = classes("get", "runtimeclasses").splitlines()
    assert listed[0].split() == ["NAME", "HANDLER", "AGE"]
    assert ["rc-paid", "runc"] in [line.split()[:2] for line in listed]


def test_overhead_is_described_and_counts_in_a_quota(classes: Kubectl) -> None:
    classes("create", "quota", "of-cpu", "--hard=requests.cpu=320m")
    described = " ".join(classes("describe", "runtimeclass", "rc-paid").split())
    assert "Overhead: Pod Fixed: Cpu: 250m Memory: 64Mi" in described
    resources = {"requests": {"cpu": "50m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}}
    main = {"name": "main", "image": "podwright/busybox:1", "command": ["sleep", "1000"], "resources": resources}
    grace = {"terminationGracePeriodSeconds": 0}
    wanted = pod({"containers": [main], "runtimeClassName": "rc-paid", **grace})
    classes("create", "-f", "-", stdin=wanted)
    classes("wait", "pod/p", "--for=condition=Ready", "--timeout=60s")
    classes("wait", "quota/of-cpu", "--for=jsonpath={.status.used.requests\\.cpu}=300m", "--timeout=30s")
    too_much = wanted.replace('"name": "p"', '"name": "q"')
    assert classes.refused("create", "-f", "-", stdin=too_much) == (
        'Error from server (Forbidden): error when creating "STDIN": pods "q" is forbidden: exceeded quota: of-cpu, '
        "requested: requests.cpu=300m, used: requests.cpu=300m, limited: requests.cpu=320m\n"
    )
    assert "Runtime Class Name: rc-paid" in " ".join(classes("describe", "pod", "p").split())
    node = classes("get", "pod", "p", "-o", "jsonpath={.spec.nodeName}")
    [line] = [
        line.split()
        for line in classes("describe", "node", node).splitlines()
        if line.split()[:2] == [classes.namespace, "p"]
    ]
    # what its container asks for, and the overhead on top: requests, then limits
    assert [line[2], line[4], line[6], line[8]] == ["300m", "350m", "80Mi", "96Mi"]
