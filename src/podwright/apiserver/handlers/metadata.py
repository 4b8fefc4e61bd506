"""The part of metadata that belongs to the server: decided and checked here for every resource.

Pure; called by create, change and delete. Times are aware datetimes.
Page: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
"""

from __future__ import annotations

import datetime
import os
import random
import uuid
from typing import Any

from podwright.api import names
from podwright.api.errors import BadRequest
from podwright.api.field import FieldError, Path, forbidden, invalid, required
from podwright.api.objects import Object, rfc3339
from podwright.apiserver.context import Call
from podwright.apiserver.registry.strategy import Row

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digits that look like letters, so that no suffix is a word."""
_SUFFIX_LENGTH = 5
_LONGEST_GENERATED = 63
_ANNOTATIONS_LIMIT = 256 * 1024
_META = Path("metadata")
_UIDS = random.Random(os.urandom(32))
"""Must be unique and need not be secret: asking the system for each would let the writer's thread in between."""
_OMITTED_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")
"""Maps and lists that the published types leave out when nothing is in them."""
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def generated_name(prefix: str, source: random.Random) -> str:
    """A name for metadata.generateName: the prefix, cut if need be, and five characters."""
    suffix = "".join(source.choices(_SUFFIX_LETTERS, k=_SUFFIX_LENGTH))
    return prefix[: _LONGEST_GENERATED - _SUFFIX_LENGTH] + suffix


def check_type(obj: Any, row: Row) -> None:
    """An object's apiVersion and kind must be those of the endpoint; missing ones are filled in.

    Raises BadRequest.
    """
    resource = row.resource
    if not isinstance(obj, dict):
        raise BadRequest(f"{resource.kind} must be a JSON object")
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if version in (None, ""):
        obj["apiVersion"] = version = resource.api_version
    if kind in (None, ""):
        obj["kind"] = kind = resource.kind
    if version != resource.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    if kind != resource.kind:
        raise BadRequest(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')
    meta = obj.get("metadata")
    if meta is None:
        obj["metadata"] = {}
    elif not isinstance(meta, dict):
        raise BadRequest(f'{kind} in version "{version}" cannot be handled as a {kind}: metadata must be an object')


def place(meta: dict[str, Any], call: Call) -> None:
    """The object's namespace is the request's; what is empty is left out. Raises BadRequest when it names another."""
    for field in _OMITTED_EMPTY:
        if field in meta and not meta[field]:
            del meta[field]
    if not call.resource.namespaced:
        meta.pop("namespace", None)
        return
    if not meta.get("namespace"):
        meta["namespace"] = call.namespace
    elif meta["namespace"] != call.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def check_name(meta: dict[str, Any], call: Call) -> None:
    """The object's name is the URL's. Raises BadRequest when it names another."""
    if not meta.get("name"):
        meta["name"] = call.name
    elif meta["name"] != call.name:
        raise BadRequest(f"the name of the object ({meta['name']}) does not match the name on the URL ({call.name})")


def stamp_new(meta: dict[str, Any], now: datetime.datetime) -> None:
    """What the server sets on a new object. Raises BadRequest for a resourceVersion."""
    if meta.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    for field in (*_SYSTEM_FIELDS, "resourceVersion", "selfLink", "generation"):
        meta.pop(field, None)
    meta["uid"] = str(uuid.UUID(int=_UIDS.getrandbits(128), version=4))
    meta["creationTimestamp"] = rfc3339(now)


def check_uid(meta: dict[str, Any], old: dict[str, Any], call: Call) -> None:
    """The uid, if there is one, is that of the stored object. Raises Conflict."""
    if meta.get("uid") and meta["uid"] != old.get("uid"):
        raise call.conflict(
            f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old.get('uid')}"
        )


def carry_over(meta: dict[str, Any], old: dict[str, Any], call: Call) -> None:
    """What an update cannot change is taken from the stored object. Raises Conflict when the uid is another's."""
    check_uid(meta, old, call)
    for field in (*_SYSTEM_FIELDS, "resourceVersion", "generation", "generateName"):
        if field in old:
            meta[field] = old[field]
        else:
            meta.pop(field, None)
    meta.pop("selfLink", None)


def _labels_errors(labels: dict[str, Any], path: Path) -> list[FieldError]:
    errors = []
    for key, value in labels.items():
        errors += [invalid(path, key, e) for e in names.qualified_name(key)]
        errors += [invalid(path, value, e) for e in names.label_value(value)]
    return errors


def _annotations_errors(annotations: dict[str, Any], path: Path) -> list[FieldError]:
    errors = []
    for key in annotations:
        errors += [invalid(path, key, e) for e in names.qualified_name(key.lower())]
    if sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items()) > _ANNOTATIONS_LIMIT:
        from podwright.api.field import too_long

        errors.append(too_long(path, _ANNOTATIONS_LIMIT))
    return errors


def _owner_errors(owners: list[dict[str, Any]], path: Path) -> list[FieldError]:
    errors, controllers = [], []
    for position, owner in enumerate(owners):
        at = path.index(position)
        errors += [
            invalid(at.child(field), owner.get(field) or "", "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ]
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind')}/{owner.get('name')}")
    if len(controllers) > 1:
        errors.append(
            invalid(
                path,
                owners,
                "Only one reference can have Controller set to true. Found "
                f'"true" in references for {controllers[0]} and {controllers[1]}',
            )
        )
    return errors


def errors_of(meta: dict[str, Any], row: Row) -> list[FieldError]:
    """Everything wrong with the metadata of an object, new or changed."""
    errors: list[FieldError] = []
    strategy = row.strategy
    if meta.get("generateName"):
        errors += [
            invalid(_META.child("generateName"), meta["generateName"], e)
            for e in strategy.name_errors(meta["generateName"], prefix=True)
        ]
    name = meta.get("name")
    if name:
        errors += [invalid(_META.child("name"), name, e) for e in strategy.name_errors(name, prefix=False)]
    else:
        errors.append(required(_META.child("name"), "name or generateName is required"))
    if meta.get("labels"):
        errors += _labels_errors(meta["labels"], _META.child("labels"))
    if meta.get("annotations"):
        errors += _annotations_errors(meta["annotations"], _META.child("annotations"))
    if meta.get("ownerReferences"):
        errors += _owner_errors(meta["ownerReferences"], _META.child("ownerReferences"))
    for position, finalizer in enumerate(meta.get("finalizers") or ()):
        at = _META.child("finalizers").index(position)
        errors += [invalid(at, finalizer, e) for e in names.qualified_name(finalizer)]
    return errors


def update_errors(meta: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    """What a change of metadata may not do, beside being right in itself."""
    if not old.get("deletionTimestamp"):
        return []
    added = sorted(set(meta.get("finalizers") or ()) - set(old.get("finalizers") or ()))
    if not added:
        return []
    return [
        forbidden(
            _META.child("finalizers"),
            "no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[{', '.join(chr(34) + a + chr(34) for a in added)}]",
        )
    ]


def spec_changed(obj: Object, old: Object) -> bool:
    """Whether anything but metadata and status differs: metadata.generation counts these changes."""
    skipped = {"metadata", "status"}
    return {k: v for k, v in obj.items() if k not in skipped} != {k: v for k, v in old.items() if k not in skipped}
