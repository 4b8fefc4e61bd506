"""RFC 6902, and the limits that an API server needs on top."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.apiserver.patch import json_patch
from podwright.apiserver.patch.errors import PatchError, PatchTestFailed, PatchTooLarge, Unprocessable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
DOCS = st.dictionaries(st.text("ab/~", max_size=2), VALUES, max_size=3)


def op(kind: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **more}


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        pytest.param({"a": 1}, [op("add", "/b", value=2)], {"a": 1, "b": 2}, id="add a member"),
        pytest.param({"a": 1}, [op("add", "/a", value=2)], {"a": 2}, id="add replaces a member that is there"),
        pytest.param({"a": [1, 3]}, [op("add", "/a/1", value=2)], {"a": [1, 2, 3]}, id="add inserts before an element"),
        pytest.param({"a": [1]}, [op("add", "/a/-", value=2)], {"a": [1, 2]}, id="add at the end"),
        pytest.param({"a": [1]}, [op("add", "/a/1", value=2)], {"a": [1, 2]}, id="add at the length is the end"),
        pytest.param({"a": 1}, [op("add", "", value={"b": 2})], {"b": 2}, id="add of the whole document"),
        pytest.param({"a": [1, 2]}, [op("remove", "/a/0")], {"a": [2]}, id="remove an element"),
        pytest.param({"a": [1, 2]}, [op("remove", "/a/-1")], {"a": [1]}, id="an index from the end"),
        pytest.param({"a/b": {"~": 1}}, [op("remove", "/a~1b/~0")], {"a/b": {}}, id="escapes"),
        pytest.param({"a": None}, [op("replace", "/a", value=0)], {"a": 0}, id="replace a null"),
        pytest.param({"a": {"b": 1}}, [op("move", "/c", **{"from": "/a/b"})], {"a": {}, "c": 1}, id="move"),
        pytest.param({"a": [1, 2]}, [op("move", "/a/1", **{"from": "/a/0"})], {"a": [2, 1]}, id="move within a list"),
        pytest.param({"a": {"b": 1}}, [op("copy", "/c", **{"from": "/a"})], {"a": {"b": 1}, "c": {"b": 1}}, id="copy"),
        pytest.param({"a": 1.0}, [op("test", "/a", value=1)], {"a": 1.0}, id="test by value"),
        pytest.param({}, [op("test", "/a", value=None)], {}, id="test for null where nothing is"),
        pytest.param({}, [op("add", "/a", value=None)], {"a": None}, id="add a null"),
        pytest.param({"a": 1}, [], {"a": 1}, id="nothing to do"),
    ],
)
def test_operations(doc: Any, patch: Any, result: Any) -> None:
    assert json_patch.apply(doc, patch) == result


@pytest.mark.parametrize(
    ("patch", "error", "message"),
    [
        pytest.param({}, PatchError, "error decoding patch", id="not a list"),
        pytest.param([1], PatchError, "Unexpected kind: unknown", id="not an operation"),
        pytest.param([op("grow", "/a")], PatchError, "Unexpected kind: grow", id="an unknown operation"),
        pytest.param([{"op": "remove"}], PatchError, '"path" must be a JSON pointer', id="no path"),
        pytest.param([op("remove", "a")], PatchError, '"path" must be a JSON pointer', id="a path without slash"),
        pytest.param([op("move", "/a")], PatchError, '"from" must be a JSON pointer', id="move from nowhere"),
        pytest.param([op("add", "/a")], PatchError, '"value" is missing', id="add of nothing"),
        pytest.param([op("test", "/a", value=2)], PatchTestFailed, "testing value /a failed: test failed", id="test"),
        pytest.param([op("test", "/a", value=True)], PatchTestFailed, "failed", id="true is not 1"),
        pytest.param(
            [op("remove", "/b")],
            Unprocessable,
            "remove operation does not apply: doc is missing key: /b: missing value",
            id="remove what is not there",
        ),
        pytest.param(
            [op("replace", "/x/y", value=1)],
            Unprocessable,
            'replace operation does not apply: doc is missing path: "/x/y": missing value',
            id="replace below what is not there",
        ),
        pytest.param([op("add", "/l/3", value=1)], Unprocessable, "invalid index referenced", id="add beyond the end"),
        pytest.param([op("add", "/l/01", value=1)], Unprocessable, "invalid array index", id="an index with a zero"),
        pytest.param([op("add", "/a/b", value=1)], Unprocessable, "doc is missing path", id="below a plain value"),
        pytest.param([op("move", "/m/n/o", **{"from": "/m"})], Unprocessable, "into itself", id="move into itself"),
        pytest.param([op("remove", "")], Unprocessable, "not an object", id="remove everything"),
        pytest.param([op("add", "", value=[])], Unprocessable, "not an object", id="a document that is a list"),
        pytest.param(
            [op("copy", "/m/m", **{"from": "/m"})] * 300, Unprocessable, "", id="copies that double themselves"
        ),
        pytest.param([op("test", "/a", value=1)] * 10_001, PatchTooLarge, "is 10000, got 10001", id="too many"),
    ],
)
def test_a_patch_that_does_not_apply(patch: Any, error: type[PatchError], message: str) -> None:
    doc = {"a": 1, "l": [0], "m": {"n": {}}}
    with pytest.raises(error) as raised:
        json_patch.apply(doc, patch)
    assert message in raised.value.message
    assert doc == {"a": 1, "l": [0], "m": {"n": {}}}, "the given document is never changed"


@given(DOCS, st.text("ab/~", max_size=2), VALUES)
def test_add_then_test_then_remove_gives_the_document_back(doc: Any, key: str, value: Any) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    before = {k: v for k, v in doc.items() if k != key}
    patch = [op("add", path, value=value), op("test", path, value=value), op("remove", path)]
    assert json_patch.apply(before, patch) == before
