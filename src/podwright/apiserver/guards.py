"""What no flag turns off: writes that this server itself completes or refuses, around the chain of plugins.

Roles and bindings are checked for escalation, CertificateSigningRequests say who asked for them. Made by `server.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from podwright.admission.interface import Attributes, Operation
from podwright.api.objects import rfc3339
from podwright.api.resources import CERTIFICATE_SIGNING_REQUESTS
from podwright.apiserver.authorization.escalation import GUARDED, Escalation
from podwright.apiserver.context import Admission


class Guards:
    """An admission chain with the server's own checks around it."""

    def __init__(self, chain: Admission, escalation: Escalation, now: Callable[[], datetime.datetime]) -> None:
        self._chain = chain
        self._escalation = escalation
        self._now = now

    async def admit(self, attributes: Attributes) -> None:
        """See `Admission.admit`."""
        if attributes.resource == CERTIFICATE_SIGNING_REQUESTS:
            sign_in(attributes, rfc3339(self._now()))
        await self._chain.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """See `Admission.validate`; raises Forbidden for an escalation."""
        await self._chain.validate(attributes)
        if attributes.resource in GUARDED:
            self._escalation.check(attributes)


def sign_in(attributes: Attributes, now: str) -> None:
    """Note in a CertificateSigningRequest (changed in place) who asks, or when its conditions came."""
    obj, user = attributes.obj, attributes.user
    if obj is None:
        return
    if attributes.operation is Operation.CREATE:
        spec = obj.setdefault("spec", {})
        for field in ("username", "uid", "groups", "extra"):
            spec.pop(field, None)
        said = {
            "username": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
        }
        spec.update({field: value for field, value in said.items() if value})
        return
    before = {c.get("type"): c for c in ((attributes.old or {}).get("status") or {}).get("conditions") or ()}
    for condition in (obj.get("status") or {}).get("conditions") or ():
        was = before.get(condition.get("type")) or {}
        condition.setdefault("lastUpdateTime", now)
        if not condition.get("lastTransitionTime"):
            same = was.get("status") == condition.get("status")
            condition["lastTransitionTime"] = was.get("lastTransitionTime") if same else now
