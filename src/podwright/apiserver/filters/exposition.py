"""The counters of `metrics.py` in Prometheus' exposition format.

Imported when somebody asks for /metrics. Page: https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from podwright.admission.webhooks.counts import BUCKETS as WEBHOOK_BUCKETS
from podwright.admission.webhooks.counts import Counts
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
        return total, took, inflight, open_, *_webhooks(self._metrics.webhooks)


def _webhooks(counts: Counts) -> Iterable[Metric]:
    """The families of webhooks, under names that end as upstream's do: not all that count end in `_total`."""
    prefix, labels = "apiserver_admission_webhook", ("name", "type", "operation")
    took = HistogramMetricFamily(
        f"{prefix}_admission_duration_seconds", "Time to a webhook's answer.", labels=(*labels, "rejected")
    )
    bounds = (*map(str, WEBHOOK_BUCKETS), "+Inf")
    for (asked, rejected), found in counts.durations.items():
        buckets = list(zip(bounds, map(float, itertools.accumulate(found)), strict=True))
        took.add_metric((*asked, _word(rejected)), buckets, counts.seconds[asked, rejected])
    requests = CounterMetricFamily(
        f"{prefix}_request", "Calls of webhooks by their outcome.", labels=(*labels, "code", "rejected")
    )
    for (asked, code, rejected), count in counts.requests.items():
        requests.add_metric((*asked, code, _word(rejected)), count)
    refused = UnknownMetricFamily(
        f"{prefix}_rejection_count", "Requests that webhooks refused.", labels=(*labels, "error_type", "rejection_code")
    )
    for (asked, kind, code), count in counts.rejections.items():
        refused.add_metric((*asked, kind, code), count)
    opened = UnknownMetricFamily(
        f"{prefix}_fail_open_count", "Requests that went on without a webhook's answer.", labels=("name", "type")
    )
    for asked, count in counts.failed_open.items():
        opened.add_metric((asked.name, asked.type), count)
    return took, requests, refused, opened


def _word(yes: bool) -> str:
    return "true" if yes else "false"


def exposition(metrics: Metrics) -> bytes:
    """The exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(metrics))
    return generate_latest(registry)
