from __future__ import annotations

import pytest

from podwright.api.selectors import label_selector_from, parse_field_selector, parse_label_selector


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        pytest.param("", {}, True, id="nothing selects everything"),
        pytest.param("a=b", {"a": "b"}, True, id="equals"),
        pytest.param("a==b", {"a": "c"}, False, id="double equals, other value"),
        pytest.param("a=", {"a": ""}, True, id="equals the empty value"),
        pytest.param("a!=b", {}, True, id="not equal holds where the label is not there"),
        pytest.param("a != b", {"a": "b"}, False, id="not equal with spaces"),
        pytest.param("a in (b, c)", {"a": "c"}, True, id="in"),
        pytest.param("a in (b,)", {"a": ""}, True, id="in with an empty value"),
        pytest.param("a notin (b)", {}, True, id="notin holds where the label is not there"),
        pytest.param("a notin(b,c)", {"a": "c"}, False, id="notin"),
        pytest.param("a", {"a": "x"}, True, id="exists"),
        pytest.param("!a", {"a": "x"}, False, id="does not exist"),
        pytest.param("! a , b in (c),d", {"b": "c", "d": ""}, True, id="several, all of which hold"),
        pytest.param("a>5", {"a": "6"}, True, id="greater"),
        pytest.param("a<5", {"a": "x"}, False, id="less, not a number"),
        pytest.param("x.io/a=b", {"x.io/a": "b"}, True, id="a prefixed key"),
        pytest.param("in=in", {"in": "in"}, True, id="the words in and notin may be keys and values"),
    ],
)
def test_label_selector(selector: str, labels: dict[str, str], selected: bool) -> None:
    assert parse_label_selector(selector).matches(labels) is selected


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a in b", "found 'b' expected: '('"),
        ("a in (b", "found '', expected: ',', or ')'"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a==-b", 'values[0][a]: Invalid value: "-b": a valid label must be'),
        ("-a=b", 'Invalid value: "-a": name part must consist of'),
        ("a>b", "the value must be an integer"),
        ("!", "expected: identifier"),
    ],
)
def test_a_label_selector_that_cannot_be_read_says_why(selector: str, text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse requirement: ") as raised:
        parse_label_selector(selector)
    assert text in str(raised.value)


def test_label_selector_objects() -> None:
    selector = label_selector_from(
        {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]}
    )
    assert selector.matches({"a": "b"})
    assert not selector.matches({"a": "b", "c": "d"})
    assert not label_selector_from(None).matches({})
    assert label_selector_from({}).matches({"x": "y"})
    with pytest.raises(ValueError, match="is not a valid label selector operator"):
        label_selector_from({"matchExpressions": [{"key": "c", "operator": "Like"}]})


def test_field_selector() -> None:
    selector = parse_field_selector(r"spec.nodeName=n,status.phase!=Failed,metadata.name=a\,b\=c\\")
    assert selector.matches({"spec.nodeName": "n", "status.phase": "Running", "metadata.name": "a,b=c\\"})
    assert not selector.matches({"spec.nodeName": "n", "status.phase": "Failed", "metadata.name": "a,b=c\\"})
    assert selector.value_of("spec.nodeName") == "n"
    assert selector.value_of("status.phase") is None
    assert parse_field_selector("spec.nodeName=").matches({})
    assert not parse_field_selector("")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: ="),
        ("a=\\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_field_selector_that_cannot_be_read_says_why(text: str, error: str) -> None:
    with pytest.raises(ValueError, match="invalid") as raised:
        parse_field_selector(text)
    assert str(raised.value) == error
