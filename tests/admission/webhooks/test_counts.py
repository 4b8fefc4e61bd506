"""What is counted of webhooks, and how /metrics shows it."""

from __future__ import annotations

from podwright.admission.webhooks.counts import Asked, Counts
from podwright.apiserver.filters.exposition import exposition
from podwright.apiserver.filters.metrics import Metrics

ASKED = Asked("a.b.c", "admit", "CREATE")


def test_counting() -> None:
    counts = Counts()
    counts.answered(ASKED, 0.003, 200, allowed=True)
    counts.answered(ASKED, 0.2, 403, allowed=False)
    counts.failed(ASKED, 30.0, rejected=True)
    counts.failed(ASKED, 30.0, rejected=False)
    assert counts.durations == {
        (ASKED, False): [1, 0, 0, 0, 0, 0, 0, 0, 1],
        (ASKED, True): [0, 0, 0, 1, 0, 0, 0, 0, 1],
    }
    assert counts.rejections == {(ASKED, "no_error", "403"): 1, (ASKED, "calling_webhook_error", "0"): 1}
    assert counts.failed_open == {ASKED: 1}


def test_the_names_are_upstreams() -> None:
    metrics = Metrics()
    metrics.webhooks.answered(ASKED, 0.003, 200, allowed=True)
    metrics.webhooks.failed(ASKED, 0.003, rejected=True)
    metrics.webhooks.failed(ASKED, 0.003, rejected=False)
    lines = exposition(metrics).decode().splitlines()
    prefix = "apiserver_admission_webhook"
    shown = {line.partition("{")[0] for line in lines if line.startswith(prefix)}
    assert shown == {
        f"{prefix}_admission_duration_seconds_bucket",
        f"{prefix}_admission_duration_seconds_count",
        f"{prefix}_admission_duration_seconds_sum",
        f"{prefix}_request_total",
        f"{prefix}_rejection_count",
        f"{prefix}_fail_open_count",
    }
    assert f'{prefix}_fail_open_count{{name="a.b.c",type="admit"}} 1.0' in lines
