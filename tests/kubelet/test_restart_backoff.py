from __future__ import annotations

import pytest

from podwright.kubelet.restart_backoff import RestartBackoff, Wait, go_duration

KEY = ("uid", "web", "nginx", "{}")


def restart_at_once(backoff: RestartBackoff, times: int, at: float = 1000.0) -> float:
    """Restart the moment it is allowed, the container ending at once each time; when it ended last."""
    for _ in range(times):
        wait = backoff.check(KEY, at, at)
        now = at + (wait.left if wait else 0)
        assert backoff.check(KEY, at, now) is None
        backoff.restarted(KEY, at, now)
        at = now
    return at


@pytest.mark.parametrize(
    ("restarts", "window"),
    [
        pytest.param(0, None, id="the first restart is immediate"),
        pytest.param(1, 10, id="the second one waits ten seconds"),
        pytest.param(2, 20, id="then twice as long"),
        pytest.param(3, 40, id="and again"),
        pytest.param(5, 160, id="and again, until"),
        pytest.param(6, 300, id="five minutes are the most"),
        pytest.param(9, 300, id="and stay the most"),
    ],
)
def test_windows_double(restarts: int, window: float | None) -> None:
    backoff = RestartBackoff()
    ended = restart_at_once(backoff, restarts)
    wait = backoff.check(KEY, ended, ended)
    assert wait == (Wait(window, window) if window else None)


def test_the_window_counts_from_the_end_of_the_container() -> None:
    backoff = RestartBackoff()
    backoff.restarted(KEY, 1000, 1000)
    assert backoff.check(KEY, 1003, 1005) == Wait(10, 8)
    assert backoff.check(KEY, 1003, 1013) is None


def test_a_container_that_ran_for_more_than_ten_minutes_starts_anew() -> None:
    backoff = RestartBackoff()
    ended = restart_at_once(backoff, 5)
    assert backoff.check(KEY, ended + 600, ended + 600) is not None
    assert backoff.check(KEY, ended + 601, ended + 601) is None
    backoff.restarted(KEY, ended + 601, ended + 601)
    assert backoff.check(KEY, ended + 602, ended + 602) == Wait(10, 10)


@pytest.mark.parametrize(
    ("maximum", "windows"),
    [pytest.param(30, [10, 20, 30, 30], id="caps"), pytest.param(3, [3, 3, 3], id="lowers the first one too")],
)
def test_a_configured_maximum(maximum: float, windows: list[float]) -> None:
    backoff = RestartBackoff(maximum)
    ended, seen = 1000.0, []
    for _ in windows:
        ended = restart_at_once(backoff, 1, ended)
        wait = backoff.check(KEY, ended, ended)
        assert wait
        seen.append(wait.window)
    assert seen == windows


def test_containers_do_not_share_windows_and_a_pod_that_is_gone_leaves_none() -> None:
    backoff = RestartBackoff()
    backoff.restarted(KEY, 1000, 1000)
    assert backoff.check(("uid", "web", "nginx:2", "{}"), 1001, 1001) is None
    backoff.forget("other")
    assert backoff.check(KEY, 1001, 1001) is not None
    backoff.forget("uid")
    assert backoff.check(KEY, 1001, 1001) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10s"), (80, "1m20s"), (160, "2m40s"), (300, "5m0s"), (3600, "1h0m0s"), (0, "0s")]
)
def test_durations_as_go_prints_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
