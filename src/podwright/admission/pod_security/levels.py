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


def policy_of(labels: Mapping[str, str] | None) -> Policy:
    """The policy of a namespace with these labels.

    What cannot be read is `restricted` where it is enforced and nothing where it only warns, and `latest` as a version.
    Without a label of its own, a warning is given of what is enforced.
    """
    if not labels or not any(key.startswith(_PREFIX) for key in labels):
        return NO_POLICY
    errors: list[FieldError] = []
    enforce = _profile(labels, "enforce", Level.RESTRICTED, errors)
    audit = _profile(labels, "audit", Level.PRIVILEGED, errors)
    warn = _profile(labels, "warn", Level.PRIVILEGED, errors)
    if _PREFIX + "warn" not in labels and labels.get(_PREFIX + "enforce") in LEVELS:
        minor = warn.minor if _PREFIX + "warn-version" in labels else enforce.minor
        warn = Profile(enforce.level, minor) if enforce.level > warn.level else warn
    return Policy(enforce, audit, warn, tuple(errors))


def _profile(labels: Mapping[str, str], mode: str, unreadable: Level, errors: list[FieldError]) -> Profile:
    profile = Profile()
    level = labels.get(_PREFIX + mode)
    if level is not None:
        if level not in LEVELS:
            errors.append(invalid(_LABELS.key(_PREFIX + mode), level, f"must be one of {', '.join(LEVELS)}"))
        profile = replace(profile, level=LEVELS.get(level, unreadable))
    version = labels.get(f"{_PREFIX}{mode}-version")
    if version not in (None, "latest"):
        found = _VERSION.fullmatch(version or "")
        if found is None:
            errors.append(invalid(_LABELS.key(f"{_PREFIX}{mode}-version"), version, 'must be "latest" or "v1.x"'))
        else:
            profile = replace(profile, minor=int(found[1]))
    return profile
