"""What is used, as a summary and as metrics."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from podwright.kubelet.cgroups.usage import Usage
from podwright.kubelet.server.metrics import kubelet_metrics, resource_metrics
from podwright.kubelet.server.stats import Stats, read_node

START = "2026-01-02T03:04:05Z"
POD: dict[str, Any] = {
    "metadata": {"namespace": "n", "name": "p", "uid": "u"},
    "status": {
        "startTime": START,
        "containerStatuses": [
            {"name": "c", "containerID": "containerd://id", "state": {"running": {"startedAt": START}}},
            {"name": "d", "containerID": "containerd://old", "state": {"terminated": {}}},
        ],
    },
}
WAITING: dict[str, Any] = {
    "metadata": {"namespace": "n", "name": "q", "uid": "v"},
    "status": {"containerStatuses": [{"name": "c", "state": {"waiting": {}}}]},
}


class Node:
    """Two Pods, one of which runs; each look finds one more second of CPU time used."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.now = datetime.datetime(2026, 1, 2, 4, tzinfo=datetime.UTC)

    def pods(self) -> list[dict[str, Any]]:
        return [POD, WAITING]

    async def usage(self, pod: dict[str, Any], container_id: str = "") -> Usage | None:
        self.looked.append(container_id)
        return Usage(10**9 * self.looked.count(container_id), 500, 400, 300, 2)

    def stats(self, disk: Path) -> Stats:
        return Stats(self, self, "node", disk, lambda: self.now)


async def test_the_summary(tmp_path: Path) -> None:
    node = Node()
    summary = await node.stats(tmp_path).summary()
    assert summary["node"]["nodeName"] == "node"
    assert summary["node"]["memory"]["workingSetBytes"] > 0
    assert summary["node"]["fs"]["capacityBytes"] > 0
    memory = {"time": "2026-01-02T04:00:00Z", "usageBytes": 500, "workingSetBytes": 400, "rssBytes": 300}
    cpu = {"time": "2026-01-02T04:00:00Z", "usageCoreNanoSeconds": 10**9}
    assert summary["pods"] == [
        {
            "podRef": {"name": "p", "namespace": "n", "uid": "u"},
            "startTime": START,
            "containers": [{"name": "c", "startTime": START, "cpu": cpu, "memory": memory}],
            "cpu": cpu,
            "memory": memory,
            "process_stats": {"process_count": 2},
        }
    ]
    assert node.looked == ["id", ""]


async def test_rates_are_over_the_time_since_the_last_summary(tmp_path: Path) -> None:
    node = Node()
    stats = node.stats(tmp_path)
    await stats.summary()
    node.now += datetime.timedelta(seconds=4)
    summary = await stats.summary()
    assert summary["pods"][0]["cpu"]["usageNanoCores"] == 250_000_000
    assert summary["pods"][0]["containers"][0]["cpu"]["usageNanoCores"] == 250_000_000


async def test_resource_metrics(tmp_path: Path) -> None:
    text = resource_metrics(await Node().stats(tmp_path).measure()).decode()
    for line in (
        'container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1.0 ',
        'container_memory_working_set_bytes{container="c",namespace="n",pod="p"} 400.0 ',
        'container_start_time_seconds{container="c",namespace="n",pod="p"} 1.767323045e+09',
        'pod_cpu_usage_seconds_total{namespace="n",pod="p"} 1.0 ',
        'pod_memory_working_set_bytes{namespace="n",pod="p"} 400.0 ',
        "node_cpu_usage_seconds_total ",
        "node_memory_working_set_bytes ",
        "resource_scrape_error 0.0",
    ):
        assert f"\n{line}" in f"\n{text}"


@pytest.mark.parametrize(
    "line",
    [
        'kubelet_node_name{node="node"} 1.0',
        "kubelet_running_pods 1.0",
        'kubelet_running_containers{container_state="running"} 1.0',
        'kubelet_running_containers{container_state="exited"} 1.0',
        'kubelet_running_containers{container_state="created"} 1.0',
        "kubelet_desired_pods 2.0",
        "kubelet_http_inflight_requests 3.0",
    ],
)
def test_kubelet_metrics(line: str) -> None:
    assert line in kubelet_metrics("node", [POD, WAITING], 3).decode().splitlines()


def test_the_machine_can_be_read(tmp_path: Path) -> None:
    node = read_node(tmp_path)
    assert 0 < node.memory_available < node.memory_total
    assert node.cpu_nanoseconds > 0
    assert node.started < datetime.datetime.now(datetime.UTC)
