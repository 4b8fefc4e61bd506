"""What is wrong with a container's `env` and `envFrom`, and with references to a Pod's own fields.

Called by `container_validation.py`, and by `volume_validation.py` for downward API files.
Page: https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, not_found, not_supported, required
from podwright.api.quantity import canonical
from podwright.apiserver.registry import field_checks as check

ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_KNOWN_FIELDS = frozenset(ENV_FIELDS) | {
    "metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase",
}  # fmt: skip
RESOURCE_FIELDS = tuple(
    sorted(f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory"))
)
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SUBSCRIPT = re.compile(r"(?P<path>[^\[\]]+)\['(?P<key>.*)'\]")
_TOO_MANY_SOURCES = "may not have more than one field specified at a time"
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")


def validate_env(path: Path, env: Sequence[Mapping[str, Any]], volumes: Mapping[str, Any]) -> list[FieldError]:
    """Errors of `env`; `volumes` are the Pod's volumes by name."""
    errors: list[FieldError] = []
    for position, variable in enumerate(env):
        where = path.index(position)
        errors += check.name(where.child("name"), variable.get("name"), names.env_var_name)
        if variable.get("valueFrom") is not None:
            source = variable["valueFrom"]
            errors += _value_from(where.child("valueFrom"), source, variable.get("value") or "", volumes)
    return errors


def _value_from(path: Path, source: Mapping[str, Any], value: str, volumes: Mapping[str, Any]) -> list[FieldError]:
    given = [kind for kind in _ENV_SOURCES if source.get(kind) is not None]
    errors: list[FieldError] = []
    if "fieldRef" in given:
        errors += field_ref(path.child("fieldRef"), source["fieldRef"], ENV_FIELDS)
    if "resourceFieldRef" in given:
        errors += resource_ref(path.child("resourceFieldRef"), source["resourceFieldRef"], in_volume=False)
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in given:
            where = path.child(kind)
            if not source[kind].get("name"):
                errors.append(required(where.child("name")))
            errors += check.name(where.child("key"), source[kind].get("key"), names.config_map_key)
    if "fileKeyRef" in given:
        errors += _file_key(path.child("fileKeyRef"), source["fileKeyRef"], volumes)
    if not given:
        listed = ", ".join(f"`{kind}`" for kind in _ENV_SOURCES[:-1]) + f" or `{_ENV_SOURCES[-1]}`"
        errors.append(invalid(path, "", f"must specify one of: {listed}"))
    elif value:
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(invalid(path, "", _TOO_MANY_SOURCES))
    return errors


def _file_key(path: Path, source: Mapping[str, Any], volumes: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    volume, file = source.get("volumeName") or "", source.get("path") or ""
    errors += check.name(path.child("key"), source.get("key"), names.env_var_name)
    if not volume:
        errors.append(required(path.child("volumeName")))
    elif (volumes.get(volume) or {}).get("emptyDir") is None:
        errors.append(not_found(path.child("volumeName"), volume))
    if not file:
        errors.append(required(path.child("path")))
    else:
        errors += check.projected_path(path.child("path"), file)
    return errors


def validate_env_from(path: Path, sources: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Errors of `envFrom`."""
    errors: list[FieldError] = []
    for position, source in enumerate(sources):
        where = path.index(position)
        if source.get("prefix"):
            errors += check.obeys(where.child("prefix"), source["prefix"], names.env_var_name)
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        errors += [required(where.child(kind).child("name")) for kind in given if not source[kind].get("name")]
        # kube-apiserver names the list here, not its element.
        if not given:
            errors.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            errors.append(invalid(path, "", _TOO_MANY_SOURCES))
    return errors


def field_ref(path: Path, reference: Mapping[str, Any], supported: Sequence[str]) -> list[FieldError]:
    """Errors of a `fieldRef`; `supported` are the fields this place can show as a whole."""
    where = path.child("fieldPath")
    if not reference.get("apiVersion"):
        return [required(path.child("apiVersion"))]
    field = reference.get("fieldPath") or ""
    if not field:
        return [required(where)]
    if reference["apiVersion"] != "v1":
        text = f"error converting fieldPath: unsupported pod version: {reference['apiVersion']}"
        return [invalid(where, field, text)]
    subscript = _SUBSCRIPT.fullmatch(field)
    base = subscript["path"] if subscript else field
    if base not in _KNOWN_FIELDS:
        return [invalid(where, field, f"error converting fieldPath: field label not supported: {field}")]
    if subscript is None:
        return [] if field in supported else [not_supported(where, field, sorted(supported))]
    if base == "metadata.annotations":
        return check.obeys(where, subscript["key"].lower(), names.qualified_name)
    if base == "metadata.labels":
        return check.obeys(where, subscript["key"], names.qualified_name)
    return [invalid(where, base, "does not support subscript")]


def resource_ref(path: Path, reference: Mapping[str, Any], *, in_volume: bool) -> list[FieldError]:
    """Errors of a `resourceFieldRef`; in a volume the container must be named."""
    if in_volume and not reference.get("containerName"):
        return [required(path.child("containerName"))]
    resource = reference.get("resource") or ""
    if not resource:
        return [required(path.child("resource"))]
    kind, _, name = resource.partition(".")
    huge = kind in ("limits", "requests") and name.startswith("hugepages-")
    if resource not in RESOURCE_FIELDS and not huge:
        return [not_supported(path.child("resource"), resource, RESOURCE_FIELDS)]
    return _divisor(path.child("divisor"), resource, name, reference.get("divisor") or "0")


def _divisor(path: Path, resource: str, name: str, divisor: Any) -> list[FieldError]:
    try:
        text = canonical(divisor)
    except ValueError as wrong:
        return [invalid(path, divisor, str(wrong))]
    words, allowed = {
        "cpu": ("cpu", ("1m", "1")),
        "memory": ("memory", _SIZES),
        "ephemeral-storage": ("local ephemeral storage", _SIZES),
    }.get(name, ("hugepages", _SIZES))
    return [] if text == "0" or text in allowed else [_divisor_error(path, resource, words, allowed)]


def _divisor_error(path: Path, resource: str, words: str, allowed: Collection[str]) -> FieldError:
    listed = " and ".join(allowed) if words == "cpu" else ", ".join(allowed)
    return invalid(path, resource, f"only divisor's values {listed} are supported with the {words} resource")
