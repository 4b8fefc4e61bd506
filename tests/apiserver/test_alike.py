"""Answers that are kept for values that are the same."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.apiserver.alike import KEPT, LARGEST, Alike


class Worker:
    """Counts how often it was asked."""

    def __init__(self, answer: Any = "answer") -> None:
        self.asked = 0
        self.answer = answer

    def __call__(self) -> Any:
        self.asked += 1
        return self.answer


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        pytest.param({"a": [1, "x"]}, {"a": [1, "x"]}, 1, id="the same"),
        pytest.param({"a": 1}, {"a": 2}, 2, id="another value"),
        pytest.param({"a": 1}, {"a": "1"}, 2, id="another type"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, 2, id="another order, which is as good as another value"),
        pytest.param({"a": "x" * LARGEST}, {"a": "x" * LARGEST}, 2, id="too large to be kept"),
    ],
)
def test_what_counts_as_the_same(first: Any, second: Any, asked: int) -> None:
    alike, work = Alike[str](), Worker()
    assert alike.of(first, work) == "answer"
    assert alike.of(second, work) == "answer"
    assert work.asked == asked


def test_an_answer_may_be_one_that_is_not_kept() -> None:
    alike, work = Alike[list[str]](), Worker(["wrong"])
    for _ in range(2):
        alike.of({"a": 1}, work, keep=lambda answer: not answer)
    assert work.asked == 2


def test_the_oldest_answers_make_room() -> None:
    alike, first = Alike[str](), Worker()
    alike.of(-1, first)
    for number in range(KEPT):
        alike.of(number, Worker())
    alike.of(-1, first)
    assert first.asked == 2
