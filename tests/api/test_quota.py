"""What objects count for."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from podwright.api import quota as q
from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS, JOBS, PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES, Resource

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def pod(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **more: Any) -> Object:
    resources = {"requests": requests or {}, "limits": limits or {}}
    spec = {"containers": [{"name": "c", "resources": resources}], **more.pop("spec", {})}
    return {"metadata": {"name": "p"}, "spec": spec, **more}


@pytest.mark.parametrize(
    ("resource", "obj", "used"),
    [
        pytest.param(CONFIG_MAPS, {}, {"count/configmaps": 1, "configmaps": 1}, id="a plain object"),
        pytest.param(JOBS, {}, {"count/jobs.batch": 1}, id="an object of a group"),
        pytest.param(
            PODS,
            pod(
                {"cpu": "500m", "memory": "1Gi", "example.com/gpu": "2"},
                {"cpu": "1"},
                spec={"overhead": {"cpu": "100m"}},
            ),
            {
                "count/pods": 1,
                "pods": 1,
                "cpu": "0.6",
                "requests.cpu": "0.6",
                "memory": 2**30,
                "requests.memory": 2**30,
                "requests.example.com/gpu": 2,
                "limits.cpu": "1.1",
            },
            id="a Pod, with the overhead of its class",
        ),
        pytest.param(PODS, pod({"cpu": "1"}, status={"phase": "Failed"}), {"count/pods": 1}, id="a Pod that is over"),
        pytest.param(
            PODS,
            {
                **pod({"cpu": "1"}),
                "metadata": {"deletionTimestamp": "2025-12-31T23:59:00Z", "deletionGracePeriodSeconds": 30},
            },
            {"count/pods": 1},
            id="a Pod that should long have gone",
        ),
        pytest.param(
            SERVICES,
            {"spec": {"type": "NodePort", "ports": [{}, {}]}},
            {"count/services": 1, "services": 1, "services.nodeports": 2, "services.loadbalancers": 0},
            id="a Service with node ports",
        ),
        pytest.param(
            SERVICES,
            {"spec": {"type": "LoadBalancer", "ports": [{}], "allocateLoadBalancerNodePorts": False}},
            {"count/services": 1, "services": 1, "services.nodeports": 0, "services.loadbalancers": 1},
            id="a load balancer without node ports",
        ),
        pytest.param(
            PERSISTENT_VOLUME_CLAIMS,
            {"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}},
            {
                "count/persistentvolumeclaims": 1,
                "persistentvolumeclaims": 1,
                "requests.storage": 2**30,
                "fast.storageclass.storage.k8s.io/requests.storage": 2**30,
                "fast.storageclass.storage.k8s.io/persistentvolumeclaims": 1,
            },
            id="a claim",
        ),
    ],
)
def test_usage_of(resource: Resource, obj: Object, used: dict[str, Any]) -> None:
    assert q.usage_of(resource, obj, NOW) == {name: Decimal(value) for name, value in used.items()}


def quota(*scopes: str, **term: Any) -> Object:
    selector = {"scopeSelector": {"matchExpressions": [term]}} if term else {}
    return {"spec": {"scopes": list(scopes), **selector}}


@pytest.mark.parametrize(
    ("made", "obj", "about"),
    [
        pytest.param(quota(), pod(), True, id="no scope"),
        pytest.param(quota("Terminating"), pod(spec={"activeDeadlineSeconds": 5}), True, id="a Pod with a deadline"),
        pytest.param(quota("Terminating"), pod(), False, id="a Pod without one"),
        pytest.param(quota("BestEffort"), pod(), True, id="best effort"),
        pytest.param(quota("NotBestEffort", "NotTerminating"), pod({"cpu": "1"}), True, id="both scopes"),
        pytest.param(
            quota(scopeName="PriorityClass", operator="In", values=["gold"]),
            pod(spec={"priorityClassName": "gold"}),
            True,
            id="a class",
        ),
        pytest.param(
            quota(scopeName="PriorityClass", operator="NotIn", values=["gold"]),
            pod(spec={"priorityClassName": "gold"}),
            False,
            id="not this class",
        ),
        pytest.param(quota("CrossNamespacePodAffinity"), pod(), False, id="looks at no other namespace"),
    ],
)
def test_is_about(made: Object, obj: Object, about: bool) -> None:
    assert q.is_about(made, PODS, obj) == about
    assert q.is_about(made, CONFIG_MAPS, {}) == (not q.scope_terms(made))


@pytest.mark.parametrize(
    ("obj", "hard", "missing"),
    [
        pytest.param(pod({"cpu": "1"}), ["requests.cpu", "pods"], "", id="nothing"),
        pytest.param(
            pod({"cpu": "1"}),
            ["limits.memory", "limits.cpu"],
            "must specify limits.cpu for: c; limits.memory for: c",
            id="limits",
        ),
        pytest.param(pod(), ["memory"], "must specify memory for: c", id="by the older name"),
        pytest.param(
            pod(spec={"resources": {"limits": {"cpu": "1"}}}), ["limits.cpu"], "", id="said for the whole Pod"
        ),
    ],
)
def test_unspecified(obj: Object, hard: list[str], missing: str) -> None:
    assert q.unspecified(obj, hard) == missing
