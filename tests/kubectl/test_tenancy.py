"""Quotas, limits, priorities, budgets and drain on a real node, by kubectl."""

from __future__ import annotations

import json

from tests.kubectl.tool import SLEEP, Kubectl, columns
from tests.node.running_node import RunningNode

IMAGE = "podwright/busybox:1"


def test_a_quota_that_is_used_up_says_so(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "small", "--hard=pods=1,requests.cpu=500m,count/jobs.batch=1,limits.cpu=1")
    kubectl.wait("jsonpath={.status.used.pods}=0", "quota/small")
    said = kubectl.refused("run", "none", f"--image={IMAGE}", "--", "sleep", "1000")
    assert said == (
        'Error from server (Forbidden): pods "none" is forbidden: failed quota: small: must specify limits.cpu for: '
        "none; requests.cpu for: none\n"
    )
    limits = {"type": "Container", "default": {"cpu": "100m"}, "max": {"cpu": "800m"}}
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": [limits]}}
    kubectl("create", "-f", "-", stdin=json.dumps(limit_range))
    kubectl("run", "one", f"--image={IMAGE}", "--", "sh", "-c", SLEEP)
    assert kubectl("get", "pod", "one", "-o", "jsonpath={.spec.containers[0].resources}") == (
        '{"limits":{"cpu":"100m"},"requests":{"cpu":"100m"}}'
    )
    said = kubectl.refused("run", "two", f"--image={IMAGE}", "--", "sleep", "1000")
    assert said == (
        'Error from server (Forbidden): pods "two" is forbidden: exceeded quota: small, requested: pods=1, used: '
        "pods=1, limited: pods=1\n"
    )
    (row,) = columns(kubectl("get", "quota"))
    assert row["REQUEST"] == "count/jobs.batch: 0/1, pods: 1/1, requests.cpu: 100m/500m"
    assert row["LIMIT"] == "limits.cpu: 100m/1"
    assert "pods" in kubectl("describe", "quota", "small")
    assert "Container" in kubectl("describe", "limits", "l")
    kubectl("delete", "pod", "one", "--wait=true", "--grace-period=1")
    kubectl.wait("jsonpath={.status.used.pods}=0", "quota/small")


def test_a_pod_has_the_priority_of_its_class(kubectl: Kubectl) -> None:
    name = f"gold-{kubectl.namespace}"
    kubectl("create", "priorityclass", name, "--value=1000", "--preemption-policy=Never")
    try:
        kubectl("run", "rich", f"--image={IMAGE}", f"--overrides={json.dumps({'spec': {'priorityClassName': name}})}")
        found = kubectl("get", "pod", "rich", "-o", "jsonpath={.spec.priority} {.spec.preemptionPolicy}")
        assert found == "1000 Never"
        rows = {row["NAME"]: row for row in columns(kubectl("get", "priorityclass"))}
        assert (rows[name]["VALUE"], rows[name]["GLOBAL-DEFAULT"]) == ("1000", "false")
        assert rows["system-node-critical"]["VALUE"] == "2000001000"
    finally:
        kubectl("delete", "priorityclass", name)


def test_a_drain_keeps_to_budgets(kubectl: Kubectl, node: RunningNode) -> None:
    kubectl("create", "pdb", "keep", "--selector=keep=yes", "--min-available=1")
    for name in ("a", "b"):
        kubectl.pod(name, SLEEP, labels={"keep": "yes"})
    kubectl.wait("jsonpath={.status.disruptionsAllowed}=1", "pdb/keep")
    (row,) = columns(kubectl("get", "pdb"))
    assert (row["MIN AVAILABLE"], row["MAX UNAVAILABLE"], row["ALLOWED DISRUPTIONS"]) == ("1", "N/A", "1")
    kubectl("cordon", node.name)
    try:
        selected = ("--pod-selector=keep=yes", "--force", "--ignore-daemonsets", "--delete-emptydir-data")
        said = kubectl.refused("drain", node.name, *selected, "--timeout=5s")
        assert "Cannot evict pod as it would violate the pod's disruption budget." in said
        found = json.loads(kubectl("get", "pods", "--selector=keep=yes", "-o", "json"))["items"]
        assert len([one for one in found if "deletionTimestamp" not in one["metadata"]]) == 1
        kubectl("delete", "pdb", "keep")
        kubectl("drain", node.name, *selected, "--timeout=25s")
        assert kubectl("get", "pods", "--selector=keep=yes", "-o", "name") == ""
    finally:
        kubectl("uncordon", node.name)


def test_a_taint_drives_pods_away_that_do_not_tolerate_it(kubectl: Kubectl, node: RunningNode) -> None:
    toleration = {"key": "away", "operator": "Exists"}
    kubectl.pod("stays", SLEEP, tolerations=[toleration])
    kubectl.pod("goes", SLEEP, tolerations=[{**toleration, "effect": "NoSchedule"}])
    kubectl("taint", "nodes", node.name, "away=now:NoExecute")
    try:
        kubectl.wait("delete", "pod/goes")
        assert kubectl("get", "pods", "-o", "name") == "pod/stays\n"
    finally:
        kubectl("taint", "nodes", node.name, "away-")
    kubectl.until("TaintManagerEviction", "get", "events")


def test_a_node_that_a_user_adds_takes_no_pods_until_it_speaks(kubectl: Kubectl) -> None:
    name = f"added-{kubectl.namespace}"
    made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    kubectl("create", "-f", "-", stdin=json.dumps(made))
    try:
        kubectl.wait("jsonpath={.spec.taints[0].key}=node.kubernetes.io/not-ready", f"node/{name}")
        kubectl("cordon", name)
        kubectl.wait("jsonpath={.spec.taints[1].key}=node.kubernetes.io/unschedulable", f"node/{name}")
        rows = {row["NAME"]: row for row in columns(kubectl("get", "nodes"))}
        assert rows[name]["STATUS"] == "Unknown,SchedulingDisabled"
    finally:
        kubectl("delete", "node", name)


def test_a_node_that_says_it_is_not_ready_is_left_by_its_pods(kubectl: Kubectl) -> None:
    name = f"ill-{kubectl.namespace}"
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}))
    try:
        toleration = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
        quick = {"nodeName": name, "tolerations": [{**toleration, "tolerationSeconds": 0}], "restartPolicy": "Never"}
        kubectl("run", "quick", f"--image={IMAGE}", f"--overrides={json.dumps({'spec': quick})}")
        status = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]}}
        kubectl("patch", "node", name, "--subresource=status", "-p", json.dumps(status))
        taint = '{.spec.taints[?(@.effect=="NoExecute")].key}'
        kubectl.wait(f"jsonpath={taint}=node.kubernetes.io/not-ready", f"node/{name}")
        kubectl.wait("jsonpath={.metadata.deletionGracePeriodSeconds}=30", "pod/quick")
    finally:
        kubectl("delete", "node", name)
        kubectl("delete", "pod", "quick", "--force", "--ignore-not-found")
