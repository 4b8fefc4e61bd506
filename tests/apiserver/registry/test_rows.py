"""The table as a whole."""

from __future__ import annotations

import pytest

from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.registry.strategy import Row


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.resource.plural}.{r.resource.group}")
def test_every_row_can_be_printed_from_an_empty_object(row: Row) -> None:
    empty = {"metadata": {"name": "x"}}
    assert row.strategy.columns
    assert all(c.name and c.description for c in row.strategy.columns)
    for column in row.strategy.columns:
        column.cell(empty, 0.0)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.resource.plural}.{r.resource.group}")
def test_every_row_takes_an_empty_object_without_falling_over(row: Row) -> None:
    made = {"metadata": {"name": "x"}}
    row.strategy.default(made)
    row.strategy.prepare_for_create(made)
    row.strategy.validate(made)
    row.strategy.warnings(made, None)
    row.strategy.selectable_fields(made)


def test_resources_stand_once() -> None:
    assert len({r.resource for r in ROWS}) == len(ROWS)
