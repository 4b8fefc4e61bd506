"""When a Job may try again."""

from __future__ import annotations

import pytest
from tests.controllers.jobs.builders import NOW, pod

from podwright.controllers.jobs.retry import delay, remaining, remaining_of_index


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(0, 0, id="nothing has failed"),
        pytest.param(1, 10, id="after the first failure"),
        pytest.param(2, 20, id="after the second"),
        pytest.param(6, 320, id="after the sixth"),
        pytest.param(7, 600, id="ten minutes at most"),
        pytest.param(10**6, 600, id="after very many"),
    ],
)
def test_delay(failures: int, seconds: float) -> None:
    assert delay(failures) == seconds


@pytest.mark.parametrize(
    ("ended", "seconds"),
    [
        pytest.param([], 0, id="nothing has ended"),
        pytest.param([pod("a", "Failed", ended=4)], 6, id="a failure four seconds ago"),
        pytest.param([pod("a", "Failed", ended=11)], 0, id="long enough ago"),
        pytest.param([pod("a", "Failed", ended=9), pod("b", "Failed", ended=4)], 16, id="two failures"),
        pytest.param([pod("a", "Failed", ended=9), pod("b", "Succeeded", ended=4)], 0, id="a success since"),
        pytest.param(
            [pod("a", "Failed", ended=9), pod("b", "Succeeded", ended=5), pod("c", "Failed", ended=4)],
            6,
            id="only failures since the last success count",
        ),
    ],
)
def test_remaining(ended: list[dict[str, object]], seconds: float) -> None:
    assert remaining(ended, NOW) == pytest.approx(seconds)


def test_an_index_waits_for_its_own_failures() -> None:
    assert remaining_of_index(None, NOW) == 0
    assert remaining_of_index(pod("a", "Failed", index=1, failures=2, ended=10), NOW) == pytest.approx(30)
