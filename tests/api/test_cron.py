"""Schedules: what they mean, and what is none."""

from __future__ import annotations

import datetime

import pytest

from podwright.api.cron import CronError, parse_cron, zone_of


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        pytest.param("* * * * *", "2026-01-01T00:00:00", "2026-01-01T00:01:00", id="the next minute, not this one"),
        pytest.param("* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01:00", id="from within a minute"),
        pytest.param("*/15 * * * *", "2026-01-01T00:16:00", "2026-01-01T00:30:00", id="every quarter"),
        pytest.param("5/20 * * * *", "2026-01-01T00:26:00", "2026-01-01T00:45:00", id="a step from a number on"),
        pytest.param("30 6-8 * * *", "2026-01-01T08:30:00", "2026-01-02T06:30:00", id="a range of hours"),
        pytest.param("0 0 1 JAN,jul *", "2026-01-01T00:00:00", "2026-07-01T00:00:00", id="months by name"),
        pytest.param("0 0 * * MON-FRI", "2026-01-02T00:00:00", "2026-01-05T00:00:00", id="days by name"),
        pytest.param("0 0 13 * 5", "2026-01-01T00:00:00", "2026-01-02T00:00:00", id="either of two days"),
        pytest.param("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00", id="the 29th of February"),
        pytest.param("@hourly", "2026-01-01T00:00:00", "2026-01-01T01:00:00", id="hourly"),
        pytest.param("@weekly", "2026-01-01T00:00:00", "2026-01-04T00:00:00", id="weekly: on Sunday"),
        pytest.param("@every 1h30m", "2026-01-01T00:00:00", "2026-01-01T01:30:00", id="every so often"),
        pytest.param("0 0 30 2 *", "2026-01-01T00:00:00", None, id="a day that never comes"),
    ],
)
def test_next_after(schedule: str, after: str, expected: str | None) -> None:
    found = parse_cron(schedule).next_after(datetime.datetime.fromisoformat(f"{after}+00:00"))
    assert (found.isoformat() if found else None) == (f"{expected}+00:00" if expected else None)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("2026-01-01T02:00:00", "2026-01-02T01:30:00", id="in winter"),
        pytest.param("2026-07-01T01:00:00", "2026-07-02T00:30:00", id="in summer"),
        pytest.param("2026-03-28T02:00:00", "2026-03-30T00:30:00", id="the night without such a time is left out"),
        pytest.param("2026-10-24T23:00:00", "2026-10-25T00:30:00", id="the night in which it comes twice"),
        pytest.param("2026-10-25T00:30:00", "2026-10-26T01:30:00", id="... counts once"),
    ],
)
def test_time_zones(after: str, expected: str) -> None:
    schedule = parse_cron("30 2 * * *", zone_of("Europe/Berlin"))
    found = schedule.next_after(datetime.datetime.fromisoformat(f"{after}+00:00"))
    assert found is not None
    assert found.isoformat() == f"{expected}+00:00"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "empty spec string", id="nothing"),
        pytest.param("* * * *", "expected exactly 5 fields, found 4: [* * * *]", id="a field too few"),
        pytest.param("60 * * * *", "end of range (60) above maximum (59): 60", id="too large"),
        pytest.param("* * 0 * *", "beginning of range (0) below minimum (1): 0", id="too small"),
        pytest.param("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1", id="backwards"),
        pytest.param("*/0 * * * *", "step of range should be a positive number: */0", id="no step"),
        pytest.param("x * * * *", "failed to parse int from x", id="a word"),
        pytest.param("@often", "unrecognized descriptor: @often", id="a word that is none"),
        pytest.param("@every soon", "failed to parse duration @every soon", id="no duration"),
    ],
)
def test_no_schedule(text: str, why: str) -> None:
    with pytest.raises(CronError) as wrong:
        parse_cron(text)
    assert str(wrong.value).startswith(why)


def test_no_zone() -> None:
    with pytest.raises(CronError, match="unknown time zone Nowhere/Atlantis"):
        zone_of("Nowhere/Atlantis")
