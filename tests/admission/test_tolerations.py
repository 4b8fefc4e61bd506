"""The union of tolerations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.admission.tolerations import covers, union


def t(key: str = "", operator: str = "", effect: str = "", value: str = "", seconds: int | None = None) -> Any:
    made: dict[str, Any] = {"key": key, "operator": operator, "effect": effect, "value": value}
    made = {k: v for k, v in made.items() if v}
    return made if seconds is None else {**made, "tolerationSeconds": seconds}


@pytest.mark.parametrize(
    ("first", "second", "united"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([t("a", "Exists")], [t("b", "Exists")], [t("a", "Exists"), t("b", "Exists")], id="two keys"),
        pytest.param([t("a", "Exists")], [t("a", "Exists")], [t("a", "Exists")], id="the same twice"),
        pytest.param(
            [t("t", "Exists")], [t("t", "Exists", "NoSchedule")], [t("t", "Exists")], id="every effect holds one"
        ),
        pytest.param(
            [t("t", "Exists", "NoSchedule")], [t("t", "Exists")], [t("t", "Exists")], id="the later holds the earlier"
        ),
        pytest.param(
            [t("a", "Equal", value="1")], [t(operator="Exists")], [t(operator="Exists")], id="everything holds all"
        ),
        pytest.param(
            [t("a", "Exists")], [t("a", "Equal", value="1")], [t("a", "Exists")], id="any value holds one value"
        ),
        pytest.param(
            [t("a", "Equal", value="1")],
            [t("a", "Equal", value="2")],
            [t("a", "Equal", value="1"), t("a", "Equal", value="2")],
            id="two values",
        ),
        pytest.param(
            [t("a", "Exists", "NoExecute", seconds=5)],
            [t("a", "Exists", "NoExecute", seconds=9)],
            [t("a", "Exists", "NoExecute", seconds=9)],
            id="the longer holds the shorter",
        ),
        pytest.param(
            [t("a", "Exists", "NoExecute", seconds=5)],
            [t("a", "Exists", "NoExecute")],
            [t("a", "Exists", "NoExecute")],
            id="for ever holds any time",
        ),
        pytest.param(
            [t("a", value="1")], [t("a", "Equal", value="1")], [t("a", value="1")], id="no operator means equal"
        ),
    ],
)
def test_union(first: list[Any], second: list[Any], united: list[Any]) -> None:
    assert union(first, second) == united


# As validation lets them in: no key means every key, seconds are for NoExecute, Exists has no value.
EFFECTS = [("", None), ("NoSchedule", None), ("NoExecute", None), ("NoExecute", 1), ("NoExecute", 2)]
MATCHES = [("", "Exists", ""), *((k, "Exists", "") for k in "ab"), *((k, "Equal", v) for k in "ab" for v in ("", "x"))]
TOLERATIONS = st.lists(
    st.builds(
        lambda match, effect: t(match[0], match[1], effect[0], match[2], effect[1]),
        st.sampled_from(MATCHES),
        st.sampled_from(EFFECTS),
    ),
    max_size=5,
)


@given(TOLERATIONS, TOLERATIONS)
def test_a_union_united_again_is_itself(first: list[Any], second: list[Any]) -> None:
    once = union(first, second)
    assert union(once, []) == once
    assert union(once, second) == once


@given(TOLERATIONS, TOLERATIONS)
def test_a_union_covers_both_parts(first: list[Any], second: list[Any]) -> None:
    united = union(first, second)
    assert all(any(covers(kept, part) for kept in united) for part in (*first, *second))
    assert all(kept in (*first, *second) for kept in united)
