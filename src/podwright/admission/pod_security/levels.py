"""Which profile, in which version, a namespace's labels ask for. Pure; called by `plugin`.

Page: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from podwright.api.field import FieldError, Path, invalid

_PREFIX: Final = "pod-security.kubernetes.io/"
_LABELS: Final = Path("metadata.labels")
_VERSION: Final = re.compile(r"v1\.(0|[1-9][0-9]*)")


class Level(enum.IntEnum):
    """The profiles; a stricter one is greater."""

    PRIVILEGED = 0
    BASELINE = 1
    RESTRICTED = 2

    @property
    def word(self) -> str:
        """As labels spell it."""
        return self.name.lower()


LEVELS: Final = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as it was in a minor version of Kubernetes (`minor` None: the latest)."""

    level: Level = Level.PRIVILEGED
    minor: int | None = None

    def __str__(self) -> str:
        return f"{self.level.word}:{'latest' if self.minor is None else f'v1.{self.minor}'}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a namespace asks for in each mode, and what is wrong with its labels."""

    enforce: Profile = Profile()
    audit: Profile = Profile()
    warn: Profile = Profile()
    errors: tuple[FieldError, ...] = ()


NO_POLICY: Final = Policy()


def level_of(text: object) -> Level:
    """The level of this name. Raises ValueError."""
    if not isinstance(text, str) or text not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return LEVELS[text]


def minor_of(text: object) -> int | None:
    """The minor version in `v1.x`, None for `latest`. Raises ValueError."""
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    if found is None and text != "latest":
        raise ValueError('must be "latest" or "v1.x"')
    return int(found[1]) if found else None


def is_labelled(labels: Mapping[str, str], mode: str) -> bool:
    """Whether a namespace's labels say anything of a mode."""
    return _PREFIX + mode in labels or f"{_PREFIX}{mode}-version" in labels


def policy_of(labels: Mapping[str, str] | None, defaults: Policy = NO_POLICY) -> Policy:
    """The policy of a namespace with these labels; `defaults` has what they leave open.

    What cannot be read is `restricted` where it is enforced and nothing where it only warns, and `latest` as a version.
    Without a label of its own, a warning is given of what is enforced.
    """
    if not labels or not any(key.startswith(_PREFIX) for key in labels):
        return defaults
    errors: list[FieldError] = []
    enforce = _profile(labels, "enforce", defaults.enforce, Level.RESTRICTED, errors)
    audit = _profile(labels, "audit", defaults.audit, Level.PRIVILEGED, errors)
    warn = _profile(labels, "warn", defaults.warn, Level.PRIVILEGED, errors)
    if _PREFIX + "warn" not in labels and labels.get(_PREFIX + "enforce") in LEVELS and enforce.level > warn.level:
        warn = Profile(enforce.level, warn.minor if _PREFIX + "warn-version" in labels else enforce.minor)
    return Policy(enforce, audit, warn, tuple(errors))


def _profile(
    labels: Mapping[str, str], mode: str, profile: Profile, unreadable: Level, errors: list[FieldError]
) -> Profile:
    level, version = labels.get(_PREFIX + mode), labels.get(f"{_PREFIX}{mode}-version")
    if level is not None:
        try:
            profile = replace(profile, level=level_of(level))
        except ValueError as error:
            errors.append(invalid(_LABELS.key(_PREFIX + mode), level, str(error)))
            profile = replace(profile, level=unreadable)
    if version is not None:
        try:
            profile = replace(profile, minor=minor_of(version))
        except ValueError as error:
            errors.append(invalid(_LABELS.key(f"{_PREFIX}{mode}-version"), version, str(error)))
            profile = replace(profile, minor=None)
    return profile
