from __future__ import annotations

import pytest

from podwright.api.objects import Object
from podwright.kubelet.cgroups.limits import Limits, pod_limits, shares_of_weight, v1_files, v2_files, weight


def pod(*resources: Object, **spec: object) -> Object:
    return {"spec": {"containers": [{"name": str(i), "resources": r} for i, r in enumerate(resources)], **spec}}


CPU, MEMORY = {"cpu": "500m"}, {"memory": "64Mi"}
FULL = {"limits": {**CPU, **MEMORY}, "requests": {**CPU, **MEMORY}}
OVERHEAD = {"cpu": "250m", "memory": "16Mi"}
MI = 1 << 20


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        pytest.param(pod({}), Limits(2), id="best effort: the least share"),
        pytest.param(pod(FULL), Limits(512, 50000, 64 * MI), id="guaranteed"),
        pytest.param(pod(FULL, overhead=OVERHEAD), Limits(768, 75000, 80 * MI), id="overhead is added"),
        pytest.param(pod(FULL, FULL), Limits(1024, 100000, 128 * MI), id="containers add up"),
        pytest.param(pod({"requests": CPU}), Limits(512), id="burstable without limits"),
        pytest.param(pod(FULL, {"requests": CPU}), Limits(1024), id="one without limits leaves the Pod without"),
        pytest.param(pod(FULL, {"limits": MEMORY}), Limits(512, None, 128 * MI), id="each resource by itself"),
        pytest.param(
            pod({}, resources={"limits": {**CPU, **MEMORY}, "requests": CPU}),
            Limits(512, 50000, 64 * MI),
            id="limits of the whole Pod",
        ),
    ],
)
def test_limits_of_a_pod(obj: Object, want: Limits) -> None:
    assert pod_limits(obj) == want


def test_processes_and_quota_are_the_node_s_choice() -> None:
    assert pod_limits(pod({}), 100) == Limits(2, pids=100)
    assert pod_limits(pod(FULL), 100, cfs_quota=False) == Limits(512, None, 64 * MI, 100)


def test_files() -> None:
    limit = Limits(512, 50000, 64 * MI, 100)
    assert v1_files(limit) == {
        "cpu": {"cpu.shares": "512", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"},
        "memory": {"memory.limit_in_bytes": "67108864"},
        "pids": {"pids.max": "100"},
    }
    assert v2_files(limit) == {
        "cpu.weight": "20",
        "cpu.max": "50000 100000",
        "memory.max": "67108864",
        "pids.max": "100",
    }


@pytest.mark.parametrize(("shares", "value"), [(2, 1), (1024, 39), (262144, 10000)])
def test_weights(shares: int, value: int) -> None:
    assert weight(shares) == value
    assert weight(shares_of_weight(value)) in (value, value - 1)
