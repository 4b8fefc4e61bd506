"""The union of two lists of tolerations without those that others make superfluous.

Pure; called by `runtime_class.py`. Source: pkg/util/tolerations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Toleration = Mapping[str, Any]


def union(first: Sequence[Toleration], second: Sequence[Toleration]) -> list[Toleration]:
    """Those of `first`, then those of `second`; of equal ones the earlier is kept."""
    everything = [*first, *second]
    kept: list[Toleration] = []
    for position, toleration in enumerate(everything):
        later = everything[position + 1 :]
        if any(covers(other, toleration) for other in kept):
            continue
        if any(not _same(other, toleration) and covers(other, toleration) for other in later):
            continue
        kept.append(toleration)
    return kept


def covers(wide: Toleration, narrow: Toleration) -> bool:
    """Whether `wide` tolerates every taint that `narrow` does, at least as long."""
    if _same(wide, narrow):
        return True
    key, operator = _text(wide, "key"), _operator(wide)
    if key != _text(narrow, "key") and (key or operator != "Exists"):
        return False
    effect = _text(wide, "effect")
    if effect and effect != _text(narrow, "effect"):
        return False
    if effect == "NoExecute" and wide.get("tolerationSeconds") is not None:
        seconds = narrow.get("tolerationSeconds")
        if seconds is None or seconds > wide["tolerationSeconds"]:
            return False
    if operator == "Exists":
        return True
    return operator == _operator(narrow) == "Equal" and _text(wide, "value") == _text(narrow, "value")


def _text(toleration: Toleration, field: str) -> str:
    return toleration.get(field) or ""


def _operator(toleration: Toleration) -> str:
    return _text(toleration, "operator") or "Equal"


def _same(a: Toleration, b: Toleration) -> bool:
    return all(_text(a, f) == _text(b, f) for f in ("key", "value", "effect")) and (
        _operator(a) == _operator(b) and a.get("tolerationSeconds") == b.get("tolerationSeconds")
    )
