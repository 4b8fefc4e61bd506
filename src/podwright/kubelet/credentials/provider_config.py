"""CredentialProviderConfig: which exec providers there are, for which images. Checked whole, before the node starts.

Called by provider_plugin. A path may be a file or a folder (its .json, .yaml and .yml files, in order of names).
Page: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from podwright.api.field import Path as FieldPath
from podwright.kubelet.configuration_values import duration
from podwright.kubelet.credentials.keyring import index_key

_GROUP: Final = "kubelet.config.k8s.io"
_CONFIG_VERSIONS: Final = ("v1", "v1beta1", "v1alpha1")
_REQUEST_GROUP: Final = "credentialprovider.kubelet.k8s.io"
_FIELDS: Final = {"name", "matchImages", "defaultCacheDuration", "apiVersion", "args", "env", "tokenAttributes"}
_TOKEN_FIELDS: Final = {
    "serviceAccountTokenAudience",
    "requireServiceAccount",
    "cacheType",
    "requiredServiceAccountAnnotationKeys",
    "optionalServiceAccountAnnotationKeys",
}
_QUALIFIED: Final = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class ProviderConfigError(ValueError):
    """The configuration can't be used; every error with the path of its field."""


@dataclass(frozen=True, slots=True)
class TokenAttributes:
    """The service account token that a provider gets (KEP-4412)."""

    audience: str
    require_service_account: bool
    cache_type: str
    """Token or ServiceAccount"""
    required_annotations: Sequence[str] = ()
    optional_annotations: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """One exec provider."""

    name: str
    match_images: Sequence[str]
    default_cache_duration: float
    """seconds"""
    api_version: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    token: TokenAttributes | None = None


def read(path: Path, bin_dir: Path) -> Sequence[Provider]:
    """Every provider of a file or folder. Raises ProviderConfigError, OSError."""
    import yaml

    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".yaml", ".yml"))
        if not files:
            raise ProviderConfigError(f"{path}: no configuration files in it")
    providers: list[Provider] = []
    for file in files:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ProviderConfigError(f"{file}: not YAML or JSON: {error}") from None
        try:
            providers += parse(document)
        except ProviderConfigError as error:
            raise ProviderConfigError(f"{file}: {error}") from None
    errors = []
    names = [provider.name for provider in providers]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            errors.append(f"duplicate provider name {name!r}")
        if not os.access(bin_dir / name, os.X_OK):
            errors.append(f"plugin binary executable {bin_dir / name} did not exist")
    if errors:
        raise ProviderConfigError("; ".join(errors))
    return providers


def parse(document: Any) -> Sequence[Provider]:
    """The providers of one document. Raises ProviderConfigError with every error in it."""
    if not isinstance(document, dict) or document.get("kind") != "CredentialProviderConfig":
        raise ProviderConfigError("kind: expected CredentialProviderConfig")
    group, _, version = str(document.get("apiVersion")).partition("/")
    if group != _GROUP or version not in _CONFIG_VERSIONS:
        raise ProviderConfigError(f"apiVersion: expected one of {', '.join(f'{_GROUP}/{v}' for v in _CONFIG_VERSIONS)}")
    errors: list[str] = [f"{key}: unknown field" for key in document.keys() - {"kind", "apiVersion", "providers"}]
    providers: list[Provider] = []
    entries = document.get("providers")
    if not isinstance(entries, list) or not entries:
        errors.append("providers: Required value: at least 1 item in plugins is required")
        entries = []
    for position, entry in enumerate(entries):
        path = FieldPath("providers").index(position)
        if isinstance(entry, dict):
            provider = _provider(entry, path, errors)
            if provider is not None:
                providers.append(provider)
        else:
            errors.append(f"{path}: expected an object")
    if errors:
        raise ProviderConfigError("; ".join(errors))
    return providers


def _provider(entry: dict[str, Any], path: FieldPath, errors: list[str]) -> Provider | None:
    before = len(errors)
    errors += [f"{path.child(key)}: unknown field" for key in sorted(entry.keys() - _FIELDS)]
    name = entry.get("name") or ""
    if not isinstance(name, str) or not name or name in (".", "..") or "/" in name or " " in name:
        errors.append(f"{path.child('name')}: expected a program's name: no '/', no space, not '.' or '..'")
    images = _strings(entry.get("matchImages"), path.child("matchImages"), errors)
    if not images:
        errors.append(f"{path.child('matchImages')}: Required value: at least 1 item in matchImages is required")
    for position, image in enumerate(images):
        if index_key(image) is None:
            where = path.child("matchImages").index(position)
            errors.append(f"{where}: Invalid value: {image!r}: not an image pattern")
    cache = 0.0
    if entry.get("defaultCacheDuration") is None:
        errors.append(f"{path.child('defaultCacheDuration')}: Required value")
    else:
        try:
            cache = duration(entry["defaultCacheDuration"])
        except ValueError as error:
            errors.append(f"{path.child('defaultCacheDuration')}: {error}")
        if cache < 0:
            errors.append(f"{path.child('defaultCacheDuration')}: must be greater than or equal to 0")
    api_version = entry.get("apiVersion")
    accepted = [f"{_REQUEST_GROUP}/{version}" for version in _CONFIG_VERSIONS]
    if api_version not in accepted:
        errors.append(f"{path.child('apiVersion')}: Unsupported value: {api_version!r}: expected {', '.join(accepted)}")
    args = _strings(entry.get("args"), path.child("args"), errors)
    env: dict[str, str] = {}
    for position, pair in enumerate(entry.get("env") or []):
        where = path.child("env").index(position)
        if isinstance(pair, dict) and isinstance(pair.get("name"), str) and isinstance(pair.get("value", ""), str):
            env[pair["name"]] = pair.get("value", "")
        else:
            errors.append(f"{where}: expected name and value")
    token = _token(entry.get("tokenAttributes"), path.child("tokenAttributes"), api_version, errors)
    if len(errors) > before:
        return None
    return Provider(name, images, cache, str(api_version), args, env, token)


def _token(value: Any, path: FieldPath, api_version: Any, errors: list[str]) -> TokenAttributes | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        errors.append(f"{path}: expected an object")
        return None
    errors += [f"{path.child(key)}: unknown field" for key in sorted(value.keys() - _TOKEN_FIELDS)]
    if api_version != f"{_REQUEST_GROUP}/v1":
        errors.append(f"{path}: Forbidden: only with apiVersion {_REQUEST_GROUP}/v1")
    audience, require, cache = (
        value.get(key) for key in ("serviceAccountTokenAudience", "requireServiceAccount", "cacheType")
    )
    if not isinstance(audience, str) or not audience:
        errors.append(f"{path.child('serviceAccountTokenAudience')}: Required value")
    if not isinstance(require, bool):
        errors.append(f"{path.child('requireServiceAccount')}: Required value")
    if cache not in ("Token", "ServiceAccount"):
        errors.append(f"{path.child('cacheType')}: Unsupported value: {cache!r}: expected Token, ServiceAccount")
    keys = []
    for name in ("requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys"):
        found = _strings(value.get(name), path.child(name), errors)
        for key in found:
            if not _QUALIFIED.fullmatch(key):
                errors.append(f"{path.child(name)}: Invalid value: {key!r}: not a qualified name")
        if len(set(found)) < len(found):
            errors.append(f"{path.child(name)}: Duplicate value")
        keys.append(found)
    required, optional = keys
    if set(required) & set(optional):
        errors.append(f"{path}: the same key is required and optional")
    if required and require is not True:
        errors.append(
            f"{path.child('requiredServiceAccountAnnotationKeys')}: Forbidden: requireServiceAccount must be true"
        )
    return TokenAttributes(str(audience), require is True, str(cache), required, optional)


def _strings(value: Any, path: FieldPath, errors: list[str]) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        errors.append(f"{path}: expected a list of strings")
        return []
    return value
