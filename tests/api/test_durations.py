"""Spans of time as Go programs write them."""

from __future__ import annotations

import pytest

from podwright.api.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0.0, id="nothing"),
        pytest.param("32s", 32.0, id="seconds"),
        pytest.param("1m30s", 90.0, id="two units"),
        pytest.param("1.5h", 5400.0, id="a fraction"),
        pytest.param("+500ms", 0.5, id="a sign"),
    ],
)
def test_what_is_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "soon", "-1s", "1d", "1 s", "s"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)
