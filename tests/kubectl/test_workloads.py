"""Workloads with kubectl: a day's rollouts with every version, the pull policy in every kind with a template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.kubectl.tool import SLEEP, Kubectl, columns

IMAGE = "podwright/busybox:1"
WAIT = "--timeout=60s"


def images(kubectl: Kubectl, kind: str = "pods") -> set[str]:
    """Of the Pods that are not being deleted."""
    listed = json.loads(kubectl("get", kind, "-o", "json"))["items"]
    return {
        container["image"] + "".join(e["value"] for e in container.get("env") or ())
        for one in listed
        if "deletionTimestamp" not in one["metadata"]
        for container in one["spec"]["containers"]
    }


def test_a_day_of_rollouts(every_supported_kubectl: Kubectl) -> None:
    kubectl = every_supported_kubectl
    kubectl("create", "deployment", "web", f"--image={IMAGE}", "--", "sh", "-c", SLEEP)
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", WAIT)

    kubectl("rollout", "pause", "deployment/web")
    kubectl("set", "env", "deployment/web", "V=2")
    assert images(kubectl) == {IMAGE}
    assert "web" in kubectl.refused("rollout", "restart", "deployment/web")
    kubectl("rollout", "resume", "deployment/web")
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert images(kubectl) == {IMAGE + "2"}

    kubectl("rollout", "undo", "deployment/web")
    kubectl("scale", "deployment/web", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert images(kubectl) == {IMAGE}
    (row,) = columns(kubectl("get", "deploy", "web", "-o", "wide"))
    assert (row["READY"], row["UP-TO-DATE"], row["AVAILABLE"], row["IMAGES"]) == ("2/2", "2", "2", IMAGE)
    history = kubectl("rollout", "history", "deployment/web")
    revisions = [int(number) for number in re.findall(r"^(\d+) ", history, re.MULTILINE)]
    assert len(revisions) >= 2 and revisions == sorted(revisions)
    assert "V:" in kubectl("rollout", "history", "deployment/web", f"--revision={revisions[-2]}")

    kubectl("expose", "deployment/web", "--port=80")
    assert kubectl("get", "service", "web", "-o", "jsonpath={.spec.selector.app}") == "web"
    kubectl("wait", "--for=condition=Available", "deployment/web", WAIT)
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deployment/web", WAIT)
    described = kubectl("describe", "deployment", "web")
    assert "NewReplicaSetAvailable" in described and "ScalingReplicaSet" in described
    kubectl("delete", "deployment", "web")
    kubectl("wait", "--for=delete", "replicasets", "--all", WAIT)
    assert kubectl("get", "deployments,replicasets", "-o", "name") == ""


def test_an_image_that_is_not_there_leaves_what_serves_and_is_undone(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", f"--image={IMAGE}", "--", "sh", "-c", SLEEP)
    kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("set", "image", "deployment/web", "busybox=podwright/nothing:1")
    refused = kubectl.refused("rollout", "status", "deployment/web", "--timeout=1s")
    assert "timed out waiting for the condition" in refused
    assert len(columns(kubectl("get", "rs"))) == 2
    kubectl("wait", "--for=condition=Available", "deployment/web", WAIT)
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert images(kubectl) == {IMAGE}


def as_list(items: Iterable[dict[str, Any]]) -> str:
    """All in one go."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*items]})


def workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """Of two Pods where it counts, and quick to end."""
    container = {"name": "main", "image": IMAGE, "command": ["sh", "-c", SLEEP]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
            **spec,
        },
    }


def test_stateful_sets_and_daemon_sets_roll_back_too(kubectl: Kubectl) -> None:
    both = [workload("StatefulSet", "db", replicas=2, serviceName="db"), workload("DaemonSet", "agent")]
    kubectl("apply", "-f", "-", stdin=as_list(both))
    for name in ("statefulset/db", "daemonset/agent"):
        kubectl("rollout", "status", name, WAIT)
    assert columns(kubectl("get", "sts", "db"))[0]["READY"] == "2/2"
    row = columns(kubectl("get", "ds", "agent"))[0]
    assert [row[name] for name in ("DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE")] == ["1"] * 5
    kubectl("set", "env", "statefulset/db", "daemonset/agent", "V=2")
    for name in ("statefulset/db", "daemonset/agent"):
        kubectl("rollout", "status", name, WAIT)
        kubectl("rollout", "undo", name)
    for name in ("statefulset/db", "daemonset/agent"):
        kubectl("rollout", "status", name, WAIT)
        assert re.findall(r"^(\d+) ", kubectl("rollout", "history", name), re.MULTILINE) == ["2", "3"]
    assert images(kubectl) == {IMAGE}
    owners = {row["CONTROLLER"] for row in columns(kubectl("get", "controllerrevisions"))}
    assert owners == {"statefulset.apps/db", "daemonset.apps/agent"}


DIGEST = "app@sha256:" + "0" * 64
POLICIES = {DIGEST: "IfNotPresent", "app:latest": "Always", "app": "Always", "app:1.2": "IfNotPresent"}
"""What each image gets when nothing is written."""
_OF_SPEC = ("spec", "template", "spec")
TEMPLATE_AT = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "ReplicationController": _OF_SPEC,
    "ReplicaSet": _OF_SPEC,
    "Deployment": _OF_SPEC,
    "StatefulSet": _OF_SPEC,
    "DaemonSet": _OF_SPEC,
    "Job": _OF_SPEC,
    "CronJob": ("spec", "jobTemplate", *_OF_SPEC),
}


def pulled(kind: str, policy: str = "") -> dict[str, Any]:
    """One object of the kind with a container for each image; nothing of it is ever started."""
    containers = [
        {"name": f"c{number}", "image": image, **({"imagePullPolicy": policy} if policy else {})}
        for number, image in enumerate(POLICIES)
    ]
    labels = {"app": kind.lower()}
    spec: dict[str, Any] = {"containers": containers, "nodeSelector": {"no": "node"}}
    template = {"metadata": {"labels": labels}, "spec": spec}
    made: dict[str, Any] = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "pulled"}}
    match kind:
        case "Pod":
            return {**made, "apiVersion": "v1", "spec": spec}
        case "PodTemplate":
            return {**made, "apiVersion": "v1", "template": template}
        case "Job" | "CronJob":
            spec["restartPolicy"] = "Never"
            job = {"template": template, "suspend": True}
            if kind == "Job":
                return {**made, "apiVersion": "batch/v1", "spec": job}
            cron = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}
            return {**made, "apiVersion": "batch/v1", "spec": cron}
        case "ReplicationController":
            return {**made, "apiVersion": "v1", "spec": {"replicas": 0, "selector": labels, "template": template}}
        case _:
            size = {} if kind == "DaemonSet" else {"replicas": 0}
            return {**made, "spec": {**size, "selector": {"matchLabels": labels}, "template": template}}


def assert_policies(kubectl: Kubectl) -> None:
    """As they were set at creation, in every kind."""
    listed = json.loads(kubectl("get", ",".join(TEMPLATE_AT), "-o", "json"))["items"]
    found = {one["kind"]: [c["imagePullPolicy"] for c in _spec(one)["containers"]] for one in listed}
    assert found == {kind: list(POLICIES.values()) for kind in TEMPLATE_AT}


def _spec(one: dict[str, Any]) -> dict[str, Any]:
    for name in TEMPLATE_AT[one["kind"]]:
        one = one[name]
    return one


def test_the_pull_policy_is_set_at_creation_and_never_follows_the_image(kubectl: Kubectl) -> None:
    everything = {kind: pulled(kind) for kind in TEMPLATE_AT}
    kubectl("create", "-f", "-", stdin=as_list(everything.values()))
    assert_policies(kubectl)
    del everything["Pod"], everything["Job"]  # what a Pod was given by admission, and a Job's template, may not change
    other = as_list(everything.values()).replace('"app:latest"', '"app:3"').replace('"app:1.2"', '"app:latest"')
    kubectl("replace", "-f", "-", stdin=other)
    assert_policies(kubectl)
    named = [f"{kind}/pulled" for kind in ("Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "CronJob")]
    kubectl("set", "image", *named, "c0=app:latest", "c2=app:7")
    kubectl("patch", "deployment", "pulled", "--type=json", "-p",
            '[{"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "app:9"}]')  # fmt: skip
    assert_policies(kubectl)


def test_a_template_with_a_class_that_no_node_can_run_is_told_so(kubectl: Kubectl) -> None:
    missing = workload("Deployment", "web", replicas=0)
    missing["spec"]["template"]["spec"]["runtimeClassName"] = "gone"
    said = kubectl.run("apply", "-f", "-", stdin=json.dumps(missing)).stderr
    assert 'Warning: RuntimeClass "gone" not found: Pods of this template will be refused' in said


def test_the_example_of_a_rollout(kubectl: Kubectl) -> None:
    kubectl.wants(29, "undoing a rollout whose Pods have the hook `sleep`")
    example = Path(__file__).parents[2] / "examples" / "10-rollout.yaml"
    kubectl("apply", "-f", example)
    kubectl("rollout", "status", "deployment/shop", WAIT)
    kubectl("set", "env", "deployment/shop", "VERSION=2")
    kubectl("rollout", "status", "deployment/shop", WAIT)
    assert images(kubectl) == {IMAGE + "2"}
    kubectl("rollout", "undo", "deployment/shop")
    kubectl("rollout", "status", "deployment/shop", WAIT)
    assert images(kubectl) == {IMAGE + "1"}
    assert kubectl("apply", "-f", example).splitlines() == ["deployment.apps/shop unchanged", "service/shop unchanged"]
