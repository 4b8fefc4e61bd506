"""Which webhooks a kind of request concerns. Pure; built anew by `source` when a configuration changes.

The answer for a kind of request (operation, resource, subresource) is worked out once and kept, so that what no rule
names costs one look-up.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from podwright.admission.interface import Operation
from podwright.admission.webhooks.webhook import Rule, Webhook
from podwright.api.resources import NAMESPACES, Resource

_EXEMPT: Final = frozenset(
    f"{prefix}admission{what}"
    for prefix in ("mutating", "validating")
    for what in ("policies", "policybindings")
) | {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}  # fmt: skip


class Kind(NamedTuple):
    """What all requests of one kind have in common."""

    operation: Operation
    resource: Resource
    subresource: str = ""


class Index:
    """The webhooks of one phase."""

    def __init__(self, webhooks: Iterable[Webhook] = ()) -> None:
        self._webhooks = tuple(webhooks)
        self._found: dict[Kind, tuple[Webhook, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._webhooks)

    def concerned(self, kind: Kind) -> tuple[Webhook, ...]:
        """The webhooks with a rule for this kind of request, in order."""
        found = self._found.get(kind)
        if found is None:
            found = () if is_exempt(kind.resource) else tuple(w for w in self._webhooks if concerns(w, kind))
            self._found[kind] = found
        return found


def is_exempt(resource: Resource) -> bool:
    """Whether no webhook is asked: a broken one could not be taken away otherwise."""
    return resource.group == "admissionregistration.k8s.io" and resource.plural in _EXEMPT


def concerns(webhook: Webhook, kind: Kind) -> bool:
    """Whether a rule of the webhook selects this kind of request."""
    return any(selects(rule, kind) for rule in webhook.rules)


def selects(rule: Rule, kind: Kind) -> bool:
    """Whether a rule selects this kind of request."""
    resource = kind.resource
    return (
        _one_of(rule.operations, kind.operation.value)
        and _one_of(rule.groups, resource.group)
        and _one_of(rule.versions, resource.version)
        and any(
            plural in ("*", resource.plural) and subresource in ("*", kind.subresource)
            for plural, subresource in rule.resources
        )
        and _in_scope(rule.scope, resource)
    )


def _one_of(words: frozenset[str], word: str) -> bool:
    return "*" in words or word in words


def _in_scope(scope: str, resource: Resource) -> bool:
    """Whether objects of the resource are of the scope; a Namespace is not in one."""
    if scope == "*":
        return True
    return (scope == "Namespaced") == (resource.namespaced and resource != NAMESPACES)
