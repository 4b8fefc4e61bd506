"""What is special about ResourceQuotas: what can be limited, for which Pods, and how much of it is used.

Called by the generic handlers through `rows.py`; `admission/resource_quota.py` keeps to them.
Page: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.api.quota import scope_terms
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.workload import spec_of, status_of

_SPEC = Path("spec")
_COUNTED = frozenset((
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims",
    "services.nodeports", "services.loadbalancers",
))  # fmt: skip
_COMPUTE = frozenset((
    "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage",
))  # fmt: skip
_STANDARD = _COUNTED | _COMPUTE | {"requests.storage"}
_SCOPES = (
    "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
)  # fmt: skip
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_EXCLUDING = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})


def _used(limits: bool) -> Callable[[Object, float], str]:
    def cell(quota: Object, now: float) -> str:
        hard, used = status_of(quota).get("hard") or {}, status_of(quota).get("used") or {}
        shown = [f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard) if ("limits." in name) == limits]
        return ", ".join(shown)

    return cell


class ResourceQuotaStrategy(Strategy):
    """ResourceQuotas, with the subresource status."""

    status_subresource = True
    columns = (
        NAME,
        Column("Request", _used(limits=False), description="What is used of what may be requested or counted."),
        Column("Limit", _used(limits=True), description="What is used of what may be limits."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        """Quantities in their one form."""
        normalize_quantities((obj.get("spec") or {}).get("hard"))
        for field in ("hard", "used"):
            normalize_quantities((obj.get("status") or {}).get(field))

    def validate(self, obj: Object) -> list[FieldError]:
        """Names, amounts and scopes."""
        spec = spec_of(obj)
        errors = _amounts(_SPEC.child("hard"), spec.get("hard") or {})
        return errors + _scopes(obj, spec.get("hard") or {})

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Scopes stay: what was counted was counted by them."""
        if subresource == "status":
            path, status = Path("status"), status_of(obj)
            return [
                error for field in ("hard", "used") for error in _amounts(path.child(field), status.get(field) or {})
            ]
        new, was = spec_of(obj), old.get("spec") or {}
        errors = self.validate(obj)
        if sorted(new.get("scopes") or ()) != sorted(was.get("scopes") or ()):
            errors.append(invalid(_SPEC.child("scopes"), new.get("scopes") or [], check.IMMUTABLE))
        return errors + check.unchanged(
            _SPEC.child("scopeSelector"), new.get("scopeSelector"), was.get("scopeSelector")
        )


def _amounts(path: Path, hard: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, value in hard.items():
        where = path.key(name)
        errors += check.obeys(where, name, names.qualified_name)
        if "/" not in name and name not in _STANDARD and not name.startswith(("hugepages-", "requests.hugepages-")):
            errors.append(invalid(where, name, "must be a standard resource for quota"))
        errors += check.quantity(where, value, whole=name in _COUNTED or name.startswith("count/"))
    return errors


def _scopes(quota: Object, hard: Iterable[str]) -> list[FieldError]:
    spec = spec_of(quota)
    errors: list[FieldError] = []
    where = _SPEC.child("scopeSelector").child("matchExpressions")
    for position, term in enumerate((spec.get("scopeSelector") or {}).get("matchExpressions") or ()):
        at, operator, scope = where.index(position), term.get("operator"), term.get("scopeName")
        errors += check.one_of(at.child("operator"), operator, _OPERATORS)
        if scope != "PriorityClass" and operator not in (None, "", "Exists"):
            text = "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, "
            text += "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort "
            text += "or ResourceQuotaScopeCrossNamespacePodAffinity"
            errors.append(invalid(at.child("operator"), operator, text))
        if operator in ("In", "NotIn") and not term.get("values"):
            text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.append(required(at.child("values"), text))
        if operator in ("Exists", "DoesNotExist") and term.get("values"):
            text = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"
            errors.append(invalid(at.child("values"), term["values"], text))
    found = [term.get("scopeName") for term in scope_terms(quota)]
    path = _SPEC.child("scopes" if spec.get("scopes") else "scopeSelector")
    for scope in found:
        if scope not in _SCOPES:
            errors.append(not_supported(path, scope, _SCOPES))
            continue
        countable = {"pods"} if scope in ("BestEffort", "CrossNamespacePodAffinity") else {"pods", *_COMPUTE}
        if any(name not in countable and not name.startswith(("requests.", "hugepages-")) for name in hard) or (
            scope == "BestEffort" and set(hard) - {"pods"}
        ):
            errors.append(invalid(path, found, "unsupported scope applied to resource"))
    if any(pair <= set(found) for pair in _EXCLUDING):
        errors.append(invalid(path, found, "conflicting scopes"))
    return errors
