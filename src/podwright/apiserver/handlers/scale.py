"""The subresource scale, read and written: a workload's replicas, and nothing else of it.

Called by the HTTP front and the in-process client for rows that name the subresource.
Page: https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/ (Scale v1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import Invalid
from podwright.api.objects import Object, copy_object
from podwright.api.objects import metadata as metadata_of
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers import admitted, metadata
from podwright.apiserver.handlers.change import PATCH_TRIES, UPDATE_TRIES, commit
from podwright.apiserver.handlers.conform import FieldValidation
from podwright.apiserver.handlers.patch import configuration, conform_patched, patched
from podwright.apiserver.handlers.read import get
from podwright.apiserver.patch.managed_fields import read_managers, write_managers
from podwright.apiserver.patch.scale_fields import of_scale, of_workload
from podwright.apiserver.registry.scale import SCALE, scale_of, scaled
from podwright.client.interface import PatchType
from podwright.storage.interface import KeyMissing, RevisionConflict

NAME = "scale"


def is_scale(call: Call) -> bool:
    """Whether a call is for a Scale that the row has."""
    return call.subresource == NAME and NAME in call.row.subresources


def as_scale(call: Call) -> Call:
    """The call as one for an object of the kind Scale: its body and its answer are of that kind."""
    return replace(call, row=SCALE)


def read_scale(context: Context, call: Call) -> Object:
    """The Scale of the call's object. Raises NotFound."""
    return scale_of(context.read(call.row, get(context, call)))


async def update_scale(context: Context, call: Call, scale: Object) -> Object:
    """PUT. Raises StatusError."""
    metadata.check_type(scale, SCALE)
    meta = scale["metadata"]
    metadata.place(meta, call)
    metadata.check_name(meta, call)
    return await _write(context, call, lambda old: copy_object(scale), UPDATE_TRIES)


async def patch_scale(
    context: Context,
    call: Call,
    kind: PatchType,
    body: Any,
    *,
    duplicates: Sequence[str] = (),
    validation: FieldValidation | None = None,
    force: bool = False,
) -> Object:
    """PATCH, in each of the four formats. Raises StatusError."""
    inner = as_scale(call)
    if kind is PatchType.APPLY:
        config = configuration(inner, body, duplicates, validation)
        call.applying = True
        return await _write(
            context,
            call,
            lambda old: context.ownership.apply(inner, old, config, force, context.now()),
            PATCH_TRIES,
        )

    def wanted(old: Object) -> Object:
        new = patched(context, inner, old, kind, body)
        if validation is None:
            return new
        return conform_patched(context, inner, new, kind=kind, body=body, duplicates=duplicates, validation=validation)

    return await _write(context, call, wanted, PATCH_TRIES)


async def _write(context: Context, call: Call, wanted: Callable[[Object], Object], tries: int) -> Object:
    for _ in range(tries):
        entry = context.entry(call.row, call.namespace, call.name)
        if entry is None:
            raise call.not_found()
        old = context.read(call.row, entry)
        before = scale_of(old)
        after = wanted(_with_owners(before, old) if call.applying else before)
        owners = after["metadata"].pop("managedFields", None) if call.applying else None
        _check(call, after, before)
        attributes = Attributes(
            Operation.UPDATE,
            call.resource,
            call.user,
            namespace=call.namespace,
            name=call.name,
            subresource=NAME,
            obj=after,
            old=before,
            options={"fieldManager": call.field_manager},
            dry_run=call.dry_run,
            warnings=call.warnings,
            patched=partial(admitted.created, context, as_scale(call)),
        )
        await context.admission.admit(attributes)
        errors = SCALE.strategy.validate(after)
        if errors:
            raise Invalid.of("Scale", call.name, errors, group=SCALE.resource.group)
        new = scaled(old, after)
        if call.row.strategy.has_generation and metadata.spec_changed(new, old):
            new["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1
        if call.applying:
            _take_owners(call, new, owners)
        else:
            context.ownership.track(call, new, old, context.now())
        await context.admission.validate(attributes)
        if new == old:
            return before
        try:
            return scale_of((await commit(context, call, entry, old, new)).obj)
        except RevisionConflict:
            continue
        except KeyMissing:
            raise call.not_found() from None
    raise call.conflict()


def _with_owners(scale: Object, obj: Object) -> Object:
    """The Scale of a workload with those that own its replicas (a new object)."""
    owners = of_scale(read_managers(metadata_of(obj).get("managedFields")), SCALE.resource.api_version)
    return {**scale, "metadata": {**metadata_of(scale), "managedFields": write_managers(owners)}}


def _take_owners(call: Call, obj: Object, entries: Any) -> None:
    """Write into a workload who owns its replicas, after an apply of its Scale left these managedFields."""
    meta = metadata_of(obj)
    owners = of_workload(
        read_managers(meta.pop("managedFields", None)), read_managers(entries), call.resource.api_version
    )
    if owners:
        meta["managedFields"] = write_managers(owners)


def _check(call: Call, after: Object, before: Object) -> None:
    """Raises BadRequest for another type, Conflict for another object or an older version of it."""
    metadata.check_type(after, SCALE)
    meta, had = after["metadata"], before["metadata"]
    metadata.check_name(meta, call)
    if meta.get("uid") and meta["uid"] != had.get("uid"):
        raise call.conflict(
            f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {had.get('uid')}"
        )
    if meta.get("resourceVersion") not in (None, "", "0", had.get("resourceVersion")):
        raise call.conflict()
