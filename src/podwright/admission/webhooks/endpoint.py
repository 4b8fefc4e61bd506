"""Where a webhook is reached: a URL, or a Service's cluster IP or external name. Pure; called by `dispatch`.

Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from podwright.api.objects import Object


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to post to."""

    shown: str
    """The URL as messages have it."""
    host: str
    """Name or address to connect to."""
    port: int
    path: str
    server_name: str
    """The name that the certificate has to have."""
    ca_bundle: str
    """base64 of PEM; "": the authorities that this machine trusts"""


class NoEndpoint(Exception):
    """There is no such place now; the text says why."""


def service_of(client: Mapping[str, Any]) -> tuple[str, str] | None:
    """Namespace and name of the Service that a clientConfig names; None for a URL."""
    service = client.get("service")
    return None if service is None else (service.get("namespace") or "", service.get("name") or "")


def endpoint_of(client: Mapping[str, Any], service: Object | None) -> Endpoint:
    """The endpoint of a clientConfig; `service` is the object it names, if it is there. Raises NoEndpoint."""
    ca_bundle = client.get("caBundle") or ""
    wanted = client.get("service")
    if wanted is None:
        parts = urlsplit(client.get("url") or "")
        host = parts.hostname or ""
        return Endpoint(client.get("url") or "", host, parts.port or 443, parts.path or "/", host, ca_bundle)
    port = wanted.get("port") or 443
    name = f"{wanted.get('name')}.{wanted.get('namespace')}.svc"
    path = "/" + (wanted.get("path") or "").lstrip("/")
    shown = f"https://{name}:{port}{path}"
    return Endpoint(shown, _host(wanted, service, port), port, path, name, ca_bundle)


def _host(wanted: Mapping[str, Any], service: Object | None, port: int) -> str:
    if service is None:
        raise NoEndpoint(f'service "{wanted.get("name")}" not found')
    spec = service.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    if kind == "ExternalName":
        return str(spec.get("externalName") or "")
    address: str = spec.get("clusterIP") or ""
    if address in ("", "None"):
        raise NoEndpoint(f'cannot route to service with ClusterIP "{address}"')
    if port not in (p.get("port") for p in spec.get("ports") or ()):
        raise NoEndpoint(f'no service port {port} found for service "{wanted.get("name")}"')
    return address
