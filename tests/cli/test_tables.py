"""Tables, ages and sizes."""

import pytest

from podwright.cli.tables import age, size, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-3, "0s", id="a clock that went back is no age"),
        pytest.param(119.9, "119s", id="seconds up to two minutes"),
        pytest.param(190, "3m10s", id="minutes and seconds up to ten minutes"),
        pytest.param(180, "3m", id="no seconds where there are none"),
        pytest.param(179 * 60, "179m", id="minutes up to three hours"),
        pytest.param(5 * 3600 + 12 * 60, "5h12m", id="hours and minutes up to eight hours"),
        pytest.param(30 * 3600, "30h", id="hours up to two days"),
        pytest.param((4 * 24 + 3) * 3600, "4d3h", id="days and hours up to eight days"),
        pytest.param(400 * 86400, "400d", id="days from then on"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0B"), (999, "999B"), (706_900, "707kB"), (2_130_000, "2.13MB"), (3_400_000_000, "3.4GB")]
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_columns_are_as_wide_as_their_widest_cell_and_lines_have_no_trailing_spaces() -> None:
    assert table(("POD", "AGE"), [("web-1", "3s"), ("x", "")]) == "POD     AGE\nweb-1   3s\nx"
