"""Copies of JSON data: equal, and apart."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import copy_object


class Counted(dict[str, Any]):
    """A mapping that is not a plain dict."""


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": {"b": [1, {"c": "d"}]}}, id="mappings and lists at every depth"),
        pytest.param({"n": 2**70, "f": 0.1, "t": True, "z": None}, id="numbers keep their type and all their digits"),
        pytest.param([[], {}, [[]]], id="empty ones"),
        pytest.param("text", id="a leaf is its own copy"),
    ],
)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    copied = copy_object(value)
    assert copied == value
    _assert_apart(value, copied)


def _assert_apart(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert left is not right
        for key in left:
            _assert_apart(left[key], right[key])
    elif isinstance(left, list):
        assert left is not right
        for one, other in zip(left, right, strict=True):
            _assert_apart(one, other)


def test_a_mapping_of_another_class_is_copied_too() -> None:
    inner = Counted(x=1)
    copied = copy_object({"inner": inner})
    copied["inner"]["x"] = 2
    assert inner["x"] == 1
