"""Cron schedules: parsed once, and asked for the next time after a moment, in any time zone.

    minute hour day-of-month month day-of-week     numbers, names (JAN, MON), `*`, `?`, lists, ranges, `/` steps
    @yearly @annually @monthly @weekly @daily @midnight @hourly @every 1h30m

As in every cron, a day matches either of the two day fields when both are restricted. A local time that a change of
clocks leaves out is skipped; one that comes twice counts once. Called by the API server's validation and the CronJob
controller. Page: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = {
    n: i + 1 for i, n in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_DAYS: Final = {n: i for i, n in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_WORDS: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|m|s|ms|us|µs|ns)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_YEARS_AHEAD: Final = 5
"""A schedule that does not come within so many years never does (the 30th of February)."""


class CronError(ValueError):
    """The text is no schedule; says why."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What one of the five fields allows."""

    values: frozenset[int]
    starred: bool


@dataclass(frozen=True, slots=True)
class Every:
    """`@every`: so long after the last time, rounded to whole seconds."""

    interval: datetime.timedelta

    def next_after(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The next time after `moment` (aware)."""
        return (moment + self.interval).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The five fields, in a time zone."""

    minute: _Field
    hour: _Field
    day: _Field
    month: _Field
    weekday: _Field
    zone: datetime.tzinfo

    def next_after(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The next time after `moment` (aware), in UTC; None when none comes within five years."""
        local = moment.astimezone(self.zone)
        wall = local.replace(tzinfo=None, second=0, microsecond=0)
        last = wall.year + _YEARS_AHEAD
        day = wall.date()
        while day.year <= last:
            if self._on(day):
                found = self._within(day, moment)
                if found is not None:
                    return found
                day += datetime.timedelta(days=1)
            elif day.month not in self.month.values:
                day = _next_month(day)
            else:
                day += datetime.timedelta(days=1)
        return None

    def _on(self, day: datetime.date) -> bool:
        if day.month not in self.month.values:
            return False
        by_date, by_weekday = day.day in self.day.values, (day.isoweekday() % 7) in self.weekday.values
        if self.day.starred or self.weekday.starred:
            return by_date and by_weekday
        return by_date or by_weekday

    def _within(self, day: datetime.date, moment: datetime.datetime) -> datetime.datetime | None:
        local = moment.astimezone(self.zone)
        # An hour back, for the night in which one comes twice.
        earliest = local.hour - 1 if local.date() == day else 0
        for hour in sorted(h for h in self.hour.values if h >= earliest):
            for minute in sorted(self.minute.values):
                wall = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                at = wall.astimezone(datetime.UTC)
                if at > moment and at.astimezone(self.zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
                    return at
        return None


def parse_cron(text: str, zone: datetime.tzinfo = datetime.UTC) -> Schedule | Every:
    """Raises CronError."""
    written = text.strip()
    if not written:
        raise CronError("empty spec string")
    if written.startswith("@every "):
        return Every(_interval(written.removeprefix("@every ")))
    if written.startswith("@"):
        if written not in _WORDS:
            raise CronError(f"unrecognized descriptor: {written}")
        written = _WORDS[written]
    fields = written.split()
    if len(fields) != 5:
        listed = " ".join(fields)
        raise CronError(f"expected exactly 5 fields, found {len(fields)}: [{listed}]")
    return Schedule(
        _field(fields[0], 0, 59, {}),
        _field(fields[1], 0, 23, {}),
        _field(fields[2], 1, 31, {}),
        _field(fields[3], 1, 12, _MONTHS),
        _field(fields[4], 0, 6, _DAYS),
        zone,
    )


def zone_of(name: str) -> datetime.tzinfo:
    """A time zone by its IANA name. Raises CronError."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise CronError(f"unknown time zone {name}") from None


def _next_month(day: datetime.date) -> datetime.date:
    return datetime.date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _interval(text: str) -> datetime.timedelta:
    position, seconds = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        position, seconds = part.end(), seconds + float(part[1]) * _SECONDS[part[2]]
    if not text or position != len(text):
        raise CronError(f'failed to parse duration @every {text}: time: invalid duration "{text}"')
    # Whole seconds, one at least.
    return datetime.timedelta(seconds=max(int(seconds), 1))


def _field(text: str, low: int, high: int, words: Mapping[str, int]) -> _Field:
    values: set[int] = set()
    starred = False
    for part in text.split(","):
        if not part:
            continue
        found, star = _range(part, low, high, words)
        values |= found
        starred = starred or star
    return _Field(frozenset(values), starred)


def _range(part: str, low: int, high: int, words: Mapping[str, int]) -> tuple[set[int], bool]:
    span, slash, stepped = part.partition("/")
    first, dash, last = span.partition("-")
    if "-" in last or "/" in stepped:
        raise CronError(f"too many {'hyphens' if '-' in last else 'slashes'}: {part}")
    star = span in ("*", "?")
    if star:
        start, end = low, high
    else:
        start = _number(first, words)
        end = _number(last, words) if dash else start
    step = 1
    if slash:
        step = _number(stepped, {})
        if not star and not dash:
            end = high
        # `*/2` restricts: it is no star any more.
        star = star and step == 1
    if start < low:
        raise CronError(f"beginning of range ({start}) below minimum ({low}): {part}")
    if end > high:
        raise CronError(f"end of range ({end}) above maximum ({high}): {part}")
    if start > end:
        raise CronError(f"beginning of range ({start}) beyond end of range ({end}): {part}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {part}")
    return set(range(start, end + 1, step)), star


def _number(text: str, words: Mapping[str, int]) -> int:
    if text.lower() in words:
        return words[text.lower()]
    if not text.isdecimal() or not text.isascii():
        raise CronError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
