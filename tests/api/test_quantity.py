from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api import quantity as q


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        pytest.param("0.5", "0.5", id="a fraction"),
        pytest.param("500m", "0.5", id="thousandths"),
        pytest.param("1Ki", "1024", id="binary"),
        pytest.param("1.5Gi", "1610612736", id="a binary fraction"),
        pytest.param("2E", "2000000000000000000", id="E alone is exa"),
        pytest.param("2e3", "2000", id="e with digits is an exponent"),
        pytest.param("2E-3", "0.002", id="a negative exponent"),
        pytest.param("+5", "5", id="a plus sign"),
        pytest.param("-5k", "-5000", id="a minus sign"),
        pytest.param(".1", "0.1", id="no digit before the point"),
        pytest.param("1n", "1e-9", id="one billionth"),
        pytest.param("0.1n", "1e-9", id="less than one billionth is rounded up"),
        pytest.param("1e99999", str(2**63 - 1), id="a huge exponent is capped"),
        pytest.param("100Ei", str(2**63 - 1), id="more than the maximum is capped"),
        pytest.param(3, "3", id="a JSON integer"),
        pytest.param(0.25, "0.25", id="a JSON fraction"),
    ],
)
def test_reads(text: q.Value, amount: str) -> None:
    assert q.parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1 Gi", "--1", "1Gi1x", "Ki", ".", "١", True])
def test_refuses_what_is_not_a_quantity(text: q.Value) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        q.parse_quantity(text)


@pytest.mark.parametrize("text", ["1i", "1mi", "1Gii", "1e", "1KM"])
def test_refuses_an_unknown_suffix(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse quantity's suffix"):
        q.parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("1500Mi", "1500Mi"),
        ("1.5Gi", "1536Mi"),
        ("0", "0"),
        ("0Ki", "0"),
        ("1024", "1024"),
        ("100Ki", "100Ki"),
        ("0.1Ki", "102400m"),
        ("1e3", "1e3"),
        ("12e5", "1200e3"),
        ("1500m", "1500m"),
        ("0.001", "1m"),
        ("1.0001Ki", "1024102400u"),
        ("-1Gi", "-1Gi"),
        ("100000000", "100M"),
        ("0.5Gi", "512Mi"),
        ("1e-3", "1e-3"),
        ("1Ki", "1Ki"),
        ("512", "512"),
        (2, "2"),
        (0.1, "100m"),
    ],
)
def test_writes_as_the_api_server_does(text: q.Value, written: str) -> None:
    assert q.canonical(text) == written


@given(
    st.integers(-(10**20), 10**20), st.sampled_from(["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e2", "e-4"])
)
def test_the_canonical_form_is_the_same_amount_and_stays_as_it_is(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    written = q.canonical(text)
    assert q.parse_quantity(written) == q.parse_quantity(text)
    assert q.canonical(written) == written


def test_rounds_up() -> None:
    assert q.ceil_value("1500m") == 2
    assert q.milli_value("0.0001") == 1
    assert q.milli_value("2") == 2000


def test_adds_resource_lists() -> None:
    assert q.add_resources({"cpu": "500m", "memory": "64Mi"}, {"cpu": 1, "x/y": "2"}) == {
        "cpu": "1500m",
        "memory": "64Mi",
        "x/y": "2",
    }
    assert q.max_resources({"cpu": "2"}, {"cpu": "500m", "memory": "1Ki"}) == {"cpu": "2", "memory": "1Ki"}
