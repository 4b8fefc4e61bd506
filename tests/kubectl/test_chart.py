"""A chart of twenty objects applied in one go, three times: new, changed, and with less than before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.kubectl.chart import INSTANCE, PRUNED, chart
from tests.kubectl.tool import Kubectl, found_kubectls

KUBECTLS = found_kubectls()
CHANGED = {"configmap/greeting", "deployment.apps/web", "cronjob.batch/report"}
ALWAYS = {"poddisruptionbudget.policy/web"}
"""Its selector is replaced, never merged: kubectl sends it each time, to whichever server."""


@pytest.fixture
def shop(kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl in a namespace that the chart makes itself."""
    yield replace(kubectl, namespace="shop")
    kubectl("delete", "namespace", "shop", "--wait=false", "--ignore-not-found")
    kubectl("delete", "priorityclass", "shop-first", "--ignore-not-found")


def outcome(printed: str) -> dict[str, set[str]]:
    """What became of which objects, as kubectl tells it."""
    found: dict[str, set[str]] = {}
    for line in printed.splitlines():
        name, _, what = line.partition(" ")
        found.setdefault(what, set()).add(name)
    return found


def settled(shop: Kubectl) -> None:
    """Every workload is as it is meant to be."""
    for workload in ("deployment/web", "statefulset/db", "daemonset/agent"):
        shop("rollout", "status", workload, "--timeout=30s")
    shop("wait", "--for=condition=Complete", "job/migrate", "--timeout=30s")


def test_a_chart_is_applied_changed_and_pruned(shop: Kubectl) -> None:
    oldest, middle = (replace(shop, program=KUBECTLS[at]) for at in (0, len(KUBECTLS) // 2))
    first = outcome(oldest("apply", "-f", "-", stdin=chart("shop", 1)))
    assert set(first) == {"created"}
    assert len(first["created"]) == 20
    settled(shop)

    second = outcome(middle("apply", "-f", "-", stdin=chart("shop", 2)))
    assert second["configured"] == CHANGED | ALWAYS
    assert second["unchanged"] == first["created"] - CHANGED - ALWAYS
    settled(shop)
    assert shop("get", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}") == "2"
    assert shop("diff", "-f", "-", stdin=chart("shop", 2)) == ""

    prune = ("--prune", "-l", f"{INSTANCE}=shop")
    third = outcome(shop("apply", "-f", "-", *prune, stdin=chart("shop", 3)))
    assert third["pruned"] == set(PRUNED)
    assert third["unchanged"] == first["created"] - set(PRUNED) - ALWAYS
    assert third["configured"] == ALWAYS
    settled(shop)
    for name in (*PRUNED, "pods -l app=worker"):
        shop("wait", "--for=delete", *name.split(), "--timeout=30s")


def test_a_set_that_is_applied_knows_what_is_no_longer_in_it(kubectl: Kubectl) -> None:
    config = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}, "data": {"a": "%s"}}'
    alpha = {"KUBECTL_APPLYSET": "true"}
    arguments = ("apply", "-f", "-", "--prune", "--applyset=secret/parts")
    kubectl(*arguments, env=alpha, stdin=config % ("one", 1) + config % ("two", 1))
    printed = kubectl(*arguments, env=alpha, stdin=config % ("one", 2))
    assert outcome(printed) == {"configured": {"configmap/one"}, "pruned": {"configmap/two"}}
    assert "configmap/two" not in kubectl("get", "configmaps", "-o", "name")
