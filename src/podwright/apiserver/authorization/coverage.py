"""Whether somebody who grants rights has them: the rights that are missing, and how they are told.

Pure; called by `escalation.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from podwright.apiserver.authorization.rule import ALL, Rule, path_matches


def missing(held: Sequence[Rule], granted: Iterable[Rule]) -> Sequence[Rule]:
    """The parts of the granted rules that no held rule covers, each about one verb of one thing."""
    return [part for rule in granted for part in parts(rule) if not any(covers(own, part) for own in held)]


def parts(rule: Rule) -> Iterator[Rule]:
    """A rule taken apart: one group, resource, verb and name (or one path and verb) each."""
    for group in rule.groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                part = Rule((verb,), (group,), (resource,))
                if rule.names:
                    yield from (replace(part, names=(name,)) for name in rule.names)
                else:
                    yield part
    for path in rule.paths:
        yield from (Rule((verb,), paths=(path,)) for verb in rule.verbs)


def covers(own: Rule, part: Rule) -> bool:
    """Whether one rule allows at least what another does."""
    return (
        _all_in(own.verbs, part.verbs)
        and _all_in(own.groups, part.groups)
        and all(_resource_in(own.resources, resource) for resource in part.resources)
        and (not own.names or (bool(part.names) and set(part.names) <= set(own.names)))
        and all(any(path_matches(held, path) for held in own.paths) for path in part.paths)
    )


def _all_in(own: Sequence[str], wanted: Sequence[str]) -> bool:
    return ALL in own or set(wanted) <= set(own)


def _resource_in(own: Sequence[str], wanted: str) -> bool:
    if ALL in own or wanted in own:
        return True
    _, slash, subresource = wanted.partition("/")
    return bool(slash) and f"*/{subresource}" in own


def compacted(rules: Iterable[Rule]) -> Sequence[Rule]:
    """Rules about one resource (and one name at most), their verbs joined; others as they are."""
    joined: dict[tuple[object, ...], Rule] = {}
    others = []
    for rule in rules:
        if rule.paths or len(rule.groups) != 1 or len(rule.resources) != 1 or len(rule.names) > 1:
            others.append(rule)
            continue
        key = (*rule.groups, *rule.resources, *rule.names)
        known = joined.get(key)
        verbs = dict.fromkeys((*known.verbs, *rule.verbs)) if known else rule.verbs
        joined[key] = replace(rule, verbs=tuple(verbs))
    return [*joined.values(), *others]


def told(rules: Iterable[Rule]) -> str:
    """Missing rights, one a line, in order."""
    return "\n".join(sorted({str(rule) for rule in compacted(rules)}))
