"""The time of day, for those who put the program together: a decision is given it, and never asks."""

from __future__ import annotations

import datetime


def utc_now() -> datetime.datetime:
    """This moment, with its zone."""
    return datetime.datetime.now(datetime.UTC)
