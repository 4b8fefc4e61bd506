"""Links of an HTML page that lead to its own server, made to lead through the API server's proxy.

Pure; called by `workload_proxy.py`. Which links change is for `through` to say. The page comes from a Pod, so it may be
anything: every character is passed once, and what is no tag stays as it is, to the last byte.
Page: https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

_LINKS = frozenset(
    ("action", "background", "cite", "classid", "codebase", "data", "formaction", "href", "icon", "longdesc",
     "manifest", "poster", "profile", "src", "usemap")
)  # fmt: skip
"""Attributes whose value is a link. Source: the HTML standard's index of attributes."""
_TAG = re.compile(r"<([a-zA-Z][^\s\"'<>/]*)")
_PIECE = re.compile(
    r"""(?P<name>[^\s"'<>=/]+)(?P<equals>\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^\s"'<>]+)"""
    r"""|(?P<end>>)|(?P<next><)|[^\s"'<>=/]+|"[^"]*"|'[^']*'|.""",
    re.DOTALL,
)
_END_OF = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
"""Elements whose content is no HTML."""


def rewritten(page: str, through: Callable[[str], str]) -> str:
    """`page` with each of its links as `through` gives it."""
    out: list[str] = []
    at = 0
    while (start := page.find("<", at)) >= 0:
        out.append(page[at:start])
        tag = _TAG.match(page, start)
        if page.startswith("<!--", start):
            end = page.find("-->", start)
            at = end if end >= 0 else len(page)
            out.append(page[start:at])
        elif tag is None:
            at = start + 1
            out.append("<")
        else:
            out.append(tag[0])
            at = _attributes(page, tag.end(), through, out)
            if (end_of := _END_OF.get(tag[1].lower())) is not None:
                closing = end_of.search(page, at)
                end = closing.start() if closing else len(page)
                out.append(page[at:end])
                at = end
    out.append(page[at:])
    return "".join(out)


def _attributes(page: str, at: int, through: Callable[[str], str], out: list[str]) -> int:
    """Write the rest of a tag; where it ends."""
    while (piece := _PIECE.match(page, at)) is not None and not piece["next"]:
        at, text = piece.end(), piece[0]
        if (written := piece["value"]) and piece["name"].lower() in _LINKS:
            link = html.unescape(written[1:-1] if written[0] in "\"'" else written)
            if (new := through(link)) != link:
                text = f'{piece["name"]}{piece["equals"]}"{html.escape(new)}"'
        out.append(text)
        if piece["end"]:
            break
    return at
