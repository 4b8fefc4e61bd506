"""`$(NAME)` in variables, commands, arguments and sub-paths: what it becomes.

Pure. `environment.py` calls it for env values, command and args, `mounts.py` for subPathExpr and the prober for exec
commands. One pass from left to right; what was inserted is not looked at again.
Page: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))", re.DOTALL)


def expand(text: str, lookup: Callable[[str], str | None]) -> str:
    """`text` with each `$(NAME)` replaced by `lookup(NAME)`; None leaves the reference as it stands.

    `$$` is one `$` and protects a reference behind it; a `$` before anything else stands for itself.
    """

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        value = lookup(name)
        return match[0] if value is None else value

    return _REFERENCE.sub(replace, text) if "$" in text else text


def expand_all(texts: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """Each of `texts` (a command, its arguments) expanded with `values`; unknown names stay as they are."""
    return [expand(text, values.get) for text in texts]


def expand_strict(text: str, values: Mapping[str, str]) -> str:
    """`text` expanded where every name must have a value that is not empty, as in subPathExpr.

    Raises ValueError `missing value for A, B`, the names sorted.
    """
    missing: set[str] = set()

    def lookup(name: str) -> str | None:
        value = values.get(name)
        if not value:
            missing.add(name)
        return value

    expanded = expand(text, lookup)
    if missing:
        raise ValueError("missing value for " + ", ".join(sorted(missing)))
    return expanded
