"""The file of `--admission-control-config-file`: an AdmissionConfiguration with what plugins are told.

PodSecurity alone has a configuration here; one for another plugin is refused, since it would have no effect. Called by
`podwright up` before anything starts.
Page: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from podwright.admission.pod_security.configuration import PodSecurityConfiguration, configuration_of, fields_of
from podwright.admission.pod_security.plugin import PodSecurity
from podwright.api.field import FieldError, Path, aggregate, duplicate, invalid, not_supported, required, type_invalid
from podwright.api.schema import decode_yaml

API_VERSION: Final = "apiserver.config.k8s.io/v1"
KIND: Final = "AdmissionConfiguration"
_FIELDS: Final = ("apiVersion", "kind", "plugins")
_PLUGIN_FIELDS: Final = ("name", "path", "configuration")


class AdmissionConfigurationError(Exception):
    """The file cannot be used; the text names it and what in it is wrong."""


@dataclass(frozen=True, slots=True)
class AdmissionConfiguration:
    """What the plugins are told."""

    pod_security: PodSecurityConfiguration = field(default_factory=PodSecurityConfiguration)


def load(file: FilePath | None) -> AdmissionConfiguration:
    """Read the file, YAML or JSON (None: there is none), and those that it names, relative to its own folder.

    Blocks: call it before the event loop runs. Raises AdmissionConfigurationError.
    """
    if file is None:
        return AdmissionConfiguration()
    errors: list[FieldError] = []
    found = decode(_read(file), lambda name: _read(file.parent / name), errors)
    if errors:
        raise AdmissionConfigurationError(f"{file}: {aggregate(errors)}")
    return found


def decode(data: Any, read: Callable[[str], Any], errors: list[FieldError]) -> AdmissionConfiguration:
    """The configuration in decoded JSON; what is wrong with it is added to `errors`.

    `read` gives the content of a file that is named in it, and raises AdmissionConfigurationError.
    """
    found = fields_of(data if data is not None else {}, Path(), _FIELDS, errors)
    if found.get("kind") != KIND:
        errors.append(not_supported(Path("kind"), found.get("kind"), (KIND,)))
    elif found.get("apiVersion") != API_VERSION:
        errors.append(not_supported(Path("apiVersion"), found.get("apiVersion"), (API_VERSION,)))
    listed = found.get("plugins")
    if listed is not None and not isinstance(listed, list):
        errors.append(type_invalid(Path("plugins"), listed, "must be an array"))
        listed = None
    configuration, seen = AdmissionConfiguration(), set[str]()
    for position, entry in enumerate(listed or ()):
        path = Path("plugins").index(position)
        plugin = fields_of(entry, path, _PLUGIN_FIELDS, errors)
        name = plugin.get("name")
        if name != PodSecurity.name:
            errors.append(
                not_supported(path.child("name"), name, (PodSecurity.name,)) if name else required(path.child("name"))
            )
        elif name in seen:
            errors.append(duplicate(path.child("name"), name))
        else:
            seen.add(name)
            at, told = _told(plugin, path, read, errors)
            if told is not None:
                configuration = AdmissionConfiguration(configuration_of(told, at, errors))
    return configuration


def _told(plugin: Any, path: Path, read: Callable[[str], Any], errors: list[FieldError]) -> tuple[Path, Any]:
    """What stands in the entry itself or in the file that it names, and where."""
    inline, file = plugin.get("configuration"), plugin.get("path")
    if inline is not None or not file:
        return path.child("configuration"), inline
    if not isinstance(file, str):
        errors.append(type_invalid(path.child("path"), file, "must be a string"))
        return path.child("path"), None
    try:
        return Path(), read(file)
    except AdmissionConfigurationError as error:
        errors.append(invalid(path.child("path"), file, str(error)))
        return path.child("path"), None


def _read(file: FilePath) -> Any:
    try:
        value, twice = decode_yaml(file.read_bytes(), duplicates=True)
    except OSError as error:
        raise AdmissionConfigurationError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise AdmissionConfigurationError(f"{file}: {error}") from None
    if twice:
        raise AdmissionConfigurationError(f"{file}: {'; '.join(twice)}")
    return value
