"""The kubelet's metrics in the Prometheus format, under the names that the kubelet uses. Pure.

Called by `server`. Page: https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from podwright.api.objects import Object, name_of, namespace_of, parse_time
from podwright.kubelet.server.containers import status_entries
from podwright.kubelet.server.stats import Measured, running_containers

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = {"running": "running", "waiting": "created", "terminated": "exited"}


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _text(families: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)


def kubelet_metrics(node_name: str, pods: Iterable[Object], under_way: int) -> bytes:
    """/metrics; `under_way` counts requests and streams that are being answered."""
    node = GaugeMetricFamily("kubelet_node_name", "The node's name. The count is always 1.", labels=("node",))
    node.add_metric((node_name,), 1)
    listed = list(pods)
    states = Counter(
        _STATES[kind]
        for pod in listed
        for entry in status_entries(pod)
        for kind in (entry.get("state") or {})
        if kind in _STATES
    )
    containers = GaugeMetricFamily(
        "kubelet_running_containers", "Containers of this node, by state.", labels=("container_state",)
    )
    for state in sorted(states):
        containers.add_metric((state,), states[state])
    running = sum(any(True for _ in running_containers(pod)) for pod in listed)
    return _text((
        node,
        GaugeMetricFamily("kubelet_running_pods", "Pods that have a running container.", value=running),
        containers,
        GaugeMetricFamily("kubelet_desired_pods", "Pods that this node was given.", value=len(listed)),
        GaugeMetricFamily(
            "kubelet_http_inflight_requests", "Requests and streams that are being answered.", value=under_way
        ),
    ))  # fmt: skip


def resource_metrics(measured: Measured) -> bytes:
    """/metrics/resource: what metrics-server reads."""
    of_container, of_pod = ("container", "namespace", "pod"), ("namespace", "pod")
    container_cpu = CounterMetricFamily("container_cpu_usage_seconds", "CPU time of a container.", labels=of_container)
    container_memory = GaugeMetricFamily(
        "container_memory_working_set_bytes", "Working set of a container.", labels=of_container
    )
    container_start = GaugeMetricFamily(
        "container_start_time_seconds", "Start of a container since the epoch.", labels=of_container
    )
    pod_cpu = CounterMetricFamily("pod_cpu_usage_seconds", "CPU time of a Pod.", labels=of_pod)
    pod_memory = GaugeMetricFamily("pod_memory_working_set_bytes", "Working set of a Pod.", labels=of_pod)
    at, node = measured.at.timestamp(), measured.node
    for pod in measured.pods:
        where = (namespace_of(pod.pod), name_of(pod.pod))
        if pod.usage is not None:
            pod_cpu.add_metric(where, pod.usage.cpu_nanoseconds / 1e9, timestamp=at)
            pod_memory.add_metric(where, pod.usage.working_set_bytes, timestamp=at)
        for container in pod.containers:
            labels = (container.name, *where)
            container_cpu.add_metric(labels, container.usage.cpu_nanoseconds / 1e9, timestamp=at)
            container_memory.add_metric(labels, container.usage.working_set_bytes, timestamp=at)
            if container.started_at:
                container_start.add_metric(labels, parse_time(container.started_at).timestamp())
    node_cpu = CounterMetricFamily("node_cpu_usage_seconds", "CPU time of the node.")
    node_cpu.add_metric((), node.cpu_nanoseconds / 1e9, timestamp=at)
    node_memory = GaugeMetricFamily("node_memory_working_set_bytes", "Working set of the node.")
    node_memory.add_metric((), node.memory_total - node.memory_available, timestamp=at)
    return _text((
        container_cpu, container_memory, container_start, node_cpu, node_memory, pod_cpu, pod_memory,
        GaugeMetricFamily("resource_scrape_error", "1 if there was an error while measuring, 0 otherwise.", value=0),
    ))  # fmt: skip
