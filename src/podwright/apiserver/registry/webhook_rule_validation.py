"""What is wrong with a rule of a webhook: which requests it selects.

Called by `webhook_configuration.py`. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from podwright.api.field import FieldError, Path, invalid, not_supported, required

_OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES: Final = ("*", "Cluster", "Namespaced")


def rule_errors(path: Path, rule: Mapping[str, Any]) -> list[FieldError]:
    """Everything wrong with one rule."""
    errors = _words(path.child("operations"), rule.get("operations") or (), "operations")
    for position, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            errors.append(not_supported(path.child("operations").index(position), operation, _OPERATIONS))
    errors += _words(path.child("apiGroups"), rule.get("apiGroups") or (), "API groups")
    versions = rule.get("apiVersions") or ()
    errors += _words(path.child("apiVersions"), versions, "API versions")
    errors += [
        required(path.child("apiVersions").index(position)) for position, version in enumerate(versions) if not version
    ]
    errors += _resources(path.child("resources"), rule.get("resources") or ())
    scope = rule.get("scope")
    if scope is not None and scope not in _SCOPES:
        errors.append(not_supported(path.child("scope"), scope, _SCOPES))
    return errors


def _words(path: Path, words: Sequence[str], what: str) -> list[FieldError]:
    if not words:
        return [required(path)]
    if len(words) > 1 and "*" in words:
        return [invalid(path, list(words), f"if '*' is present, must not specify other {what}")]
    return []


def _resources(path: Path, resources: Sequence[str]) -> list[FieldError]:
    """`pods`, `pods/*`, `*/scale`, `*/*`, `*`: none that another one of the list has in it already."""
    if not resources:
        return [required(path)]
    errors: list[FieldError] = []
    all_subresources, on_all_resources = set(), set()
    plain = False
    for position, text in enumerate(resources):
        here = path.index(position)
        if not text:
            errors.append(required(here))
            continue
        resource, slash, subresource = text.partition("/")
        if not slash:
            plain = plain or text != "*"
            continue
        if resource in all_subresources:
            errors.append(invalid(here, text, f"if '{resource}/*' is present, must not specify {text}"))
        if subresource in on_all_resources:
            errors.append(invalid(here, text, f"if '*/{subresource}' is present, must not specify {text}"))
        if subresource == "*":
            all_subresources.add(resource)
        if resource == "*":
            on_all_resources.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        errors.append(invalid(path, list(resources), "if '*/*' is present, must not specify other resources"))
    if "*" in resources and plain:
        text = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid(path, list(resources), text))
    return errors
