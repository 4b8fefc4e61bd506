"""RFC 7386."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.apiserver.patch import merge
from podwright.apiserver.patch.errors import PatchError

PLAIN = st.booleans() | st.integers(0, 3) | st.text("ab", max_size=1)
WHOLE = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", max_size=1), inner), max_leaves=8
)
OBJECTS = st.dictionaries(st.text("abc", max_size=1), WHOLE)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge.merge(target, patch) == result


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A merge patch from `old` to `new`."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            patch[key] = difference(before, value)
        elif before != value or type(before) is not type(value):
            patch[key] = value
    return patch


@given(OBJECTS, OBJECTS)
def test_a_patch_made_from_two_objects_leads_from_one_to_the_other(old: Any, new: Any) -> None:
    assert merge.apply(old, difference(old, new)) == new


@given(OBJECTS, OBJECTS)
def test_applying_twice_is_applying_once(doc: Any, patch: Any) -> None:
    once = merge.apply(doc, patch)
    assert merge.apply(once, patch) == once


def test_the_result_shares_nothing() -> None:
    doc, patch = {"a": {"b": [1]}}, {"c": {"d": [2]}}
    result = merge.apply(doc, patch)
    result["a"]["b"].append(3)
    result["c"]["d"].append(3)
    assert (doc, patch) == ({"a": {"b": [1]}}, {"c": {"d": [2]}})


def test_a_patch_that_is_no_object_is_refused() -> None:
    with pytest.raises(PatchError):
        merge.apply({"a": 1}, [1])
