"""Why a patch cannot be applied, by the status that the API answers with.

    PatchError 400
      PatchTooLarge 413
      Unprocessable 422
        PatchTestFailed

Raised by the patch kinds, turned into answers by the patch handler.
"""

from __future__ import annotations


class PatchError(ValueError):
    """The patch itself cannot be understood."""

    @property
    def message(self) -> str:
        """What the client is told."""
        return str(self)


class PatchTooLarge(PatchError):
    """The patch has more operations than are allowed."""


class Unprocessable(PatchError):
    """The patch is well-formed, but does not fit the object."""


class PatchTestFailed(Unprocessable):
    """A `test` operation found another value."""
