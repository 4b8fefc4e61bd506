from __future__ import annotations

import pytest
from tests.kubelet.kuberuntime.pods import container, pod

from podwright.kubelet.kuberuntime.grace import grace_for, remaining, stop_timeout

PROBED = container(
    "a", livenessProbe={"terminationGracePeriodSeconds": 7}, startupProbe={"terminationGracePeriodSeconds": 9}
)
DELETED = {"deletionGracePeriodSeconds": 12}


@pytest.mark.parametrize(
    ("spec", "meta", "probe", "override", "want"),
    [
        pytest.param(60, {}, "", None, 60, id="the spec's grace"),
        pytest.param(None, {}, "", None, 2, id="no grace at all is the minimum"),
        pytest.param(60, {}, "liveness", None, 7, id="a failed liveness probe has its own"),
        pytest.param(60, {}, "startup", None, 9, id="a failed startup probe has its own"),
        pytest.param(60, DELETED, "liveness", None, 12, id="a deleted Pod's grace comes before the probe's"),
        pytest.param(60, DELETED, "", 5, 5, id="the worker's grace comes before everything"),
        pytest.param(60, {}, "liveness", 0, 0, id="and may be none"),
        pytest.param(60, {}, "", -3, 0, id="but not less"),
    ],
)
def test_grace_begins_with(spec: int | None, meta: dict[str, int], probe: str, override: int | None, want: int) -> None:
    obj = pod(PROBED, meta=meta, **({} if spec is None else {"terminationGracePeriodSeconds": spec}))
    assert grace_for(obj, PROBED, probe, override) == want


def test_a_probe_without_its_own_grace_has_the_spec_s() -> None:
    plain = container("a", livenessProbe={})
    assert grace_for(pod(plain, terminationGracePeriodSeconds=60), plain, "liveness") == 60


@pytest.mark.parametrize(
    ("grace", "hook", "timeout"),
    [
        pytest.param(60, 55, 5, id="grace 60, hook 55: five seconds are left"),
        pytest.param(30, 30, 2, id="grace 30, hook 30: two seconds are given all the same"),
        pytest.param(30, 0, 30, id="no hook: everything is left"),
        pytest.param(30, 4.9, 26, id="a begun second is not counted"),
        pytest.param(1, 1, 2, id="forced: two seconds after the hook's one"),
        pytest.param(0, 0, 2, id="no grace: two seconds"),
        pytest.param(10, 99, 2, id="a hook that overran"),
    ],
)
def test_what_is_left_for_the_stop_signal(grace: int, hook: float, timeout: int) -> None:
    assert stop_timeout(remaining(grace, hook)) == timeout
