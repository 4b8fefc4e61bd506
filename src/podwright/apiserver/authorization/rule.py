"""One PolicyRule, and whether it allows what is asked.

Pure; called by `rbac.py` and `node.py`. Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.apiserver.routes import Asked

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed. `paths` are for requests that are about no resource, all other fields for those that are."""

    verbs: Sequence[str]
    groups: Sequence[str] = ()
    resources: Sequence[str] = ()
    """`pods`, `pods/status`, `*/scale`, `*`"""
    names: Sequence[str] = ()
    """Empty: every name."""
    paths: Sequence[str] = ()
    """`/x/*` means everything below."""

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Rule:
        """A rule out of a Role."""
        fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        return cls(*(tuple(rule.get(field) or ()) for field in fields))

    def as_json(self) -> dict[str, Any]:
        """This rule as it stands in a Role."""
        pairs = (
            ("verbs", self.verbs),
            ("apiGroups", self.groups),
            ("resources", self.resources),
            ("resourceNames", self.names),
            ("nonResourceURLs", self.paths),
        )
        return {field: list(values) for field, values in pairs if values}

    def allows(self, asked: Asked) -> bool:
        """Whether this rule allows what is asked."""
        if not asked.is_resource:
            return has(self.verbs, asked.verb) and any(path_matches(path, asked.path) for path in self.paths)
        return self.concerns(asked.verb, asked.group, asked.plural, asked.subresource) and (
            not self.names or asked.name in self.names
        )

    def concerns(self, verb: str, group: str, plural: str, subresource: str) -> bool:
        """Whether this rule allows a verb on some objects of a resource at least."""
        wanted = f"{plural}/{subresource}" if subresource else plural
        return (
            has(self.verbs, verb)
            and has(self.groups, group)
            and (has(self.resources, wanted) or (bool(subresource) and f"*/{subresource}" in self.resources))
        )

    def __str__(self) -> str:
        """As error messages write it."""
        pairs = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.paths),
            ("ResourceNames", self.names),
            ("Verbs", self.verbs),
        )
        return "{" + ", ".join(f"{name}:{quoted(values)}" for name, values in pairs if values) + "}"


def has(allowed: Sequence[str], wanted: str) -> bool:
    """Whether a list of words, in which `*` stands for all, holds a word."""
    return wanted in allowed or ALL in allowed


def path_matches(allowed: str, path: str) -> bool:
    """Whether a path is the allowed one, or below it where that ends in `*`."""
    return allowed == path or (allowed.endswith(ALL) and path.startswith(allowed.rstrip(ALL)))


def quoted(words: Iterable[str]) -> str:
    """A list of words as messages write it: `["a" "b"]`."""
    return "[" + " ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"
