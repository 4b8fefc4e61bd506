"""The counters of `metrics.py` in Prometheus' exposition format.

Imported when somebody asks for /metrics. Page: https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from podwright.apiserver.filters.metrics import BUCKETS, Metrics

_LABELS = ("verb", "group", "version", "resource", "subresource", "scope")
_BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")


class _Families(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        total = CounterMetricFamily(
            "apiserver_request", "Requests by what they asked and how they were answered.", labels=(*_LABELS, "code")
        )
        for (labels, code), count in self._metrics.requests.items():
            total.add_metric((*labels, str(code)), count)
        took = HistogramMetricFamily(
            "apiserver_request_duration_seconds",
            "Time to the answer, of requests that are not long-running.",
            labels=_LABELS,
        )
        for labels, durations in self._metrics.durations.items():
            buckets = list(zip(_BOUNDS, map(float, itertools.accumulate(durations.counts)), strict=True))
            took.add_metric(labels, buckets, durations.seconds)
        inflight = GaugeMetricFamily(
            "apiserver_current_inflight_requests", "Requests that are being answered.", labels=("request_kind",)
        )
        for kind, count in self._metrics.inflight.items():
            inflight.add_metric((kind,), count)
        open_ = GaugeMetricFamily(
            "apiserver_longrunning_requests", "Watches and streams that are open.", labels=_LABELS
        )
        for labels, count in self._metrics.long_running.items():
            open_.add_metric(labels, count)
        return total, took, inflight, open_


def exposition(metrics: Metrics) -> bytes:
    """The exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(metrics))
    return generate_latest(registry)
