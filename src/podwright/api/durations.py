"""Spans of time as Go programs write them: `1m30s`, `500ms`, `0`.

Pure. Page: https://pkg.go.dev/time#ParseDuration
"""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """The seconds of a duration that is not negative. Raises ValueError for anything else."""
    rest = text.removeprefix("+")
    if rest == "0":
        return 0.0
    parts = _PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ValueError(f'expected a duration such as "1m30s", got {text!r}')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
