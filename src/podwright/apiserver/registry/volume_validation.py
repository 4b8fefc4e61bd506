"""What is wrong with a Pod's volumes.

Called by `pod_spec_validation.py`. Volume types that need a driver or another machine are checked for their required
fields only; the kubelet says at mount time that it has no such driver.
Page: https://kubernetes.io/docs/concepts/storage/volumes/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, required
from podwright.api.quantity import parse_quantity
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.env_validation import field_ref, resource_ref
from podwright.apiserver.registry.image_policy import POLICIES

Source = Mapping[str, Any]

FILE_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 1 << 32
_REQUIRED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "awsElasticBlockStore": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"),
    "azureFile": ("secretName", "shareName"),
    "cephfs": ("monitors",),
    "cinder": ("volumeID",),
    "csi": ("driver",),
    "ephemeral": ("volumeClaimTemplate",),
    "fc": (),
    "flexVolume": ("driver",),
    "flocker": (),
    "gcePersistentDisk": ("pdName",),
    "gitRepo": ("repository",),
    "glusterfs": ("endpoints", "path"),
    "iscsi": ("targetPortal", "iqn"),
    "local": (),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "quobyte": ("registry", "volume"),
    "rbd": ("monitors", "image"),
    "scaleIO": ("gateway", "system", "volumeName"),
    "storageos": ("volumeName",),
    "vsphereVolume": ("volumePath",),
}


def validate_volumes(path: Path, volumes: Sequence[Source]) -> list[FieldError]:
    """Errors of `spec.volumes` of a Pod."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, volume in enumerate(volumes):
        where, name = path.index(position), volume.get("name") or ""
        errors += validate_volume_source(where, volume)
        errors += check.name(where.child("name"), name, names.dns_label)
        if name and name in seen:
            errors.append(duplicate(where.child("name"), name))
        seen.add(name)
    return errors


def validate_volume_source(path: Path, volume: Source) -> list[FieldError]:
    """Errors of the one source of a Pod's volume, or of a PersistentVolume's spec."""
    given = [kind for kind in volume if kind in _SOURCES and volume[kind] is not None]
    if len(given) > 1:
        given.sort(key=_SOURCES.index)
    if not given:
        return [required(path, "must specify a volume type")]
    kind = given[0]
    where, source = path.child(kind), volume[kind]
    if kind in _CHECKS:
        errors = _CHECKS[kind](where, source)
    else:
        errors = [required(where.child(field)) for field in _REQUIRED_FIELDS[kind] if not source.get(field)]
        if kind == "nfs" and source.get("path") and not source["path"].startswith("/"):
            errors.append(invalid(where.child("path"), source["path"], "must be an absolute path"))
    return errors + [forbidden(path.child(other), "may not specify more than 1 volume type") for other in given[1:]]


def _empty_dir(path: Path, source: Source) -> list[FieldError]:
    if source.get("sizeLimit") is None:
        return []
    try:
        good = parse_quantity(source["sizeLimit"]) >= 0
    except ValueError:
        good = False
    return [] if good else [forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")]


def _host_path(path: Path, source: Source) -> list[FieldError]:
    if not source.get("path"):
        return [required(path.child("path"))]
    errors = check.no_backsteps(path.child("path"), source["path"])
    return errors + check.optional_one_of(path.child("type"), source.get("type"), _HOST_PATH_TYPES)


def _secret(path: Path, source: Source) -> list[FieldError]:
    errors = [] if source.get("secretName") else [required(path.child("secretName"))]
    errors += check.file_mode(path.child("defaultMode"), source.get("defaultMode"))
    return errors + _items(path.child("items"), source.get("items") or ())


def _config_map(path: Path, source: Source) -> list[FieldError]:
    errors = [] if source.get("name") else [required(path.child("name"))]
    errors += check.file_mode(path.child("defaultMode"), source.get("defaultMode"))
    return errors + _items(path.child("items"), source.get("items") or ())


def _items(path: Path, items: Sequence[Source]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, item in enumerate(items):
        where = path.index(position)
        if not item.get("key"):
            errors.append(required(where.child("key")))
        errors += _file(where, item)
    return errors


def _file(path: Path, item: Source) -> list[FieldError]:
    file = item.get("path") or ""
    errors = check.projected_path(path.child("path"), file) if file else [required(path.child("path"))]
    return errors + check.file_mode(path.child("mode"), item.get("mode"))


def _downward_api(path: Path, source: Source) -> list[FieldError]:
    errors = check.file_mode(path.child("defaultMode"), source.get("defaultMode"))
    return errors + _downward_items(path, source)


def _downward_items(path: Path, source: Source) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, item in enumerate(source.get("items") or ()):
        # kube-apiserver names these without their index.
        errors += _file(path, item)
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field is not None:
            errors += field_ref(path.child("fieldRef"), field, FILE_FIELDS)
            if resource is not None:
                text = "fieldRef and resourceFieldRef can not be specified simultaneously"
                errors.append(invalid(path, "resource", text))
        elif resource is not None:
            errors += resource_ref(path.child("resourceFieldRef"), resource, in_volume=True)
        else:
            errors.append(required(path.index(position), "one of fieldRef and resourceFieldRef is required"))
    return errors


def _projected(path: Path, source: Source) -> list[FieldError]:
    errors = check.file_mode(path.child("defaultMode"), source.get("defaultMode"))
    files: set[str] = set()
    for position, projection in enumerate(source.get("sources") or ()):
        where = path.child("sources").index(position)
        given = [kind for kind in _PROJECTIONS if projection.get(kind) is not None]
        if given:
            errors += _PROJECTIONS[given[0]](where.child(given[0]), projection[given[0]])
        more = "may not specify more than 1 volume type"
        errors += [forbidden(where.child(kind), more) for kind in given[1:]]
        for file in _paths(projection):
            if file in files:
                errors.append(invalid(path, file, "conflicting duplicate paths"))
            files.add(file)
    return errors


def _paths(projection: Source) -> list[str]:
    paths = [
        item["path"]
        for kind in ("secret", "configMap", "downwardAPI")
        for item in (projection.get(kind) or {}).get("items") or ()
        if item.get("path")
    ]
    tokens = (projection.get(kind) or {} for kind in ("serviceAccountToken", "clusterTrustBundle"))
    return paths + [token["path"] for token in tokens if token.get("path")]


def _projected_secret(path: Path, source: Source) -> list[FieldError]:
    errors = [] if source.get("name") else [required(path.child("name"))]
    return errors + _items(path.child("items"), source.get("items") or ())


def _token(path: Path, source: Source) -> list[FieldError]:
    seconds, where = source.get("expirationSeconds") or 0, path.child("expirationSeconds")
    errors: list[FieldError] = []
    if seconds < _SHORTEST_TOKEN:
        errors.append(invalid(where, seconds, "may not specify a duration less than 10 minutes"))
    elif seconds > _LONGEST_TOKEN:
        errors.append(invalid(where, seconds, "may not specify a duration larger than 2^32 seconds"))
    file = source.get("path") or ""
    return errors + (check.projected_path(path.child("path"), file) if file else [required(path.child("path"))])


def _trust_bundle(path: Path, source: Source) -> list[FieldError]:
    file = source.get("path") or ""
    return check.projected_path(path.child("path"), file) if file else [required(path.child("path"))]


def _image(path: Path, source: Source) -> list[FieldError]:
    errors = [] if source.get("reference") else [required(path.child("reference"))]
    return errors + check.one_of(path.child("pullPolicy"), source.get("pullPolicy"), POLICIES)


_CHECKS: Mapping[str, Callable[[Path, Source], list[FieldError]]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "image": _image,
}
_SOURCES = (*_CHECKS, *_REQUIRED_FIELDS)
_PROJECTIONS: Mapping[str, Callable[[Path, Source], list[FieldError]]] = {
    "secret": _projected_secret,
    "configMap": _projected_secret,
    "downwardAPI": _downward_items,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _trust_bundle,
}
