"""Sets of indexes as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.controllers.jobs.indexes import format_indexes, parse_indexes


@pytest.mark.parametrize(
    ("indexes", "text"),
    [
        pytest.param([], "", id="none"),
        pytest.param([3], "3", id="one"),
        pytest.param([4, 3], "3,4", id="two neighbours stand by themselves"),
        pytest.param([1, 3, 4, 5, 7], "1,3-5,7", id="three are a range"),
    ],
)
def test_format_indexes(indexes: list[int], text: str) -> None:
    assert format_indexes(indexes) == text
    assert parse_indexes(text, 100) == set(indexes)


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        pytest.param("0-9", {0, 1, 2}, id="only those that are asked for"),
        pytest.param("1,x", set(), id="what cannot be read names none"),
    ],
)
def test_parse_indexes(text: str, indexes: set[int]) -> None:
    assert parse_indexes(text, 3) == indexes


@given(st.frozensets(st.integers(0, 60)))
def test_there_and_back(indexes: frozenset[int]) -> None:
    assert parse_indexes(format_indexes(indexes), 61) == indexes
