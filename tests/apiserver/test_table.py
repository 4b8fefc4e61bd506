"""Tables, and spans of time as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api import resources
from podwright.apiserver.registry.strategy import Column, Row, Strategy
from podwright.apiserver.table import human_duration, render

MINUTE, HOUR, DAY = 60, 3600, 86400
POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "a", "creationTimestamp": "1970-01-01T00:00:10Z"},
    "spec": {},
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "<invalid>"),
        (-1.5, "0s"),
        (0, "0s"),
        (5.9, "5s"),
        (119, "119s"),
        (120, "2m"),
        (123, "2m3s"),
        (9 * MINUTE + 59, "9m59s"),
        (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 4 * MINUTE, "3h4m"),
        (8 * HOUR + 59 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (48 * HOUR, "2d"),
        (51 * HOUR, "2d3h"),
        (9 * DAY + HOUR, "9d"),
        (729 * DAY, "729d"),
        (740 * DAY, "2y10d"),
        (730 * DAY, "2y"),
        (9 * 365 * DAY, "9y"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def row(*columns: Column) -> Row:
    strategy = Strategy()
    strategy.columns = columns
    return Row(resources.PODS, strategy, "io.k8s.api.core.v1.Pod")


def test_a_kind_without_columns_shows_name_and_age() -> None:
    table = render([POD], row(), 15.0, list_metadata={"resourceVersion": "7"})
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"] == {"resourceVersion": "7"}
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Age"]
    assert table["columnDefinitions"][0]["format"] == "name"
    assert table["rows"] == [
        {
            "cells": ["a", "5s"],
            "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": POD["metadata"]},
        }
    ]


def test_columns_of_the_strategy_with_their_priority() -> None:
    table = render([POD], row(Column("Ready", lambda obj, now: 1, type="integer", priority=1)), 0.0)
    assert table["columnDefinitions"] == [
        {"name": "Ready", "type": "integer", "format": "", "description": "", "priority": 1}
    ]
    assert table["rows"][0]["cells"] == [1]


@pytest.mark.parametrize(
    ("include", "carried"),
    [
        pytest.param("None", {}, id="nothing"),
        pytest.param("Object", {"object": POD}, id="the whole object"),
    ],
)
def test_what_a_row_carries_of_its_object(include: str, carried: dict[str, Any]) -> None:
    assert render([POD], row(), 10.0, include=include)["rows"] == [{"cells": ["a", "0s"], **carried}]


def test_later_events_of_a_watch_have_no_headers() -> None:
    assert render([POD], row(), 10.0, headers=False)["columnDefinitions"] is None
