from __future__ import annotations

import pytest

from podwright.apiserver.html_links import rewritten


def through(link: str) -> str:
    return f"/p{link}" if link.startswith("/") else link


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param('<a href="/x">t</a>', '<a href="/p/x">t</a>', id="a link"),
        pytest.param("<img src=/x alt='/x'/>", "<img src=\"/p/x\" alt='/x'/>", id="no quotes, and what is no link"),
        pytest.param("<A HREF='/x?a=1&amp;b=2'>t</A>", '<A HREF="/p/x?a=1&amp;b=2">t</a>', id="entities in a link"),
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
    ],
)
def test_links(page: str, wanted: str) -> None:
    assert rewritten(page, through) == wanted
