"""Requests are counted under upstream's names, without a time series for what does not exist."""

from __future__ import annotations

import pytest

from podwright.apiserver.filters.metrics import BUCKETS, Metrics, labels_of
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.routes import resolve, table_of

TABLE = table_of(ROWS)
PODS = "/api/v1/namespaces/a/pods"


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        pytest.param("GET", f"{PODS}/x", ("GET", "", "v1", "pods", "", "resource"), id="one object"),
        pytest.param("GET", PODS, ("LIST", "", "v1", "pods", "", "namespace"), id="a namespace"),
        pytest.param("GET", "/api/v1/pods", ("LIST", "", "v1", "pods", "", "cluster"), id="all namespaces"),
        pytest.param("PATCH", f"{PODS}/x/status", ("PATCH", "", "v1", "pods", "status", "resource"), id="a part"),
        pytest.param("GET", f"{PODS}/x/log", ("GET", "", "v1", "pods", "log", "resource"), id="a stream"),
        pytest.param("GET", f"{PODS}/x/made-up", ("GET", "", "v1", "pods", "", "resource"), id="no such part"),
        pytest.param("GET", "/api/v1/made-up/x", ("GET", "", "", "", "", ""), id="no such resource"),
    ],
)
def test_what_a_request_is_counted_under(method: str, path: str, labels: tuple[str, ...]) -> None:
    assert labels_of(resolve(method, path, TABLE)) == labels


def test_durations_fall_into_buckets_that_add_up() -> None:
    metrics = Metrics()
    for seconds in (BUCKETS[0], 0.002, BUCKETS[-1] + 1):
        asked = resolve("GET", f"{PODS}/x", TABLE)
        metrics.began(asked)
        metrics.ended(asked, 200, seconds)
    said = metrics.text().decode()
    buckets = [line for line in said.splitlines() if line.startswith("apiserver_request_duration_seconds_bucket")]
    for bound, count in (("0.001", 1), ("0.0025", 2), ("60.0", 2), ("+Inf", 3)):
        assert [line.rpartition(" ")[2] for line in buckets if f'le="{bound}"' in line] == [f"{count}.0"]
    assert 'apiserver_current_inflight_requests{request_kind="readOnly"} 0.0' in said


def test_a_watch_is_counted_while_it_lasts_and_has_no_duration() -> None:
    metrics = Metrics()
    asked = resolve("GET", PODS, TABLE, watch=True)
    metrics.began(asked)
    open_ = [line for line in metrics.text().decode().splitlines() if line.startswith("apiserver_longrunning_requests")]
    assert open_[0].endswith(" 1.0")
    metrics.ended(asked, 200, 5.0)
    said = metrics.text().decode()
    assert not any(line.startswith("apiserver_request_duration_seconds_count") for line in said.splitlines())
    assert 'apiserver_request_total{code="200"' in said
