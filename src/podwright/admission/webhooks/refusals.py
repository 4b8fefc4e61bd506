"""What a client is told when a webhook says no, or says nothing. Pure; called by `dispatch` and the plugins.

Texts are upstream's. Source: k8s.io/apiserver pkg/admission/plugin/webhook/errors and pkg/util/webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from podwright.api.errors import BadRequest, InternalError, StatusError, from_status


class CallFailed(Exception):
    """A webhook could not be asked, or gave no answer; its failurePolicy decides what becomes of the request."""

    def __init__(self, webhook: str, reason: str) -> None:
        super().__init__(f'failed calling webhook "{webhook}": {reason}')


def unreachable(failure: CallFailed) -> StatusError:
    """The refusal of a request whose webhook may not fail."""
    return InternalError(f"Internal error occurred: {failure}", {"causes": [{"message": str(failure)}]})


def dry_run_unsupported(webhook: str) -> StatusError:
    """The refusal of a dry run that a webhook would not keep dry."""
    return BadRequest(f'admission webhook "{webhook}" does not support dry run')


def denied(webhook: str, status: Mapping[str, Any]) -> StatusError:
    """The refusal that a webhook has answered; without a code of its own it is a 400."""
    code = status.get("code")
    code = code if isinstance(code, int) and 400 <= code <= 599 else 400
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    why = f": {message or reason}" if message or reason else " without explanation"
    details = status.get("details")
    kind = _denial(code, reason)
    return kind(
        f'admission webhook "{webhook}" denied the request{why}', details if isinstance(details, dict) else None
    )


@lru_cache(maxsize=64)
def _denial(code: int, reason: str) -> type[StatusError]:
    """Of the class of its reason, so that who catches it need not know of webhooks; code and reason as answered."""
    kind = type(from_status({"reason": reason})) if reason else StatusError
    return type("Denied", (kind,), {"code": code, "reason": reason})
