"""Sets of completion indexes, and the text in which a Job's status and its policies write them: `1,3-5,7`.

Called by the decisions of this folder. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Indexes = frozenset[int]


def parse_indexes(text: str, completions: int) -> Indexes:
    """The indexes below `completions` that `text` names; a part that cannot be read names none."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        try:
            start = int(first)
            end = int(last) if dash else start
        except ValueError:
            return frozenset()
        found.update(range(max(start, 0), min(end, completions - 1) + 1))
    return frozenset(found)


def format_indexes(indexes: Iterable[int]) -> str:
    """The text: in order, two neighbours by a comma, three or more by a dash; "" for none."""
    return ",".join(_runs(sorted(set(indexes))))


def _runs(ordered: list[int]) -> Iterator[str]:
    at = 0
    while at < len(ordered):
        end = at
        while end + 1 < len(ordered) and ordered[end + 1] == ordered[end] + 1:
            end += 1
        match end - at:
            case 0:
                yield str(ordered[at])
            case 1:
                yield f"{ordered[at]},{ordered[end]}"
            case _:
                yield f"{ordered[at]}-{ordered[end]}"
        at = end + 1
