"""PodSecurityConfiguration: what a namespace without labels asks for, and who is let through unseen.

Pure; called by `admission/configuration.py`. Errors name the field, with all that is wrong at once.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podwright.admission.pod_security.levels import NO_POLICY, Level, Policy, Profile, level_of, minor_of
from podwright.api.field import FieldError, Path, duplicate, invalid, not_supported, type_invalid
from podwright.api.names import dns_label, dns_subdomain

KIND: Final = "PodSecurityConfiguration"
VERSIONS: Final = tuple(f"pod-security.admission.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
"""They have the same fields."""
_FIELDS: Final = ("apiVersion", "kind", "defaults", "exemptions")
_DEFAULTS: Final = tuple(f"{mode}{part}" for mode in ("enforce", "audit", "warn") for part in ("", "-version"))


def _username(text: str) -> list[str]:
    return [] if text else ["username must not be empty"]


_EXEMPTIONS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "usernames": _username,
    "runtimeClasses": dns_subdomain,
    "namespaces": dns_label,
}


@dataclass(frozen=True, slots=True)
class PodSecurityConfiguration:
    """What the plugin is told when the server starts."""

    defaults: Policy = NO_POLICY
    """Of namespaces, as far as their labels say nothing"""
    usernames: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()


def configuration_of(data: Any, path: Path, errors: list[FieldError]) -> PodSecurityConfiguration:
    """The configuration in decoded JSON; what is wrong with it is added to `errors`."""
    found = fields_of(data, path, _FIELDS, errors)
    if found.get("kind") != KIND:
        errors.append(not_supported(path.child("kind"), found.get("kind"), (KIND,)))
    elif found.get("apiVersion") not in VERSIONS:
        errors.append(not_supported(path.child("apiVersion"), found.get("apiVersion"), VERSIONS))
    defaults = fields_of(found.get("defaults"), path.child("defaults"), _DEFAULTS, errors)
    exempt = fields_of(found.get("exemptions"), path.child("exemptions"), tuple(_EXEMPTIONS), errors)
    names = {
        kind: _names(exempt.get(kind), path.child("exemptions", kind), rule, errors)
        for kind, rule in _EXEMPTIONS.items()
    }
    enforce, audit, warn = (
        _profile(defaults, mode, path.child("defaults"), errors) for mode in ("enforce", "audit", "warn")
    )
    return PodSecurityConfiguration(
        Policy(enforce, audit, warn), names["usernames"], names["runtimeClasses"], names["namespaces"]
    )


def fields_of(data: Any, path: Path, known: tuple[str, ...], errors: list[FieldError]) -> Mapping[str, Any]:
    """The fields of an object (null: none); fields that it cannot have are errors."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        errors.append(type_invalid(path, data, "must be an object"))
        return {}
    errors += [not_supported(path.child(str(name)), name, known) for name in data if name not in known]
    return data


def _profile(defaults: Mapping[str, Any], mode: str, path: Path, errors: list[FieldError]) -> Profile:
    level, minor = Level.PRIVILEGED, None
    try:
        if value := defaults.get(mode):
            level = level_of(value)
    except ValueError as error:
        errors.append(invalid(path.child(mode), value, str(error)))
    try:
        if value := defaults.get(f"{mode}-version"):
            minor = minor_of(value)
    except ValueError as error:
        errors.append(invalid(path.child(f"{mode}-version"), value, str(error)))
    return Profile(level, minor)


def _names(data: Any, path: Path, rule: Callable[[str], list[str]], errors: list[FieldError]) -> frozenset[str]:
    if data is None:
        return frozenset()
    if not isinstance(data, list):
        errors.append(type_invalid(path, data, "must be an array"))
        return frozenset()
    names: set[str] = set()
    for position, name in enumerate(data):
        at = path.index(position)
        if not isinstance(name, str):
            errors.append(type_invalid(at, name, "must be a string"))
        elif problems := rule(name):
            errors.append(invalid(at, name, ", ".join(problems)))
        elif name in names:
            errors.append(duplicate(at, name))
        else:
            names.add(name)
    return frozenset(names)
