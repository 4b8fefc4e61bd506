"""What one budget came to, and whether that is within it. Pure: no I/O, no clock."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the table. `measured` and `floor` are in `unit`; a floor of None: the budget is absolute."""

    budget: str
    measured: float
    unit: str
    limit: float
    """the budget, in `unit`"""
    floor: float | None = None
    then: float | None = None
    """the budget to come, in `unit`"""
    higher_is_better: bool = False
    cpu: float | None = None
    """Microseconds of CPU that podwright takes for one; a busy machine changes that much less than `measured`."""
    note: str = ""
    samples: Sequence[float] = ()
    floor_samples: Sequence[float] = ()

    @property
    def ratio(self) -> float:
        """Measured to floor, or to the limit where there is no floor."""
        base = self.limit if self.floor is None else self.floor
        return self.measured / base if base else float("inf")

    def _within(self, limit: float) -> bool:
        return self.measured >= limit if self.higher_is_better else self.measured <= limit

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, or that only the first of two budgets is met."""
        if not self._within(self.limit):
            return "MISSED"
        if self.then is not None and not self._within(self.then):
            return "met, next missed"
        return "met"

    def to_json(self) -> dict[str, Any]:
        """Every field, the ratio and the verdict."""
        return {**asdict(self), "ratio": round(self.ratio, 3), "verdict": self.verdict}


def against_floor(
    budget: str,
    samples: Sequence[float],
    floor_samples: Sequence[float],
    *,
    times: float,
    then_times: float | None = None,
    note: str = "",
) -> Measurement:
    """A budget that is a multiple of a floor; both are medians of milliseconds."""
    floor = statistics.median(floor_samples)
    return Measurement(
        budget,
        statistics.median(samples),
        "ms",
        limit=floor * times,
        floor=floor,
        then=None if then_times is None else floor * then_times,
        note=note,
        samples=tuple(samples),
        floor_samples=tuple(floor_samples),
    )
