"""What is wrong with where a webhook is reached: a URL, or a Service of this cluster.

Called by `webhook_configuration.py`. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, required

_FORM: Final = "; desired format: https://host[/path]"


def client_config_errors(path: Path, config: Mapping[str, Any]) -> list[FieldError]:
    """Everything wrong with a clientConfig; the CA bundle is looked at when it is used."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if url is not None:
        return _url(path.child("url"), url)
    return _service(path.child("service"), service or {})


def _url(path: Path, url: str) -> list[FieldError]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return [required(path, f"url must be a valid URL: {error}{_FORM}")]
    errors = []
    if parts.scheme != "https":
        errors.append(invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}"))
    if not parts.hostname:
        errors.append(invalid(path, "", f"host must be specified{_FORM}"))
    user, at, _ = parts.netloc.rpartition("@")
    if at:
        errors.append(invalid(path, user.partition(":")[0], "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return errors


def _service(path: Path, service: Mapping[str, Any]) -> list[FieldError]:
    errors = [
        required(path.child(field), f"service {field} is required")
        for field in ("name", "namespace")
        if not service.get(field)
    ]
    port = service.get("port")
    if port is None or not 1 <= port <= 65535:
        text = "port is not valid: must be between 1 and 65535, inclusive"
        errors.append(invalid(path.child("port"), port, text))
    return errors + _service_path(path.child("path"), service.get("path") or "")


def _service_path(path: Path, text: str) -> list[FieldError]:
    if text in ("", "/"):
        return []
    if text == "//":
        return [invalid(path, text, "segment[0] may not be empty")]
    errors = [] if text.startswith("/") else [invalid(path, text, "must start with a '/'")]
    for position, segment in enumerate(text[1:].removesuffix("/").split("/")):
        if not segment:
            errors.append(invalid(path, text, f"segment[{position}] may not be empty"))
            continue
        errors += [invalid(path, text, f"segment[{position}]: {wrong}") for wrong in names.dns_subdomain(segment)]
    return errors
