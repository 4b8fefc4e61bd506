"""What is special about PersistentVolumeClaims: what they ask for, which stays, and what they were given.

Called by the generic handlers through `rows.py`; the class of one that names none is set by
`admission/default_storage_class.py`. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, required
from podwright.api.objects import Object, copy_object, metadata
from podwright.api.quantity import parse_quantity
from podwright.api.volumes import BETA_CLASS, annotation, class_of, modes
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.pod_defaults import normalize_quantities
from podwright.apiserver.registry.strategy import Column, Strategy

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
UNSET = "<unset>"
_NOT_ACTED_ON = "is not acted on: volumes are made empty here"


def phase(obj: Object, now: float) -> str:
    """The Status column of claims and volumes."""
    if metadata(obj).get("deletionTimestamp"):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase") or "")


def _given(claim: Object, field: str) -> Any:
    # What it had is no longer said when the volume is gone.
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    return status.get(field) if spec.get("volumeName") else None


def _capacity(claim: Object, now: float) -> str:
    return str((_given(claim, "capacity") or {}).get("storage") or "")


class PersistentVolumeClaimStrategy(Strategy):
    """Claims, with the subresource status."""

    columns = (
        NAME,
        Column("Status", phase, description="Whether the claim has its volume."),
        Column("Volume", at("spec", "volumeName"), description="The volume that it has."),
        Column("Capacity", _capacity, description="How large that is."),
        Column("Access Modes", lambda c, now: modes(_given(c, "accessModes")), description="How it may be mounted."),
        Column("StorageClass", lambda c, now: class_of(c) or "", description="The class of the claim."),
        Column(
            "VolumeAttributesClass",
            at("spec", "volumeAttributesClassName", absent=UNSET),
            description="The class of the volume's attributes.",
        ),
        AGE,
        Column("VolumeMode", at("spec", "volumeMode", absent=UNSET), priority=1, description="File system or device."),
    )  # fmt: skip
    status_subresource = True

    def default(self, obj: Object) -> None:
        """A file system; quantities in their one form."""
        spec = obj["spec"] = obj.get("spec") or {}
        spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
        for kind in ("requests", "limits"):
            normalize_quantities((spec.get("resources") or {}).get(kind))
        obj["status"] = obj.get("status") or {}
        obj["status"]["phase"] = obj["status"].get("phase") or "Pending"

    def prepare_for_create(self, obj: Object) -> None:
        """A new claim has nothing yet."""
        obj["status"] = {"phase": "Pending"}

    def validate(self, obj: Object) -> list[FieldError]:
        """A new claim's errors."""
        return validate_claim_spec(Path("spec"), obj.get("spec") or {})

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Claims may be bound and may grow; a class may come to one that had none."""
        if subresource == "status":
            return []
        return self.validate(obj) + _changed(obj, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Fields without an effect."""
        spec = obj.get("spec") or {}
        fields = ("dataSource", "dataSourceRef", "volumeAttributesClassName")
        return [f"spec.{field} {_NOT_ACTED_ON}" for field in fields if spec.get(field) and old is None]


def validate_claim_spec(path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of a claim's spec (a StatefulSet's templates and `ephemeral` volumes have one too)."""
    errors = access_modes(path.child("accessModes"), spec.get("accessModes"), "at least 1 access mode is required")
    errors += check.label_selector(path.child("selector"), spec.get("selector"))
    resources = spec.get("resources") or {}
    where, size = path.child("resources").key("storage"), (resources.get("requests") or {}).get("storage")
    if size is None:
        errors.append(required(where))
    else:
        errors += positive(where, size)
    if spec.get("storageClassName"):
        errors += check.obeys(path.child("storageClassName"), spec["storageClassName"], names.dns_subdomain)
    return errors + check.optional_one_of(path.child("volumeMode"), spec.get("volumeMode"), VOLUME_MODES)


def access_modes(path: Path, given: Sequence[str] | None, detail: str = "") -> list[FieldError]:
    """One mode at least, all of them known, and the exclusive one alone."""
    if not given:
        return [required(path, detail)]
    errors = [e for mode in given for e in check.optional_one_of(path, mode, ACCESS_MODES)]
    if "ReadWriteOncePod" in given and len(given) > 1:
        errors.append(forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def positive(path: Path, value: Any) -> list[FieldError]:
    """A quantity above 0."""
    try:
        return [] if parse_quantity(value) > 0 else [invalid(path, value, "must be greater than zero")]
    except ValueError as wrong:
        return [invalid(path, value, str(wrong))]


def _changed(new: Object, old: Object) -> list[FieldError]:
    path, errors = Path("spec"), []
    spec, was = copy_object(new.get("spec") or {}), copy_object(old.get("spec") or {})
    bound = (old.get("status") or {}).get("phase") == "Bound"
    size, before = _take_size(spec), _take_size(was)
    if not was.get("volumeName"):
        was.pop("volumeName", None)
        spec.pop("volumeName", None)
    if class_of(old) is None or (annotation(old, BETA_CLASS) is not None and "storageClassName" not in was):
        spec.pop("storageClassName", None)
        was.pop("storageClassName", None)
    spec.pop("volumeAttributesClassName", None)
    was.pop("volumeAttributesClassName", None)
    if spec != was or (size != before and not bound):
        text = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        errors.append(forbidden(path, text))
    elif size is not None and before is not None and size < before:
        where = path.child("resources", "requests", "storage")
        errors.append(forbidden(where, "field can not be less than previous value"))
    return errors


def _take_size(spec: dict[str, Any]) -> Any:
    requests = (spec.get("resources") or {}).get("requests") or {}
    try:
        return parse_quantity(requests.pop("storage")) if "storage" in requests else None
    except ValueError:
        return None  # validation of the field names it
