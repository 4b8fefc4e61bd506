"""What probe results come to, and when probes run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.prober.decision import (
    STEPS,
    ProbeType,
    Tally,
    Timing,
    count,
    first_wait,
    initial,
    is_finished,
    next_due,
    timing,
)


def after(kind: ProbeType, results: str, numbers: Timing, was_good: bool = False) -> Tally:
    tally = initial(kind, was_good)
    for result in results:
        tally = count(tally, result == "+", numbers)
    return tally


@pytest.mark.parametrize(
    ("kind", "results", "verdict"),
    [
        pytest.param(ProbeType.LIVENESS, "", True, id="a container is alive until shown otherwise"),
        pytest.param(ProbeType.READINESS, "", False, id="a container is not ready until shown otherwise"),
        pytest.param(ProbeType.STARTUP, "", None, id="nothing is known of a startup"),
        pytest.param(ProbeType.LIVENESS, "--", True, id="two failures are not enough"),
        pytest.param(ProbeType.LIVENESS, "---", False, id="three are"),
        pytest.param(ProbeType.LIVENESS, "--+--", True, id="a success begins the count anew"),
        pytest.param(ProbeType.READINESS, "+", True, id="one success makes ready"),
        pytest.param(ProbeType.READINESS, "+--", True, id="ready stays through two failures"),
        pytest.param(ProbeType.READINESS, "+---", False, id="and ends with the third"),
        pytest.param(ProbeType.READINESS, "+---+", True, id="and comes back"),
        pytest.param(ProbeType.STARTUP, "--", None, id="a startup may still come"),
        pytest.param(ProbeType.STARTUP, "---", False, id="a startup that failed"),
        pytest.param(ProbeType.STARTUP, "--+", True, id="a late startup"),
    ],
)
def test_verdicts_with_the_default_thresholds(kind: ProbeType, results: str, verdict: bool | None) -> None:
    assert after(kind, results, Timing()).verdict is verdict


def test_readiness_may_want_several_successes() -> None:
    numbers = Timing(success_threshold=2)
    assert after(ProbeType.READINESS, "+", numbers).verdict is False
    assert after(ProbeType.READINESS, "+-+", numbers).verdict is False
    assert after(ProbeType.READINESS, "+-++", numbers).verdict is True


def test_what_the_api_said_before_a_restart_of_ours_holds() -> None:
    assert initial(ProbeType.READINESS, was_good=True).verdict is True
    assert initial(ProbeType.STARTUP, was_good=True).verdict is True


@pytest.mark.parametrize(
    ("kind", "verdict", "finished"),
    [
        pytest.param(ProbeType.STARTUP, None, False, id="a startup goes on while nothing is known"),
        pytest.param(ProbeType.STARTUP, True, True, id="started"),
        pytest.param(ProbeType.STARTUP, False, True, id="did not start"),
        pytest.param(ProbeType.LIVENESS, True, False, id="liveness goes on"),
        pytest.param(ProbeType.LIVENESS, False, True, id="dead: it will be restarted"),
        pytest.param(ProbeType.READINESS, True, False, id="readiness goes on when ready"),
        pytest.param(ProbeType.READINESS, False, False, id="readiness goes on when not"),
    ],
)
def test_the_end_of_probing(kind: ProbeType, verdict: bool | None, finished: bool) -> None:
    assert is_finished(kind, Tally(verdict)) is finished


@given(st.text(alphabet="+-"), st.integers(1, 5), st.integers(1, 5))
def test_a_verdict_always_rests_on_enough_results_in_a_row(results: str, successes: int, failures: int) -> None:
    numbers = Timing(success_threshold=successes, failure_threshold=failures)
    verdict = after(ProbeType.STARTUP, results, numbers).verdict
    has = {True: "+" * successes in results, False: "-" * failures in results}
    assert verdict is None if not any(has.values()) else verdict is not None and has[verdict]


@pytest.mark.parametrize(
    ("age", "our_age", "numbers", "expected"),
    [
        pytest.param(0.2, 60, Timing(), 0, id="a new container is probed at once"),
        pytest.param(0.2, 60, Timing(initial_delay=5), 4.8, id="after its initial delay"),
        pytest.param(9, 60, Timing(initial_delay=5), 0, id="which may be over, as after a startup probe"),
        pytest.param(500, 1, Timing(), 5, id="after our own restart spread over a period"),
        pytest.param(500, 20, Timing(), 0, id="not for long"),
        pytest.param(0.2, 1, Timing(), 0, id="not for containers that came after us"),
    ],
)
def test_the_first_probe(age: float, our_age: float, numbers: Timing, expected: float) -> None:
    assert first_wait(age, our_age, numbers, chance=0.5) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("due", "now", "numbers", "expected"),
    [
        pytest.param(100.0, 100.5, Timing(), 110.0, id="a quick probe"),
        pytest.param(100.0, 100.0, Timing(), 110.0, id="an instant one"),
        pytest.param(
            100.0, 112.0, Timing(), 120.0, id="one that took longer than the period leaves out what it missed"
        ),
        pytest.param(100.0, 99.999, Timing(), 110.0, id="an early timer"),
        pytest.param(100.1, 100.2, Timing(), 110.5, id="the second probe is brought to a moment of many"),
        pytest.param(100.49, 100.5, Timing(), 110.5, id="by as little as it takes"),
        pytest.param(110.5, 110.6, Timing(), 120.5, id="where it stays"),
        pytest.param(100.1, 112.0, Timing(), 120.5, id="also after one that was missed"),
        pytest.param(100.01, 100.02, Timing(period=1), 101.05, id="the shorter the period, the more moments there are"),
    ],
)
def test_the_next_probe(due: float, now: float, numbers: Timing, expected: float) -> None:
    assert next_due(due, now, numbers, together=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        pytest.param(100.1, 100.2, 110.1, id="a quick one"),
        pytest.param(100.1, 112.0, 120.1, id="one that took longer than the period"),
        pytest.param(100.1, 100.099, 110.1, id="an early timer"),
    ],
)
def test_the_next_command_comes_when_it_would_alone(due: float, now: float, expected: float) -> None:
    assert next_due(due, now, Timing(), together=False) == pytest.approx(expected)


@given(st.floats(0, 1e7), st.integers(1, 3600), st.integers(1, 50))
def test_after_the_second_probe_a_period_is_a_period(first: float, period: int, rounds: int) -> None:
    numbers = Timing(period=period)
    second = next_due(first, first, numbers, together=True)
    assert period * 0.999 <= second - first <= period * (1 + 1 / STEPS) + 1e-6
    last = second
    for _ in range(rounds):
        last = next_due(last, last, numbers, together=True)
    assert last == pytest.approx(second + rounds * period)


def test_probes_of_many_containers_come_together() -> None:
    numbers = Timing()
    moments = {round(next_due(start / 100, start / 100, numbers, together=True), 6) for start in range(1000)}
    assert len(moments) <= STEPS + 1


def test_numbers_have_the_defaults_of_the_api() -> None:
    assert timing({}) == Timing(0, 10, 1, 1, 3)
    assert timing({"initialDelaySeconds": 1, "periodSeconds": 2, "timeoutSeconds": 3}) == Timing(1, 2, 3, 1, 3)
