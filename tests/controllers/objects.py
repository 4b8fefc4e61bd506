"""Small objects for the tables of the controllers' decisions."""

from __future__ import annotations

import datetime
from typing import Any

from podwright.api.objects import Object, rfc3339

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def ago(seconds: float) -> str:
    """A time before NOW."""
    return rfc3339(NOW - datetime.timedelta(seconds=seconds))


def pod(
    name: str,
    phase: str = "Running",
    *,
    ready: float | None = 100.0,
    node: str = "n",
    created: float = 1000.0,
    going: bool = False,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    restarts: int = 0,
    **status: Any,
) -> Object:
    """A Pod that has been ready for so many seconds (None: it is not)."""
    condition = {"type": "Ready", "status": "False" if ready is None else "True"}
    condition["lastTransitionTime"] = ago(ready or 0)
    meta: Object = {"name": name, "namespace": "ns", "uid": name, "creationTimestamp": ago(created)}
    meta["labels"] = labels or {}
    if annotations:
        meta["annotations"] = annotations
    if going:
        meta["deletionTimestamp"] = ago(0)
    containers = [{"name": "c", "restartCount": restarts}]
    return {
        "metadata": meta,
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": [condition], "containerStatuses": containers, **status},
    }


def names(objects: Any) -> list[str]:
    """The names of objects, in their order."""
    return [one["metadata"]["name"] for one in objects]
