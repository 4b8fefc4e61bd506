"""Files of variables: what may stand in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.kubelet.environment.env_file import EnvFileError, find_variable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("K='v'", "v", id="a quoted value"),
        pytest.param("A='1'\nK='v'\n", "v", id="behind another"),
        pytest.param("K='v'\nK='w'\n", "v", id="the first counts"),
        pytest.param("  \t K='v'\n", "v", id="blanks before the name"),
        pytest.param("# K='x'\n\nK='v' # why\n", "v", id="comments"),
        pytest.param("K='a\nb'\n", "a\nb", id="a value over two lines"),
        pytest.param("A='x\nK='\nK='v'\n", "v", id="a name inside a value is none"),
        pytest.param("K= 'v'\n", "", id="a blank after the sign means empty"),
        pytest.param("K=\n", "", id="nothing after the sign means empty"),
        pytest.param("K='a\\n#b'\n", "a\\n#b", id="nothing is escaped"),
        pytest.param("A='1'\n", "", id="not there"),
        pytest.param("K='v'\r\n", "v", id="line ends of another system"),
        pytest.param("", "", id="an empty file"),
    ],
)
def test_found(text: str, expected: str) -> None:
    assert find_variable(text, "K") == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("K=v", "line 1: the value must stand in single quotes", id="no quotes"),
        pytest.param('\nK="v"', "line 2: the value must stand in single quotes", id="double quotes"),
        pytest.param("K ='v'", "line 1: a name must stand right before '='", id="a blank before the sign"),
        pytest.param("K", "line 1: there is no '='", id="no sign"),
        pytest.param("K='v", "line 1: the quote is not closed", id="an open quote"),
        pytest.param("A='1\n2'\nK='v' x", "line 3: only a comment may follow the value", id="something behind it"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(EnvFileError) as caught:
        find_variable(text, "K")
    assert str(caught.value) == why


@given(st.text(alphabet=st.characters(blacklist_characters="'\r", blacklist_categories=["Cs"]), min_size=1))
def test_every_value_without_a_quote_comes_back(value: str) -> None:
    assert find_variable(f"A='x'\nK='{value}'\n", "K") == value


@given(st.text(alphabet="K='#\n\r a"))
def test_no_text_does_more_than_refuse(text: str) -> None:
    try:
        find_variable(text, "K")
    except EnvFileError as error:
        assert str(error).startswith("line ")
