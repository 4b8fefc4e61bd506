"""A webhook as its configuration describes it, read once. Pure; used by all modules of this folder.

Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-configuration
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podwright.api.objects import Object, name_of, uid_of
from podwright.api.selectors import LabelSelector, label_selector_from

SPOKEN: Final = ("v1", "v1beta1")
"""Versions of AdmissionReview that are spoken here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests that concern a webhook; `*` stands for all."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: frozenset[tuple[str, str]]
    """(plural, subresource); "" is the resource itself"""
    scope: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook of one configuration."""

    key: str
    """Its own for as long as the configuration lives."""
    name: str
    configuration: str
    client: Mapping[str, Any]
    rules: tuple[Rule, ...]
    namespaces: LabelSelector
    objects: LabelSelector
    fails: bool
    """Whether a request is refused when the webhook cannot be asked."""
    timeout: int
    """seconds"""
    review_version: str
    dry_run: bool
    """Whether it may be asked about a dry run."""
    again: bool
    """Whether it is to be asked again when others have changed the object after it."""


def webhooks_of(configurations: Iterable[Object]) -> tuple[Webhook, ...]:
    """All webhooks in the order in which they are asked: by the names of configurations, then as written."""
    ordered = sorted(configurations, key=name_of)
    return tuple(
        _webhook(configuration, position, webhook)
        for configuration in ordered
        for position, webhook in enumerate(configuration.get("webhooks") or ())
    )


def _webhook(configuration: Object, position: int, webhook: Mapping[str, Any]) -> Webhook:
    name = webhook["name"]
    versions = webhook.get("admissionReviewVersions") or ()
    return Webhook(
        key=f"{uid_of(configuration)}/{name}/{position}",
        name=name,
        configuration=name_of(configuration),
        client=webhook.get("clientConfig") or {},
        rules=tuple(_rule(rule) for rule in webhook.get("rules") or ()),
        namespaces=label_selector_from(webhook.get("namespaceSelector") or {}),
        objects=label_selector_from(webhook.get("objectSelector") or {}),
        fails=webhook.get("failurePolicy") != "Ignore",
        timeout=webhook.get("timeoutSeconds") or 10,
        review_version=next((version for version in versions if version in SPOKEN), SPOKEN[0]),
        dry_run=webhook.get("sideEffects") in ("None", "NoneOnDryRun"),
        again=webhook.get("reinvocationPolicy") == "IfNeeded",
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    resources = (text.partition("/") for text in rule.get("resources") or ())
    return Rule(
        frozenset(rule.get("operations") or ()),
        frozenset(rule.get("apiGroups") or ()),
        frozenset(rule.get("apiVersions") or ()),
        frozenset((resource, subresource) for resource, _, subresource in resources),
        rule.get("scope") or "*",
    )
