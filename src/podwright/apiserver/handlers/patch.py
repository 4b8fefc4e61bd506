"""Patch: the four formats, each tried again when the object changes meanwhile.

Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from podwright.api.errors import BadRequest, Invalid, StatusError, TooLarge
from podwright.api.field import Path, invalid, required
from podwright.api.objects import Object, copy_object
from podwright.apiserver.context import Call, Context, Saved
from podwright.apiserver.handlers import metadata
from podwright.apiserver.handlers.change import PATCH_TRIES, change
from podwright.apiserver.handlers.conform import FieldValidation, conform, misfit, one_by_one
from podwright.apiserver.handlers.create import create
from podwright.apiserver.patch import json_patch, merge, strategic
from podwright.apiserver.patch.errors import PatchError, PatchTooLarge, Unprocessable
from podwright.client.interface import PatchType


class UnprocessablePatch(StatusError):
    """The patch is well-formed and does not fit the object."""

    code, reason = 422, "Invalid"


def patched(context: Context, call: Call, old: Object, kind: PatchType, body: Any) -> Object:
    """`old` (not changed) after a JSON, merge or strategic patch. Raises BadRequest, UnprocessablePatch, TooLarge."""
    try:
        match kind:
            case PatchType.JSON:
                new = json_patch.apply(old, body)
            case PatchType.STRATEGIC:
                new = strategic.apply(old, body, context.schema.node(call.row.schema))
            case _:
                new = merge.apply(old, body)
    except PatchTooLarge as error:
        raise TooLarge(error.message) from None
    except Unprocessable as error:
        raise UnprocessablePatch(error.message) from None
    except PatchError as error:
        raise BadRequest(error.message) from None
    if not isinstance(new, dict):
        raise BadRequest(f"the patch leaves no {call.resource.kind}")
    return new


def conform_patched(
    context: Context,
    call: Call,
    new: Object,
    *,
    kind: PatchType,
    body: Any,
    duplicates: Sequence[str],
    validation: FieldValidation,
) -> Object:
    """What a patch made of an object, pruned to its type. Raises Invalid, which names the patch."""
    if kind is PatchType.JSON and validation is not FieldValidation.IGNORE:
        unknown = (f'json patch unknown field "{place}"' for place in json_patch.unknown_fields(body))
        duplicates = [*unknown, *(f"json patch {text}" for text in duplicates)]
    try:
        return conform(context, call, new, duplicates, validation)
    except BadRequest as error:
        # The object was good: what it cannot be handled for is the patch.
        why = error.message.removeprefix(f"{misfit(call.resource)}: ")
        raise Invalid.of("", "", [invalid(Path("patch"), body, why)]) from None


async def patch(
    context: Context,
    call: Call,
    kind: PatchType,
    body: Any,
    *,
    duplicates: Sequence[str] = (),
    validation: FieldValidation | None = None,
    force: bool = False,
) -> Saved:
    """Patch the object of this call. `validation` None: the caller is trusted with types. Raises StatusError."""
    if kind is PatchType.APPLY:
        return await _apply(context, call, body, duplicates=duplicates, validation=validation, force=force)

    def wanted(old: Object) -> Object:
        new = patched(context, call, old, kind, body)
        if validation is not None:
            call.warnings.clear()  # those of an attempt that met a conflict
            new = conform_patched(
                context, call, new, kind=kind, body=body, duplicates=duplicates, validation=validation
            )
        meta = new.get("metadata")
        if isinstance(meta, dict):
            given = meta.get("resourceVersion")
            if given and given != old["metadata"]["resourceVersion"]:
                raise call.conflict()
        return new

    return await change(context, call, wanted, tries=PATCH_TRIES)


def configuration(call: Call, body: Any, duplicates: Sequence[str], validation: FieldValidation | None) -> Object:
    """The body of a server-side apply: an object of the call's kind and name. Raises StatusError."""
    if not call.field_manager:
        missing = required(Path("fieldManager"), "is required for apply patch")
        raise Invalid.of("PatchOptions", "", [missing], group="meta.k8s.io")
    if duplicates and validation is FieldValidation.STRICT:
        raise BadRequest(f"error strict decoding YAML: {', '.join(duplicates)}")
    if validation is FieldValidation.WARN:
        call.warnings += one_by_one(duplicates)
    # Unknown fields are not dropped, whatever the validation asked for: ownership refuses them, which nobody could own.
    config: Object = body
    metadata.check_type(config, call.row)
    meta = config["metadata"]
    metadata.place(meta, call)
    metadata.check_name(meta, call)
    if meta.get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    return config


async def _apply(
    context: Context,
    call: Call,
    body: Any,
    *,
    duplicates: Sequence[str],
    validation: FieldValidation | None,
    force: bool,
) -> Saved:
    config = configuration(call, body, duplicates, validation)
    meta = config["metadata"]
    call.applying = True
    uid = meta.get("uid")
    if context.entry(call.row, call.namespace, call.name) is None and not call.subresource:
        if uid:
            raise call.conflict(
                f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            )
        meta.pop("resourceVersion", None)
        if call.on_creation is not None:
            call.on_creation()
        obj = context.ownership.apply(call, None, config, force, context.now())
        return await create(context, call, obj)

    def wanted(old: Object) -> Object:
        given, there = meta.get("resourceVersion"), old["metadata"]
        metadata.check_uid(meta, there, call)
        if given and given != there["resourceVersion"]:
            raise call.conflict()
        return copy_object(context.ownership.apply(call, old, config, force, context.now()))

    return await change(context, call, wanted, tries=PATCH_TRIES)
