"""What is special about MutatingWebhookConfigurations and ValidatingWebhookConfigurations: defaults and checks.

Called by the generic handlers through `rows.py`; what the webhooks do stands in `admission/webhooks`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.webhook_client_validation import client_config_errors
from podwright.apiserver.registry.webhook_rule_validation import rule_errors

REVIEW_VERSIONS: Final = ("v1", "v1beta1")
_SIDE_EFFECTS: Final = ("None", "NoneOnDryRun")
_LONGEST: Final = 30
NO_CEL: Final = (
    "expressions (CEL) are not evaluated by this server yet, and to call the webhook regardless would not be what they "
    "ask for; rules, namespaceSelector and objectSelector select requests"
)


class WebhookConfigurationStrategy(Strategy):
    """Both kinds; only webhooks that mutate can be called again (`mutating`)."""

    has_generation = True
    columns = (
        NAME,
        Column(
            "Webhooks",
            lambda obj, now: len(obj.get("webhooks") or ()),
            type="integer",
            description="How many webhooks it has.",
        ),
        AGE,
    )

    def __init__(self, *, mutating: bool) -> None:
        self._mutating = mutating

    def default(self, obj: Object) -> None:
        """What a webhook does that says nothing else."""
        for webhook in obj.get("webhooks") or ():
            _default(webhook, "failurePolicy", "Fail")
            _default(webhook, "matchPolicy", "Equivalent")
            _default(webhook, "timeoutSeconds", 10)
            for selector in ("namespaceSelector", "objectSelector"):
                if webhook.get(selector) is None:
                    webhook[selector] = {}
            if self._mutating:
                _default(webhook, "reinvocationPolicy", "Never")
            for rule in webhook.get("rules") or ():
                _default(rule, "scope", "*")
            service = (webhook.get("clientConfig") or {}).get("service")
            if service is not None:
                _default(service, "port", 443)

    def validate(self, obj: Object) -> list[FieldError]:
        """Every webhook, and that no two have one name."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for position, webhook in enumerate(obj.get("webhooks") or ()):
            path = Path("webhooks").index(position)
            errors += self._webhook(path, webhook)
            name = webhook.get("name")
            if name and name in seen:
                errors.append(duplicate(path.child("name"), name))
            seen.add(name)
        return errors

    def _webhook(self, path: Path, webhook: Mapping[str, Any]) -> list[FieldError]:
        errors = _full_name(path.child("name"), webhook.get("name") or "")
        for position, rule in enumerate(webhook.get("rules") or ()):
            errors += rule_errors(path.child("rules").index(position), rule)
        words = {"failurePolicy": ("Fail", "Ignore"), "matchPolicy": ("Equivalent", "Exact")}
        if self._mutating:
            words["reinvocationPolicy"] = ("IfNeeded", "Never")
        for field, supported in words.items():
            errors += check.optional_one_of(path.child(field), webhook.get(field), supported)
        errors += _side_effects(path.child("sideEffects"), webhook.get("sideEffects"))
        timeout = webhook.get("timeoutSeconds")
        if timeout is not None and not 1 <= timeout <= _LONGEST:
            text = f"the timeout value must be between 1 and {_LONGEST} seconds"
            errors.append(invalid(path.child("timeoutSeconds"), timeout, text))
        for field in ("namespaceSelector", "objectSelector"):
            errors += check.label_selector(path.child(field), webhook.get(field))
        errors += client_config_errors(path.child("clientConfig"), webhook.get("clientConfig") or {})
        if webhook.get("matchConditions"):
            errors.append(forbidden(path.child("matchConditions"), NO_CEL))
        return errors + _review_versions(path.child("admissionReviewVersions"), webhook.get("admissionReviewVersions"))


def _default(holder: dict[str, Any], field: str, value: Any) -> None:
    if holder.get(field) is None:
        holder[field] = value


def _full_name(path: Path, name: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    wrong = names.dns_subdomain(name)
    if wrong:
        return [invalid(path, name, ",".join(wrong))]
    if name.count(".") < 2:
        return [invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def _side_effects(path: Path, value: str | None) -> list[FieldError]:
    if value is None:
        return [required(path, f"must specify one of {', '.join(_SIDE_EFFECTS)}")]
    return [] if value in _SIDE_EFFECTS else [not_supported(path, value, _SIDE_EFFECTS)]


def _review_versions(path: Path, versions: list[str] | None) -> list[FieldError]:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        return [required(path, f"must specify one of {known}")]
    errors: list[FieldError] = []
    for position, version in enumerate(versions):
        if version in versions[:position]:
            errors.append(invalid(path.index(position), version, "duplicate version"))
        else:
            errors += check.obeys(path.index(position), version, names.dns1035_label)
    if not set(versions) & set(REVIEW_VERSIONS):
        errors.append(invalid(path, versions, f"must include at least one of {known}"))
    return errors
