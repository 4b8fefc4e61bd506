"""Links of an HTML page that lead to its own server, made to lead through the API server's proxy.

Pure; called by `workload_proxy.py`. Only links with an absolute path change: relative ones lead where they did, and
those to other servers are theirs.
Page: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

_LINKS = frozenset(
    ("action", "background", "cite", "classid", "codebase", "data", "formaction", "href", "icon", "longdesc",
     "manifest", "poster", "profile", "src", "usemap")
)  # fmt: skip
"""Attributes whose value is a link. Source: the HTML standard's index of attributes."""


class _Rewriter(HTMLParser):
    def __init__(self, through: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=False)
        self._through = through
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text() or ""
        for name, value in attrs:
            if value and name in _LINKS and (new := self._through(value)) != value:
                pattern = rf"(\b{re.escape(name)}\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s>]+)"
                found = re.search(pattern, text, re.IGNORECASE)
                if found is not None:
                    text = f'{text[: found.start(2)]}"{html.escape(new)}"{text[found.end(2) :]}'
        self.out.append(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.out.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.out.append(f"<![{data}]>")


def rewritten(page: str, through: Callable[[str], str]) -> str:
    """`page` with each of its links as `through` gives it."""
    rewriter = _Rewriter(through)
    rewriter.feed(page)
    rewriter.close()
    return "".join(rewriter.out)
