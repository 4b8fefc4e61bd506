"""What is wrong with a probe or a lifecycle hook.

Called by `container_validation.py`. Pages: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
and https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, required
from podwright.apiserver.registry import field_checks as check

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_HEADER = "[-A-Za-z0-9]+"
_HEADER_WRONG = (
    f"a valid HTTP header must consist of alphanumeric characters or '-' "
    f"(e.g. 'X-Header-Name', regex used for validation is '{_HEADER}')"
)
_STANDARD = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP "
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ"
)
_REAL_TIME = ("RTMIN", *(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(14, 0, -1)), "RTMAX")
_SIGNALS = tuple(f"SIG{name}" for name in sorted((*_STANDARD.split(), *_REAL_TIME)))
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_lifecycle(path: Path, lifecycle: Mapping[str, Any], grace_seconds: int) -> list[FieldError]:
    """Errors of a container's hooks; `grace_seconds` is the Pod's terminationGracePeriodSeconds."""
    errors: list[FieldError] = []
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            # gRPC is no hook handler: the field is unknown there.
            handlers = {k: v for k, v in lifecycle[hook].items() if k != "grpc"}
            errors += validate_handler(path.child(hook), handlers, grace_seconds)
    return errors


def validate_stop_signal(path: Path, signal: str | None, os_name: str | None) -> list[FieldError]:
    """Errors of `lifecycle.stopSignal`: which signals there are depends on the system."""
    if signal is None:
        return []
    if not os_name:
        return [forbidden(path, "may not be set for containers with empty `spec.os.name`")]
    return check.one_of(path, signal, _SIGNALS if os_name == "linux" else ("SIGKILL", "SIGTERM"))


def validate_probe(path: Path, kind: str, probe: Mapping[str, Any], grace_seconds: int) -> list[FieldError]:
    """Errors of the probe `kind` (`livenessProbe`, `readinessProbe`, `startupProbe`)."""
    errors = validate_handler(path, {k: v for k, v in probe.items() if k != "sleep"}, grace_seconds)
    for field in _COUNTS:
        errors += check.non_negative(path.child(field), probe.get(field))
    own_grace = probe.get("terminationGracePeriodSeconds")
    if own_grace is not None:
        where = path.child("terminationGracePeriodSeconds")
        if kind == "readinessProbe":
            errors.append(invalid(where, own_grace, "must not be set for readinessProbes"))
        elif own_grace <= 0:
            errors.append(invalid(where, own_grace, "must be greater than 0"))
    threshold = probe.get("successThreshold") or 0
    if kind != "readinessProbe" and threshold != 1:
        errors.append(invalid(path.child("successThreshold"), threshold, "must be 1"))
    return errors


def validate_handler(path: Path, handler: Mapping[str, Any], grace_seconds: int) -> list[FieldError]:
    """Errors of the one handler that a probe or hook must have."""
    given = [kind for kind in _HANDLERS if handler.get(kind) is not None]
    if not given:
        return [required(path, "must specify a handler type")]
    errors = _one_handler(path.child(given[0]), given[0], handler[given[0]], grace_seconds)
    return errors + [forbidden(path.child(kind), "may not specify more than 1 handler type") for kind in given[1:]]


def _one_handler(path: Path, kind: str, handler: Mapping[str, Any], grace_seconds: int) -> list[FieldError]:
    match kind:
        case "exec":
            return [] if handler.get("command") else [required(path.child("command"))]
        case "httpGet":
            return _http_get(path, handler)
        case "tcpSocket":
            return _port(path.child("port"), handler.get("port"))
        case "grpc":
            return check.port_number(path.child("port"), handler.get("port") or 0)
        case _:
            return _sleep(path, handler.get("seconds") or 0, grace_seconds)


def _http_get(path: Path, handler: Mapping[str, Any]) -> list[FieldError]:
    errors = [] if handler.get("path") else [required(path.child("path"))]
    errors += _port(path.child("port"), handler.get("port"))
    errors += check.optional_one_of(path.child("scheme"), handler.get("scheme") or "", ("HTTP", "HTTPS"))
    for header in handler.get("httpHeaders") or ():
        name = header.get("name") or ""
        if not re.fullmatch(_HEADER, name, re.ASCII):
            errors.append(invalid(path.child("httpHeaders"), name, _HEADER_WRONG))
    return errors


def _port(path: Path, port: Any) -> list[FieldError]:
    if isinstance(port, str):
        return check.obeys(path, port, names.port_name)
    return check.port_number(path, port or 0)


def _sleep(path: Path, seconds: int, grace_seconds: int) -> list[FieldError]:
    if 0 <= seconds <= grace_seconds:
        return []
    text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
    return [invalid(path, seconds, text)]
