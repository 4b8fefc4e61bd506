"""Columns that many kinds share, and the words kubectl's tables use for what is not there.

Called by every strategy of this folder for its `columns`. Source: pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from podwright.api.objects import Object, metadata, name_of, parse_time
from podwright.apiserver.registry.strategy import Column

NONE = "<none>"
UNKNOWN = "<unknown>"


def since(timestamp: str | None, now: float) -> str:
    """How long ago `timestamp` (metav1.Time or MicroTime) was at `now` (epoch seconds), `<unknown>` when unset."""
    from podwright.apiserver.table import human_duration

    if not timestamp:
        return UNKNOWN
    return human_duration(now - parse_time(timestamp).timestamp())


def age(obj: Object, now: float) -> str:
    """The time since the object was created."""
    return since(metadata(obj).get("creationTimestamp"), now)


def at(*path: str, absent: str = "") -> Callable[[Object, float], Any]:
    """A cell that shows the field at `path`, or `absent` when it is unset or empty."""

    def cell(obj: Object, now: float) -> Any:
        value: Any = obj
        for name in path:
            value = (value or {}).get(name)
        return absent if value in (None, "") else value

    return cell


def format_labels(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d` in the order of the keys; `<none>` for no labels."""
    return ",".join(f"{k}={labels[k]}" for k in sorted(labels)) if labels else NONE


def first_few(items: list[str], *, shown: int = 3) -> str:
    """The first items joined by commas, and how many more there are."""
    joined = ",".join(items[:shown])
    return f"{joined} + {len(items) - shown} more..." if len(items) > shown else joined


NAME = Column("Name", lambda obj, now: name_of(obj), format="name", description="The object's unique name.")
AGE = Column("Age", age, description="The time since the object was created.")
