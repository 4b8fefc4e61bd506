"""Docker's config.json and .dockercfg: what they hold, which entries are broken. Pure.

Called for the node's own file, a namespace's file, and the data of pull secrets. Beyond what the kubelet reads:
identity tokens, and which credential helpers are to be asked (`credentials/helpers`).
Page: https://kubernetes.io/docs/concepts/containers/images/#config-json
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podwright.kubelet.credentials.keyring import Credential, Entry, Source


class DockerConfigError(ValueError):
    """The whole file can't be used; the text never quotes it."""


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """One file."""

    entries: Sequence[Entry] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    """server -> name of the helper (`ecr-login` for docker-credential-ecr-login)"""
    store: str = ""
    """the helper for every other server, "" for none"""
    problems: Sequence[str] = ()
    """entries that can't be used, and why; without their content"""


def parse_config_json(text: str | bytes, source: Source) -> DockerConfig:
    """config.json (or a secret's `.dockerconfigjson`). Raises DockerConfigError."""
    document = _object(text)
    auths = document.get("auths")
    if auths is not None and not isinstance(auths, dict):
        raise DockerConfigError("auths: expected an object")
    entries, problems = _entries(auths or {}, source)
    helpers = document.get("credHelpers") or {}
    store = document.get("credsStore") or ""
    if not isinstance(helpers, dict) or not all(isinstance(name, str) for name in helpers.values()):
        problems, helpers = [*problems, "credHelpers: expected an object of strings"], {}
    if not isinstance(store, str):
        problems, store = [*problems, "credsStore: expected a string"], ""
    return DockerConfig(entries, helpers, store, problems)


def parse_dockercfg(text: str | bytes, source: Source) -> DockerConfig:
    """.dockercfg (or a secret's `.dockercfg`): the entries alone. Raises DockerConfigError."""
    entries, problems = _entries(_object(text), source)
    return DockerConfig(entries, problems=problems)


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # the parser's own message quotes what it read
        raise DockerConfigError("not JSON") from None
    if not isinstance(document, dict):
        raise DockerConfigError("expected a JSON object")
    return document


def _entries(auths: Mapping[str, Any], source: Source) -> tuple[list[Entry], list[str]]:
    entries: list[Entry] = []
    problems: list[str] = []
    for server, value in auths.items():
        try:
            credential = _credential(value, source)
        except DockerConfigError as error:
            problems.append(f"entry {server!r}: {error}")
            continue
        if credential is not None:
            entries.append(Entry(server, credential))
    return entries, problems


def _credential(value: Any, source: Source) -> Credential | None:
    """None for an entry without anything in it: `docker login` with a store leaves those."""
    if not isinstance(value, dict):
        raise DockerConfigError("expected an object")
    texts = {}
    for key in ("username", "password", "auth", "identitytoken", "registrytoken"):
        text = value.get(key) or ""
        if not isinstance(text, str):
            raise DockerConfigError(f"{key}: expected a string")
        texts[key] = text
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        username, password = decode_auth(texts["auth"])
    if not (username or password or texts["identitytoken"] or texts["registrytoken"]):
        return None
    return Credential(username, password, texts["identitytoken"], texts["registrytoken"], source)


def decode_auth(auth: str) -> tuple[str, str]:
    """User and password of an `auth` field (base64 of `user:password`, padding optional). Raises DockerConfigError."""
    wrong = DockerConfigError("unable to parse auth field, must be formatted as base64(username:password)")
    text = "".join(auth.split())
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise wrong from None
    username, colon, password = decoded.partition(":")
    if not colon:
        raise wrong
    return username, password.rstrip("\0")
