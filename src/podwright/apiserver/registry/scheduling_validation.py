"""What is wrong with the parts of a Pod that say where it may run.

Called by `pod_spec_validation.py`, and by `runtime_class.py` for a class's tolerations.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from podwright.apiserver.registry import field_checks as check

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NOT_AN_OPERATOR = "not a valid selector operator"


def validate_tolerations(path: Path, tolerations: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Errors of a list of tolerations."""
    errors: list[FieldError] = []
    for position, toleration in enumerate(tolerations):
        where = path.index(position)
        key, operator = toleration.get("key") or "", toleration.get("operator") or ""
        value, effect = toleration.get("value") or "", toleration.get("effect") or ""
        if key:
            errors += check.obeys(where.child("key"), key, names.qualified_name)
        elif operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(invalid(where.child("operator"), operator, text))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(invalid(where.child("effect"), effect, text))
        if operator in ("", "Equal"):
            errors += check.obeys(where.child("operator"), value, names.label_value)
        elif operator == "Exists":
            if value:
                text = "value must be empty when `operator` is 'Exists'"
                errors.append(invalid(where.child("operator"), dict(toleration), text))
        else:
            errors.append(not_supported(where.child("operator"), operator, ("Equal", "Exists")))
        if effect and effect not in _EFFECTS:
            errors.append(not_supported(where.child("effect"), effect, _EFFECTS))
    return errors


def validate_affinity(path: Path, affinity: Mapping[str, Any]) -> list[FieldError]:
    """Errors of `spec.affinity`."""
    errors: list[FieldError] = []
    if node := affinity.get("nodeAffinity"):
        where = path.child("nodeAffinity")
        hard = node.get("requiredDuringSchedulingIgnoredDuringExecution")
        if hard is not None:
            errors += validate_node_selector(where.child("requiredDuringSchedulingIgnoredDuringExecution"), hard)
        for position, soft in enumerate(node.get("preferredDuringSchedulingIgnoredDuringExecution") or ()):
            at = where.child("preferredDuringSchedulingIgnoredDuringExecution").index(position)
            errors += _weight(at, soft) + _node_term(at.child("preference"), soft.get("preference") or {})
    for kind in ("podAffinity", "podAntiAffinity"):
        errors += _pod_affinity(path.child(kind), affinity.get(kind) or {})
    return errors


def _weight(path: Path, term: Mapping[str, Any]) -> list[FieldError]:
    weight = term.get("weight") or 0
    return [] if 1 <= weight <= 100 else [invalid(path.child("weight"), weight, "must be in the range 1-100")]


def validate_node_selector(path: Path, selector: Mapping[str, Any]) -> list[FieldError]:
    """Errors of a NodeSelector."""
    where, terms = path.child("nodeSelectorTerms"), selector.get("nodeSelectorTerms") or ()
    if not terms:
        return [required(where, "must have at least one node selector term")]
    return [e for position, term in enumerate(terms) for e in _node_term(where.index(position), term)]


def _node_term(path: Path, term: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, expression in enumerate(term.get("matchExpressions") or ()):
        errors += _node_expression(path.child("matchExpressions").index(position), expression)
    for position, expression in enumerate(term.get("matchFields") or ()):
        errors += _node_field(path.child("matchFields").index(position), expression)
    return errors


def _node_expression(path: Path, expression: Mapping[str, Any]) -> list[FieldError]:
    operator, values = expression.get("operator") or "", expression.get("values") or ()
    where, errors = path.child("values"), []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(where, "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(forbidden(where, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.append(required(where, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        errors.append(invalid(path.child("operator"), operator, _NOT_AN_OPERATOR))
    errors += check.obeys(path.child("key"), expression.get("key") or "", names.qualified_name)
    for position, value in enumerate(values):
        errors += check.obeys(where.index(position), value, names.label_value)
    return errors


def _node_field(path: Path, expression: Mapping[str, Any]) -> list[FieldError]:
    operator, values = expression.get("operator") or "", expression.get("values") or ()
    errors: list[FieldError] = []
    if operator not in ("In", "NotIn"):
        errors.append(invalid(path.child("operator"), operator, _NOT_AN_OPERATOR))
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(required(path.child("values"), text))
    key = expression.get("key") or ""
    if key != "metadata.name":
        return [*errors, invalid(path.child("key"), key, "not a valid field selector key")]
    for position, value in enumerate(values):
        errors += check.obeys(path.child("values").index(position), value, names.dns_subdomain)
    return errors


def _pod_affinity(path: Path, affinity: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    hard, soft = (f"{w}DuringSchedulingIgnoredDuringExecution" for w in ("required", "preferred"))
    for position, term in enumerate(affinity.get(hard) or ()):
        errors += _pod_term(path.child(hard).index(position), term)
    for position, weighted in enumerate(affinity.get(soft) or ()):
        where = path.child(soft).index(position)
        errors += _weight(where, weighted)
        errors += _pod_term(where.child("podAffinityTerm"), weighted.get("podAffinityTerm") or {})
    return errors


def _pod_term(path: Path, term: Mapping[str, Any]) -> list[FieldError]:
    errors = check.label_selector(path.child("labelSelector"), term.get("labelSelector"))
    errors += check.label_selector(path.child("namespaceSelector"), term.get("namespaceSelector"))
    for position, namespace in enumerate(term.get("namespaces") or ()):
        errors += check.obeys(path.child("namespaces").index(position), namespace, names.dns_label)
    return errors + _topology_key(path.child("topologyKey"), term.get("topologyKey"))


def _topology_key(path: Path, key: str | None) -> list[FieldError]:
    return check.obeys(path, key, names.qualified_name) if key else [required(path, "can not be empty")]


def validate_spread(path: Path, constraints: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Errors of `spec.topologySpreadConstraints`."""
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for position, constraint in enumerate(constraints):
        where = path.index(position)
        skew, key = constraint.get("maxSkew") or 0, constraint.get("topologyKey") or ""
        when, least = constraint.get("whenUnsatisfiable") or "", constraint.get("minDomains")
        if skew <= 0:
            errors.append(invalid(where.child("maxSkew"), skew, "must be greater than zero"))
        errors += _topology_key(where.child("topologyKey"), key)
        errors += check.optional_one_of(where.child("whenUnsatisfiable"), when, ("DoNotSchedule", "ScheduleAnyway"))
        if (key, when) in seen:
            errors.append(duplicate(where.child("{topologyKey, whenUnsatisfiable}"), f"{{{key}, {when}}}"))
        seen.add((key, when))
        if least is not None:
            if least <= 0:
                errors.append(invalid(where.child("minDomains"), least, "must be greater than zero"))
            elif when != "DoNotSchedule":
                text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"
                errors.append(invalid(where.child("minDomains"), least, text))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            errors += check.optional_one_of(where.child(field), constraint.get(field), ("Honor", "Ignore"))
        errors += check.label_selector(where.child("labelSelector"), constraint.get("labelSelector"))
    return errors


def validate_gates(path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of scheduling and readiness gates; `path` is `spec`."""
    errors: list[FieldError] = []
    where, gates = path.child("schedulingGates"), spec.get("schedulingGates") or ()
    seen: set[str] = set()
    for position, gate in enumerate(gates):
        name = gate.get("name") or ""
        errors += check.obeys(where.index(position), name, names.qualified_name)
        if name in seen:
            errors.append(duplicate(where.index(position), name))
        seen.add(name)
    if gates and spec.get("nodeName"):
        text = "cannot be set until all schedulingGates have been cleared"
        errors.append(forbidden(path.child("nodeName"), text))
    for position, gate in enumerate(spec.get("readinessGates") or ()):
        at = path.child("readinessGates").index(position).child("conditionType")
        errors += check.obeys(at, gate.get("conditionType") or "", names.qualified_name)
    return errors
