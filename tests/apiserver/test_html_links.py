from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.apiserver.html_links import rewritten


def through(link: str) -> str:
    return f"/p{link}" if link.startswith("/") else link


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param('<a href="/x">t</a>', '<a href="/p/x">t</a>', id="a link"),
        pytest.param("<img src=/x alt='/x'/>", "<img src=\"/p/x\" alt='/x'/>", id="no quotes, and what is no link"),
        pytest.param("<A HREF='/x?a=1&amp;b=2'>t</A>", '<A HREF="/p/x?a=1&amp;b=2">t</A>', id="entities in a link"),
        pytest.param(
            '<form method="post" action="/x"></form>', '<form method="post" action="/p/x"></form>', id="a form"
        ),
        pytest.param('<a href="x">t</a>', '<a href="x">t</a>', id="a relative one"),
        pytest.param(
            '<!DOCTYPE html><!-- /x --><p>a &lt; b &#65; <script>if (a < b) { go("/x") }</script><br>',
            '<!DOCTYPE html><!-- /x --><p>a &lt; b &#65; <script>if (a < b) { go("/x") }</script><br>',
            id="all else stays",
        ),
        pytest.param("<a href", "<a href", id="a page that was cut off"),
        pytest.param('a < b <a href="/x', 'a < b <a href="/x', id="cut off within a link"),
        pytest.param('<a title="x <b>" href=/x>', '<a title="x <b>" href="/p/x">', id="a sign within quotes"),
        pytest.param(
            "<script src='/x'>'</script><a href=/y>", '<script src="/p/x">\'</script><a href="/p/y">', id="a script"
        ),
    ],
)
def test_links(page: str, wanted: str) -> None:
    assert rewritten(page, through) == wanted


@given(st.text(alphabet="<>\"'=/!- ahrefscipt\n", max_size=60))
def test_what_has_no_link_of_the_server_stays_to_the_last_character(page: str) -> None:
    assert rewritten(page, lambda link: link) == page


@pytest.mark.parametrize("part", ["<", "<a", '<a"', "<a '", "<!--", "<script>", "a=", "<a href="])
def test_a_hostile_page_costs_no_more_than_its_length(part: str) -> None:
    page = part * (400_000 // len(part))
    began = time.process_time()
    assert len(rewritten(page, through)) >= len(page)
    assert time.process_time() - began < 10
