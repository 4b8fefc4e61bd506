"""Bodies into values: what is refused, and which fields stand twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.schema import decode_json, decode_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_json_writes_is_read_without_duplicates(value: Any) -> None:
    assert decode_json(json.dumps(value).encode(), duplicates=True) == (value, [])


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param(b'{"a":1,"a":2}', ['duplicate field "a"'], id="at the top"),
        pytest.param(
            b'{"s":[{"b":1,"c":0,"b":1,"b":3}]}', ['duplicate field "s[0].b"'], id="in a list, thrice, once named"
        ),
        pytest.param(
            b'{"a":{"b":1,"b":2},"c":{"d":1,"d":1}}',
            ['duplicate field "a.b"', 'duplicate field "c.d"'],
            id="two places",
        ),
        pytest.param(b'{ "a": [ 1, 2 ] }\n', [], id="none"),
    ],
)
def test_duplicates_are_named_by_path(body: bytes, texts: list[str]) -> None:
    assert decode_json(body, duplicates=True)[1] == texts
    assert decode_json(body)[1] == []


@pytest.mark.parametrize("decode", [decode_json, decode_yaml])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="an endless list"),
        pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, id="objects five thousand deep"),
        pytest.param(b"[" * 300 + b"]" * 300, id="a list three hundred deep"),
        pytest.param(b'{"a": ', id="cut short"),
        pytest.param(b"\xff\xfe\x00", id="not text"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_value_error(decode: Any, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: yes\nb: off", {"a": True, "b": False}, id="the booleans of YAML 1.1"),
        pytest.param("a: 22:22", {"a": "22:22"}, id="no numbers of base 60"),
        pytest.param("a: 2001-01-01", {"a": "2001-01-01"}, id="dates stay strings"),
        pytest.param("a: 0644\nb: 0x10\nc: 1_000", {"a": 420, "b": 16, "c": 1000}, id="octal, hexadecimal, grouped"),
        pytest.param("a: 1.50\nb: 1e3\nc: 1.2.3", {"a": 1.5, "b": 1000, "c": "1.2.3"}, id="floats, and what is none"),
        pytest.param("1: a\ntrue: b", {"1": "a", "true": "b"}, id="keys become strings"),
        pytest.param("x: &x {p: 1}\ny:\n  <<: *x\n  q: 2", {"x": {"p": 1}, "y": {"p": 1, "q": 2}}, id="merge keys"),
        pytest.param('{a: [b, "c"]}', {"a": ["b", "c"]}, id="flow style that only starts like JSON"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_yaml_is_read_as_kubernetes_reads_it(text: str, value: Any) -> None:
    assert decode_yaml(text.encode()) == (value, [])


def test_yaml_aliases_do_not_share_values() -> None:
    value, _ = decode_yaml(b"a: &x {p: 1}\nb: *x")
    assert value["a"] is not value["b"]


def test_yaml_duplicates_are_named_by_line() -> None:
    _, texts = decode_yaml(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3", duplicates=True)
    assert texts == [
        'yaml: unmarshal errors:\n  line 4: key "c" already set in map\n  line 5: key "a" already set in map',
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: 1\n---\nb: 2", id="two documents"),
        pytest.param("&a [*a]", id="a value that contains itself"),
        pytest.param("a: !!python/object:os.system x", id="a Python object"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)),
            id="a billion laughs",
        ),
    ],
)
def test_yaml_that_is_meant_to_harm_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_yaml(text.encode())
