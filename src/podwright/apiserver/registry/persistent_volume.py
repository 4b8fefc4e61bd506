"""What is special about PersistentVolumes: where they are, how large, and whose.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, not_supported, required
from podwright.api.objects import Object
from podwright.api.volumes import class_of, modes, source_of
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.persistent_volume_claim import (
    UNSET,
    VOLUME_MODES,
    access_modes,
    phase,
    positive,
)
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.scheduling_validation import validate_node_selector
from podwright.apiserver.registry.strategy import Column, Strategy
from podwright.apiserver.registry.volume_validation import validate_volume_source

RECLAIM = ("Delete", "Recycle", "Retain")


def _claim(volume: Object, now: float) -> str:
    reference = (volume.get("spec") or {}).get("claimRef") or {}
    return f"{reference.get('namespace') or ''}/{reference.get('name') or ''}" if reference else ""


def _modes(volume: Object, now: float) -> str:
    return modes((volume.get("spec") or {}).get("accessModes"))


class PersistentVolumeStrategy(Strategy):
    """Volumes, with the subresource status."""

    columns = (
        NAME,
        Column("Capacity", at("spec", "capacity", "storage"), description="How large it is."),
        Column("Access Modes", _modes, description="How it may be mounted."),
        Column("Reclaim Policy", at("spec", "persistentVolumeReclaimPolicy"), description="What follows its claim."),
        Column("Status", phase, description="Whether it is free, bound, or left by its claim."),
        Column("Claim", _claim, description="The claim that has it."),
        Column("StorageClass", lambda v, now: class_of(v) or "", description="The class of claims that may have it."),
        Column(
            "VolumeAttributesClass",
            at("spec", "volumeAttributesClassName", absent=UNSET),
            description="The class of its attributes.",
        ),
        Column("Reason", at("status", "reason"), description="Why it failed."),
        AGE,
        Column("VolumeMode", at("spec", "volumeMode", absent=UNSET), priority=1, description="File system or device."),
    )  # fmt: skip
    status_subresource = True

    def default(self, obj: Object) -> None:
        """It stays when its claim goes, and has a file system."""
        spec = obj["spec"] = obj.get("spec") or {}
        spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
        spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
        normalize_quantities(spec.get("capacity"))
        if spec.get("hostPath") and spec["hostPath"].get("type") is None:
            spec["hostPath"]["type"] = ""
        obj["status"] = obj.get("status") or {}
        obj["status"]["phase"] = obj["status"].get("phase") or "Pending"

    def prepare_for_create(self, obj: Object) -> None:
        """A new volume is looked at by the binder before it is free."""
        obj["status"] = {"phase": "Pending"}

    def validate(self, obj: Object) -> list[FieldError]:
        """A new volume's errors."""
        path, spec = Path("spec"), obj.get("spec") or {}
        errors = access_modes(path.child("accessModes"), spec.get("accessModes"))
        errors += _capacity(path.child("capacity"), spec.get("capacity") or {})
        policy = spec.get("persistentVolumeReclaimPolicy")
        errors += check.optional_one_of(path.child("persistentVolumeReclaimPolicy"), policy, RECLAIM)
        affinity = (spec.get("nodeAffinity") or {}).get("required")
        if spec.get("nodeAffinity") is not None:
            where = path.child("nodeAffinity", "required")
            text = "must specify required node constraints"
            errors += validate_node_selector(where, affinity) if affinity is not None else [required(where, text)]
        errors += validate_volume_source(path, spec)
        if spec.get("local") is not None:
            if not spec["local"].get("path"):
                errors.append(required(path.child("local", "path")))
            else:
                errors += check.no_backsteps(path.child("local", "path"), spec["local"]["path"])
            if affinity is None:
                errors.append(required(path.child("nodeAffinity"), "Local volume requires node affinity"))
        if policy == "Recycle" and (spec.get("hostPath") or {}).get("path") == "/":
            text = "may not be 'recycle' for a hostPath mount of '/'"
            errors.append(forbidden(path.child("persistentVolumeReclaimPolicy"), text))
        if spec.get("storageClassName"):
            errors += check.obeys(path.child("storageClassName"), spec["storageClassName"], names.dns_subdomain)
        return errors + check.optional_one_of(path.child("volumeMode"), spec.get("volumeMode"), VOLUME_MODES)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Where the data are stays; everything else may be corrected."""
        if subresource == "status":
            return []
        path, spec, was = Path("spec"), obj.get("spec") or {}, old.get("spec") or {}
        errors = self.validate(obj)
        if source_of(obj) != source_of(old) or spec.get(source_of(obj)) != was.get(source_of(old)):
            text = "spec.persistentvolumesource is immutable after creation"
            errors.append(forbidden(path.child("persistentvolumesource"), text))
        errors += check.unchanged(Path("volumeMode"), spec.get("volumeMode"), was.get("volumeMode"))
        if was.get("nodeAffinity") is not None:
            errors += check.unchanged(path.child("nodeAffinity"), spec.get("nodeAffinity"), was.get("nodeAffinity"))
        return errors


def _capacity(path: Path, given: Mapping[str, Any]) -> list[FieldError]:
    if not given:
        return [required(path)]
    if set(given) != {"storage"}:
        return [not_supported(path, dict(given), ("storage",))]
    return positive(path.key("storage"), given["storage"])
