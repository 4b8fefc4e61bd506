from __future__ import annotations

import pytest
from tests.scheduler.objects import container, pod

from podwright.api.objects import Object
from podwright.scheduler.demand import HostPort, demand_of


@pytest.mark.parametrize(
    ("spec", "requests"),
    [
        pytest.param(
            {"containers": [container("1"), container("500m", "1Mi")]},
            {"cpu": 1500, "memory": 1 << 20},
            id="containers add up",
        ),
        pytest.param(
            {"initContainers": [container("3"), container("2")]}, {"cpu": 3000}, id="the largest init container counts"
        ),
        pytest.param(
            {"containers": [container("4")], "initContainers": [container("3")]},
            {"cpu": 4000},
            id="the containers count when they are larger",
        ),
        pytest.param(
            {
                "containers": [container("1")],
                "initContainers": [container("1", restartPolicy="Always"), container("2")],
            },
            {"cpu": 3000},
            id="an init container runs beside the sidecars before it",
        ),
        pytest.param(
            {
                "containers": [container("1")],
                "initContainers": [container("2"), container("1", restartPolicy="Always")],
            },
            {"cpu": 2000},
            id="a sidecar runs beside the containers",
        ),
        pytest.param(
            {"containers": [container("1")], "overhead": {"cpu": "250m", "memory": "1Ki"}},
            {"cpu": 1250, "memory": 1024},
            id="overhead is added",
        ),
        pytest.param(
            {"containers": [container("1", "1Ki")], "resources": {"requests": {"cpu": "2"}}},
            {"cpu": 2000, "memory": 1024},
            id="the Pod's own request replaces the sum",
        ),
        pytest.param({"containers": [container("0")]}, {}, id="nothing asked for is nothing"),
    ],
)
def test_requests(spec: Object, requests: dict[str, int]) -> None:
    assert demand_of({"spec": spec}).requests == requests


def test_a_container_without_a_request_weighs_something() -> None:
    demand = demand_of(pod())
    assert demand.requests == {}
    assert (demand.weight_cpu, demand.weight_memory) == (100, 200 << 20)


def test_host_ports() -> None:
    everywhere, local = HostPort("0.0.0.0", "TCP", 80), HostPort("127.0.0.1", "TCP", 80)
    spec = {"containers": [container(ports=[{"containerPort": 1, "hostPort": 80}, {"containerPort": 2}])]}
    assert demand_of({"spec": spec}).ports == {everywhere}
    assert everywhere.conflicts(local)
    assert not local.conflicts(HostPort("127.0.0.2", "TCP", 80))
    assert not everywhere.conflicts(HostPort("0.0.0.0", "UDP", 80))


@pytest.mark.parametrize(
    ("asked", "conditions", "cpu"),
    [
        pytest.param("2", [], 2000, id="nothing is under way"),
        pytest.param("2", [("PodResizePending", "Deferred")], 2000, id="more is wanted: it will be given"),
        pytest.param("2", [("PodResizePending", "Infeasible")], 1000, id="more than the node can give"),
        pytest.param("500m", [("PodResizeInProgress", "")], 1000, id="less, which is not given back yet"),
    ],
)
def test_a_resize_counts_what_may_be_used(asked: str, conditions: list[tuple[str, str]], cpu: int) -> None:
    resized = pod(cpu=asked)
    resized["status"] = {
        "containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "1"}}],
        "conditions": [{"type": kind, "status": "True", "reason": reason} for kind, reason in conditions],
    }
    assert demand_of(resized).requests == {"cpu": cpu}


def test_a_resize_of_a_whole_pod_counts_what_may_be_used() -> None:
    resized = pod(cpu="500m")
    resized["spec"]["resources"] = {"requests": {"cpu": "1"}}
    resized["status"] = {"allocatedResources": {"cpu": "2"}}
    assert demand_of(resized).requests == {"cpu": 1000}
    resized["status"]["conditions"] = [{"type": "PodResizeInProgress", "status": "True"}]
    assert demand_of(resized).requests == {"cpu": 2000}
