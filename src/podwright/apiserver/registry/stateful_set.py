"""What is special about StatefulSets: Pods with names, an order and claims of their own.

Called by the generic handlers through `rows.py`; the Pods are kept by `controllers/stateful_set`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.strategy import Column
from podwright.apiserver.registry.workload import (
    CONTAINERS,
    IMAGES,
    SPEC,
    WorkloadStrategy,
    is_nothing,
    not_above_all,
    percent_or_count,
    ready_of_wanted,
    spec_of,
)

_RETENTION = "persistentVolumeClaimRetentionPolicy"
_POLICIES = ("whenDeleted", "whenScaled")
_MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    _RETENTION,
    "minReadySeconds",
)
_ONLY = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


class StatefulSetStrategy(WorkloadStrategy):
    """StatefulSets, with the subresources status and scale."""

    columns = (
        NAME,
        Column("Ready", ready_of_wanted, description="How many replicas are ready, and how many there are to be."),
        AGE,
        CONTAINERS,
        IMAGES,
    )
    selector_kind = "statefulset"
    template_kind = "StatefulSet"

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """A DNS label, since its Pods' host names begin with it."""
        return names.dns_label(name, prefix=prefix)

    def default_spec(self, spec: dict[str, Any]) -> None:
        """One replica, in order, from the highest ordinal down when it changes; claims are kept."""
        for field, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("podManagementPolicy", "OrderedReady")):
            if spec.get(field) in (None, ""):
                spec[field] = value
        strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            if rolling.get("partition") is None:
                rolling["partition"] = 0
        retention = spec[_RETENTION] = spec.get(_RETENTION) or {}
        for field in _POLICIES:
            retention[field] = retention.get(field) or "Retain"
        for claim in spec.get("volumeClaimTemplates") or ():
            _default_claim(claim)

    def whole_template(self, spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """With the volumes of the claims, each of which takes the place of a volume of its name."""
        template = super().whole_template(spec)
        names_of_claims = [(c.get("metadata") or {}).get("name") for c in spec.get("volumeClaimTemplates") or ()]
        if template is None or not any(names_of_claims):
            return template
        pod = template.get("spec") or {}
        volumes = [v for v in pod.get("volumes") or () if v.get("name") not in names_of_claims]
        volumes += [{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in dict.fromkeys(names_of_claims) if n]
        return {**template, "spec": {**pod, "volumes": volumes}}

    def prepare_for_create(self, obj: Object) -> None:
        """No Pods are there yet, and that is always said."""
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def spec_errors(self, spec: Mapping[str, Any]) -> list[FieldError]:
        """Order, counts, strategy and what becomes of claims."""
        order, where = spec.get("podManagementPolicy"), SPEC.child("podManagementPolicy")
        errors = (
            [] if order in ("OrderedReady", "Parallel")
            else [invalid(where, order, "must be 'OrderedReady' or 'Parallel'")]
        )  # fmt: skip
        errors += _strategy(SPEC.child("updateStrategy"), spec.get("updateStrategy") or {})
        for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
            errors += check.non_negative(SPEC.child(field), spec.get(field))
        start = (spec.get("ordinals") or {}).get("start")
        errors += check.non_negative(SPEC.child("ordinals").child("start"), start)
        for field in _POLICIES:
            policy = (spec.get(_RETENTION) or {}).get(field)
            if policy not in ("Delete", "Retain"):
                errors.append(not_supported(SPEC.child(_RETENTION).child(field), policy, ("Delete", "Retain")))
        for position, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            name = (claim.get("metadata") or {}).get("name")
            at = SPEC.child("volumeClaimTemplates").index(position).child("metadata").child("name")
            errors += check.name(at, name, names.dns_label)
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed StatefulSet's errors: identities stay."""
        if subresource == "status":
            return super().validate_update(obj, old, subresource)
        errors = self.validate(obj)
        new, was = spec_of(obj), old.get("spec") or {}
        if any(new.get(field) != was.get(field) for field in {*new, *was} if field not in _MAY_CHANGE):
            errors.append(forbidden(SPEC, _ONLY))
        return errors


def _default_claim(claim: dict[str, Any]) -> None:
    """As upstream's PersistentVolumeClaims, which these become."""
    claim["apiVersion"], claim["kind"] = claim.get("apiVersion") or "v1", claim.get("kind") or "PersistentVolumeClaim"
    spec = claim["spec"] = claim.get("spec") or {}
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    for field in ("requests", "limits"):
        normalize_quantities((spec.get("resources") or {}).get(field))
    claim["status"] = {**(claim.get("status") or {}), "phase": (claim.get("status") or {}).get("phase") or "Pending"}


def _strategy(path: Path, strategy: Mapping[str, Any]) -> list[FieldError]:
    kind, rolling, where = strategy.get("type"), strategy.get("rollingUpdate"), path.child("rollingUpdate")
    if not kind:
        return [required(path)]
    if kind == "OnDelete":
        text = "only allowed for updateStrategy 'RollingUpdate'"
        return [invalid(where, dict(rolling), text)] if rolling is not None else []
    if kind != "RollingUpdate":
        return [invalid(path, dict(strategy), "must be 'RollingUpdate' or 'OnDelete'")]
    rolling = rolling or {}
    errors = check.non_negative(where.child("partition"), rolling.get("partition"))
    unavailable, at = rolling.get("maxUnavailable"), where.child("maxUnavailable")
    if unavailable is not None:
        errors += percent_or_count(at, unavailable) + not_above_all(at, unavailable)
        if is_nothing(unavailable):
            errors.append(invalid(at, unavailable, "cannot be 0"))
    return errors
