"""Whatever the schema lets through, a strategy takes: bad input ends as field errors, never as a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.apiserver.registry.samples import SAMPLES

from podwright.api.objects import copy_object
from podwright.api.resources import Resource
from podwright.api.schema import Schema
from podwright.apiserver.registry.rows import ROWS

Spot = tuple[str | int, ...]

_GONE = object()
VALUES = (None, _GONE, {}, [], "", "-1", -1, 0, 2**40, True, "é" * 300, [None], {"x": None}, "None", 1.5)
BY_RESOURCE = {row.resource: row for row in ROWS}


def spots(value: Any, at: Spot = ()) -> Iterator[Spot]:
    """Every place in a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in entries:
        yield (*at, key)
        yield from spots(below, (*at, key))


def edited(sample: Any, at: Spot, value: Any) -> Any:
    made = copy_object(sample)
    holder = made
    for key in at[:-1]:
        holder = holder[key]
    if value is _GONE:
        del holder[at[-1]]
    else:
        holder[at[-1]] = value
    return made


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([row.schema for row in ROWS])


@pytest.mark.parametrize("resource", SAMPLES, ids=lambda r: r.kind)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_shape(schema: Schema, resource: Resource, data: st.DataObject) -> None:
    row, sample = BY_RESOURCE[resource], SAMPLES[resource]
    at = data.draw(st.sampled_from(list(spots(sample))))
    checked = schema.check(edited(sample, at, data.draw(st.sampled_from(VALUES))), row.schema)
    if checked.errors:
        return
    made, strategy = checked.obj, row.strategy
    made.setdefault("metadata", {})
    strategy.default(made)
    old = copy_object(made)
    strategy.prepare_for_create(made)
    errors = strategy.validate(made)
    strategy.prepare_for_update(made, old)
    errors += strategy.validate_update(made, old)
    assert all(str(e) and e.cause() for e in errors)
    strategy.warnings(made, None)
    strategy.selectable_fields(made)
    strategy.deletion(made, None)
    for column in strategy.columns:
        column.cell(made, 0.0)
