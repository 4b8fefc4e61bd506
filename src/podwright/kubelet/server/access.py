"""Who may use the kubelet's server: holders of a client certificate with an allowed name or group. Pure.

The TLS layer has verified the certificate against the cluster's authority before it is looked at here.
Called by `server`. Page: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from podwright.kubelet.server.errors import Refused

OPEN_PATHS = frozenset(("/healthz",))
"""Answered to anybody: they tell nothing."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Common names and organizations of certificates that may do everything."""

    names: Collection[str]
    groups: Collection[str] = ()


def check(certificate: Mapping[str, Any] | None, allowed: Allowed, method: str, path: str) -> None:
    """Let a request pass, or raise Refused: 401 without a certificate, 403 with one of somebody else.

    `certificate` is what `SSLSocket.getpeercert` gives.
    """
    if path in OPEN_PATHS:
        return
    if not certificate:
        raise Refused(401, "Unauthorized")
    names = list(_of_subject(certificate, "commonName"))
    if any(name in allowed.names for name in names):
        return
    if any(group in allowed.groups for group in _of_subject(certificate, "organizationName")):
        return
    user = names[0] if names else ""
    verb = "create" if method == "POST" else "get"
    raise Refused(403, f"Forbidden (user={user}, verb={verb}, resource=nodes, subresource=proxy)")


def _of_subject(certificate: Mapping[str, Any], kind: str) -> Iterator[str]:
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == kind:
                yield value
