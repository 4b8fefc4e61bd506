"""Errors that the API answers with, as exceptions; each knows its Status.

    StatusError
      BadRequest 400 · Unauthorized 401 · Forbidden 403 · NotFound 404 · MethodNotAllowed 405 · NotAcceptable 406
      AlreadyExists 409 · Conflict 409 · ApplyConflict 409 · Expired 410 · TooLarge 413 · UnsupportedMediaType 415
      Invalid 422 · TooManyRequests 429 · InternalError 500 · Unavailable 503 · Timeout 504

The in-process client raises them as they are, the HTTP client builds them again from the Status it receives
(`from_status`), so a caller need not know which of the two it holds.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ and k8s.io/apimachinery pkg/api/errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from podwright.api.field import FieldError, aggregate


def qualified(resource: str, group: str) -> str:
    """A resource as messages name it: `pods`, `runtimeclasses.node.k8s.io`."""
    return f"{resource}.{group}" if group else resource


class StatusError(Exception):
    """An answer of the API that is not the object asked for."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = {k: v for k, v in (details or {}).items() if v not in (None, "", [])}
        self.metadata: dict[str, Any] = {}
        """metav1.ListMeta of the Status: a continue token that goes on where an expired one cannot."""

    def status(self) -> dict[str, Any]:
        """This error as a metav1.Status object."""
        answer: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            answer["details"] = self.details
        return answer


class BadRequest(StatusError):
    """The request itself cannot be understood."""

    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    """Nobody known sent this."""

    code, reason = 401, "Unauthorized"

    def __init__(self, message: str = "Unauthorized", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details)


class Forbidden(StatusError):
    """Known, but not allowed; or an admission plugin said no."""

    code, reason = 403, "Forbidden"

    @classmethod
    def of(cls, resource: str, name: str, why: str, *, group: str = "") -> Forbidden:
        """`pods "a" is forbidden: <why>`."""
        what = qualified(resource, group)
        text = f'{what} "{name}" is forbidden: {why}' if name else f"{what} is forbidden: {why}"
        return cls(text, {"name": name, "group": group, "kind": resource})


class NotFound(StatusError):
    """No such object, or no such path."""

    code, reason = 404, "NotFound"

    @classmethod
    def of(cls, resource: str, name: str, *, group: str = "") -> NotFound:
        """`pods "a" not found`."""
        return cls(
            f'{qualified(resource, group)} "{name}" not found',
            {"name": name, "group": group, "kind": resource},
        )


class MethodNotAllowed(StatusError):
    """This resource does not have this verb."""

    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    """None of the accepted media types can be written."""

    code, reason = 406, "NotAcceptable"


class AlreadyExists(StatusError):
    """The name is taken."""

    code, reason = 409, "AlreadyExists"

    @classmethod
    def of(cls, resource: str, name: str, *, group: str = "") -> AlreadyExists:
        """`pods "a" already exists`."""
        return cls(
            f'{qualified(resource, group)} "{name}" already exists',
            {"name": name, "group": group, "kind": resource},
        )


class Conflict(StatusError):
    """The object has changed since it was read, or a precondition does not hold."""

    code, reason = 409, "Conflict"

    MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"

    @classmethod
    def of(cls, resource: str, name: str, why: str = MODIFIED, *, group: str = "") -> Conflict:
        """`Operation cannot be fulfilled on pods "a": <why>`."""
        return cls(
            f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}',
            {"name": name, "group": group, "kind": resource},
        )


class ApplyConflict(Conflict):
    """Server-side apply met fields that another manager owns; `details.causes` lists them."""


class Expired(StatusError):
    """The resource version or continue token is older than what is kept."""

    code, reason = 410, "Expired"


class TooLarge(StatusError):
    """The body is larger than the server takes."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    """The body's media type, or the patch type, is not known here."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    """The object breaks validation; every field error is a cause."""

    code, reason = 422, "Invalid"

    @classmethod
    def of(cls, kind: str, name: str, errors: Sequence[FieldError], *, group: str = "") -> Invalid:
        """`Pod "a" is invalid: <errors>`."""
        return cls(
            f'{qualified(kind, group)} "{name}" is invalid: {aggregate(errors)}',
            {"name": name, "group": group, "kind": kind, "causes": [e.cause() for e in errors]},
        )


class TooManyRequests(StatusError):
    """Try again later; `details.retryAfterSeconds` says when."""

    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    """The server's own fault."""


class Unavailable(StatusError):
    """A part that is needed is not there at the moment."""

    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    """The operation did not end in its time."""

    code, reason = 504, "Timeout"


_BY_REASON: dict[str, type[StatusError]] = {
    c.reason: c
    for c in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, AlreadyExists, Conflict,
        Expired, TooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, Unavailable, Timeout,
    )
}  # fmt: skip
_BY_REASON["Gone"] = Expired
_BY_CODE: dict[int, type[StatusError]] = {c.code: c for c in reversed(_BY_REASON.values())}


def from_status(status: Mapping[str, Any]) -> StatusError:
    """The exception that a Status object stands for; StatusError itself where neither reason nor code is known."""
    kind = _BY_REASON.get(status.get("reason") or "") or _BY_CODE.get(status.get("code") or 0) or StatusError
    return kind(status.get("message") or "unknown error", status.get("details"))
