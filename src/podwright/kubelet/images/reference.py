"""Image references: registry, path, tag and digest of what a Pod says, or which rule it breaks. Pure.

Called by the image manager, and through it by everything that compares images by name. The grammar is the one of the
distribution project (https://github.com/distribution/reference), normalized as Docker does it.
Page: https://kubernetes.io/docs/concepts/containers/images/#image-names
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_REGISTRY: Final = "docker.io"
DEFAULT_TAG: Final = "latest"

_NAME_LIMIT: Final = 255
_DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}

_HOST_LABEL: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")
_IPV6: Final = re.compile(r"\[[a-fA-F0-9:]+\]")
_COMPONENT: Final = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX: Final = re.compile(r"[0-9a-f]+")
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{64}")


class InvalidReferenceError(ValueError):
    """Not an image reference; the text says which rule it breaks."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"invalid reference format: {rule}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalized reference; `tag` is "" when a digest alone was given."""

    registry: str
    """host, and port where one was given"""
    path: str
    tag: str
    digest: str

    @property
    def repository(self) -> str:
        """`docker.io/library/busybox`: what credentials are matched with."""
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """What a reference names; `latest` when neither tag nor digest is given. Raises InvalidReferenceError."""
    if not text:
        raise InvalidReferenceError("the name is empty")
    if _IDENTIFIER.fullmatch(text):
        raise InvalidReferenceError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    rest, at, digest = text.partition("@")
    if at:
        _check_digest(digest)
    registry, path = _split_registry(rest)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise InvalidReferenceError(
            f"tag {tag!r} must have 1 to 128 letters, digits, '_', '.' or '-' and must not begin with '.' or '-'"
        )
    _check_path(path)
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"library/{path}"
    if len(path) > _NAME_LIMIT:
        raise InvalidReferenceError(f"repository name must not be more than {_NAME_LIMIT} characters")
    return Reference(registry, path, tag or ("" if at else DEFAULT_TAG), digest)


def with_default_tag(text: str) -> str:
    """What the runtime is asked for: the text as written, `:latest` added when it has neither tag nor digest.

    Raises InvalidReferenceError.
    """
    parsed = parse(text)
    written_tag = ":" in text.partition("@")[0].rpartition("/")[2]
    return text if parsed.digest or written_tag else f"{text}:{DEFAULT_TAG}"


def written_repository(text: str) -> str:
    """The text without tag and digest: `alpine` stays `alpine`. Expects a valid reference."""
    name = text.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _split_registry(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        return DEFAULT_REGISTRY, text
    _check_registry(first)
    return (DEFAULT_REGISTRY if first == "index.docker.io" else first), rest


def _check_registry(registry: str) -> None:
    host, port = registry, ""
    if registry.startswith("["):
        host, bracket, port = registry.partition("]")
        host += bracket
        if not _IPV6.fullmatch(host):
            raise InvalidReferenceError(f"registry {registry!r}: not an IPv6 address in brackets")
        if port and not port.startswith(":"):
            raise InvalidReferenceError(f"registry {registry!r}: only a port may follow the address")
        has_port, port = bool(port), port.removeprefix(":")
    else:
        host, colon, port = registry.partition(":")
        has_port = bool(colon)
        if not all(_HOST_LABEL.fullmatch(label) for label in host.split(".")):
            raise InvalidReferenceError(
                f"registry host {host!r}: each part must have letters, digits and inner dashes only"
            )
    if has_port and not (port.isascii() and port.isdigit()):
        raise InvalidReferenceError(f"registry {registry!r}: the port must be a number")


def _check_path(path: str) -> None:
    if path.lower() != path:
        raise InvalidReferenceError("repository name must be lowercase")
    for component in path.split("/"):
        if not component:
            raise InvalidReferenceError("repository name must not have an empty component")
        if not _COMPONENT.fullmatch(component):
            raise InvalidReferenceError(
                f"repository name component {component!r} must have lowercase letters and digits, "
                "separated by '.', '_', '__' or dashes"
            )


def _check_digest(digest: str) -> None:
    algorithm, colon, hexadecimal = digest.partition(":")
    if not colon or algorithm not in _DIGEST_LENGTHS:
        raise InvalidReferenceError(
            f"digest {digest!r} must begin with one of {', '.join(f'{name}:' for name in _DIGEST_LENGTHS)}"
        )
    if len(hexadecimal) != _DIGEST_LENGTHS[algorithm] or not _HEX.fullmatch(hexadecimal):
        raise InvalidReferenceError(
            f"a {algorithm} digest must have {_DIGEST_LENGTHS[algorithm]} lowercase hexadecimal digits"
        )
