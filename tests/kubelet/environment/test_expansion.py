"""$(NAME) expansion: the table of the reference, and what holds for every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.environment.expansion import expand, expand_all, expand_strict

VALUES = {"A": "1", "B": "$(A)", "E": "", "a.b": "dot", "N": "x\ny"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$(A)", "1", id="a name is replaced"),
        pytest.param("$$(A)", "$(A)", id="a doubled dollar protects"),
        pytest.param("$$$(A)", "$1", id="a protected dollar before a reference"),
        pytest.param("$(X)", "$(X)", id="an unknown name stays"),
        pytest.param("$(A", "$(A", id="an open reference stays"),
        pytest.param("$A", "$A", id="shell syntax stays"),
        pytest.param("$", "$", id="a single dollar stays"),
        pytest.param("$$", "$", id="two dollars are one"),
        pytest.param("$$$$", "$$", id="four dollars are two"),
        pytest.param("a$", "a$", id="a dollar at the end stays"),
        pytest.param("$(A)$(B)", "1$(A)", id="what was inserted is not looked at again"),
        pytest.param("$(E)", "", id="an empty value is a value"),
        pytest.param("$( A )", "$( A )", id="blanks belong to the name"),
        pytest.param("$((A))", "$((A))", id="nested parentheses stay"),
        pytest.param("$(A$(B))", "$(A$(B))", id="nested references stay"),
        pytest.param("$(a.b)", "dot", id="any exact name resolves"),
        pytest.param("$(A $$", "$(A $", id="after an open reference expansion goes on"),
        pytest.param("$()", "$()", id="no name"),
        pytest.param("a\n$(A)\n", "a\n1\n", id="lines do not matter"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, VALUES.get) == expected


@given(st.text())
def test_doubled_dollars_protect_everything(text: str) -> None:
    assert expand(text.replace("$", "$$"), VALUES.get) == text


@given(st.text(alphabet="$()AB x"))
def test_nothing_known_only_dollars_shrink(text: str) -> None:
    assert expand(text, lambda _: None).replace("$", "") == text.replace("$", "")


@given(st.text())
def test_a_text_without_a_dollar_stays(text: str) -> None:
    plain = text.replace("$", "")
    assert expand(plain, VALUES.get) == plain


def test_commands_are_expanded_word_by_word() -> None:
    assert expand_all(["run", "--a=$(A)", "$(X)"], VALUES) == ["run", "--a=1", "$(X)"]


def test_strict_expansion_names_all_that_is_missing_or_empty() -> None:
    with pytest.raises(ValueError, match=r"^missing value for E, X$"):
        expand_strict("$(X)/$(A)/$(E)/$(X)", VALUES)
    assert expand_strict("logs/$(A)", VALUES) == "logs/1"
