"""Text in Go's quotes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.environment.quoting import quote


def test_escapes() -> None:
    assert quote('a"b\\c\n\t\x00\x7f\u0085\U000e0001é') == '"a\\"b\\\\c\\n\\t\\x00\\x7f\\u0085\\U000e0001é"'


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_ascii_that_can_be_printed_is_quoted_as_json_quotes_it(text: str) -> None:
    assert quote(text) == json.dumps(text)


@given(st.text())
def test_a_quoted_text_stands_on_one_line(text: str) -> None:
    assert len(quote(text).splitlines()) == 1
