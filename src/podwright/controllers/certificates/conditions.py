"""What has become of a CertificateSigningRequest, as its status tells; and how a verdict is written.

Pure; called by the controllers of this folder.
"""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object, copy_object


def decided(request: Object, *kinds: str) -> bool:
    """Whether a request has a condition of one of these types."""
    conditions = (request.get("status") or {}).get("conditions") or ()
    return any(condition.get("type") in kinds for condition in conditions)


def certificate_of(request: Object) -> str:
    """The certificate that was issued, base64; "" as long as there is none."""
    return str((request.get("status") or {}).get("certificate") or "")


def with_condition(request: Object, kind: str, reason: str, message: str) -> Object:
    """A copy of a request with one more condition."""
    new: Object = copy_object(request)
    condition: dict[str, Any] = {"type": kind, "status": "True", "reason": reason, "message": message}
    status = new.setdefault("status", {})
    status["conditions"] = [*(status.get("conditions") or ()), condition]
    return new
