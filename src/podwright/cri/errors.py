"""What a runtime answered instead of a result.

    CriError             any gRPC status but OK
      NotFound           no such sandbox, container or image
      Unavailable        the runtime does not answer: not started, being restarted, or gone
      Unimplemented      the runtime is older than this call
      DeadlineExceeded   no answer within the call's time limit

`str(error)` is what Kubernetes writes into events (`rpc error: code = Unknown desc = ...`), `error.message` is the
runtime's text alone. Source: https://grpc.io/docs/guides/status-codes/
"""

from __future__ import annotations

from typing import Final

_SPELLED: Final = {
    "CANCELLED": "Canceled",
    "INVALID_ARGUMENT": "InvalidArgument",
    "DEADLINE_EXCEEDED": "DeadlineExceeded",
    "NOT_FOUND": "NotFound",
    "ALREADY_EXISTS": "AlreadyExists",
    "PERMISSION_DENIED": "PermissionDenied",
    "RESOURCE_EXHAUSTED": "ResourceExhausted",
    "FAILED_PRECONDITION": "FailedPrecondition",
    "ABORTED": "Aborted",
    "OUT_OF_RANGE": "OutOfRange",
    "UNIMPLEMENTED": "Unimplemented",
    "INTERNAL": "Internal",
    "UNAVAILABLE": "Unavailable",
    "DATA_LOSS": "DataLoss",
    "UNAUTHENTICATED": "Unauthenticated",
}


class CriError(Exception):
    """A call that failed. `code` is spelled as Go spells it (`NotFound`, `Unknown`, ...)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"rpc error: code = {self.code} desc = {self.message}"


class NotFound(CriError):
    """There is no such thing in the runtime."""


class Unavailable(CriError):
    """The runtime can't be reached; the next call may find it again."""


class Unimplemented(CriError):
    """The runtime does not know this call."""


class DeadlineExceeded(CriError):
    """The runtime did not answer in time; what it was asked for may still happen."""


_CLASSES: Final[dict[str, type[CriError]]] = {
    "NotFound": NotFound,
    "Unavailable": Unavailable,
    "Unimplemented": Unimplemented,
    "DeadlineExceeded": DeadlineExceeded,
}


def from_status(status_name: str, details: str) -> CriError:
    """The exception for a gRPC status (`NOT_FOUND`) with the server's text."""
    code = _SPELLED.get(status_name, "Unknown")
    return _CLASSES.get(code, CriError)(code, details)
