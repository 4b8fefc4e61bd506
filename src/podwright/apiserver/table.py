"""Objects as the rows that `kubectl get` prints.

Pure; called by the read and watch handlers when a client accepts a Table. The columns of each kind stand with its
strategy, those that all kinds share in `registry/columns.py`.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podwright.api.objects import Object, metadata
from podwright.apiserver.registry.strategy import Column, Row


def render(
    items: Iterable[Object],
    row: Row,
    now: float,
    *,
    include: str = "Metadata",
    list_metadata: Mapping[str, Any] | None = None,
    headers: bool = True,
    version: str = "v1",
) -> Object:
    """The Table of `items` at `now` (seconds since the epoch).

    `include` says what each row carries of its object: `None`, `Metadata` or `Object`. `list_metadata` is that of the
    list (resourceVersion, continue). In a watch only the first event has `headers`. `version` is that of meta.k8s.io.
    """
    columns = row.strategy.columns or _default_columns()
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": dict(list_metadata or {}),
        "columnDefinitions": [_definition(column) for column in columns] if headers else None,
        "rows": [_row(item, columns, now, include, version) for item in items],
    }


def _default_columns() -> Sequence[Column]:
    from podwright.apiserver.registry.columns import AGE, NAME

    return (NAME, AGE)


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _row(item: Object, columns: Sequence[Column], now: float, include: str, version: str) -> Object:
    row: Object = {"cells": [column.cell(item, now) for column in columns]}
    if include == "Object":
        row["object"] = item
    elif include == "Metadata":
        row["object"] = partial_metadata(item, version)
    return row


def partial_metadata(item: Object, version: str = "v1") -> Object:
    """`item` as a PartialObjectMetadata of meta.k8s.io."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata(item)}


def human_duration(seconds: float) -> str:
    """A span of time in two units at most: `5s`, `2m3s`, `3h4m`, `2d3h`, `9d`, `2y10d`.

    Up to two seconds in the future count as now, since clocks differ; further is `<invalid>`.
    Source: k8s.io/apimachinery pkg/util/duration.
    """
    # Below zero this cuts towards zero, as Go does.
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    years = days // 365
    return _two(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
