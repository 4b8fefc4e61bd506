"""What this server refuses, with the HTTP status that says so.

Raised by every module of this folder, answered by `server` as plain text, which kubectl prints.
"""

from __future__ import annotations

from typing import Final

from podwright.cri.errors import CriError

_STATUS: Final = {"NotFound": 404, "ResourceExhausted": 429, "Unavailable": 503, "Unimplemented": 501}


class Refused(Exception):
    """A request that is answered with `status` and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def of_runtime(error: CriError) -> Refused:
    """The refusal that stands for the runtime's."""
    return Refused(_STATUS.get(error.code, 500), error.message)
