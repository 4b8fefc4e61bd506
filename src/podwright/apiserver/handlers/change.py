"""Change: what update, patch and the subresources that write have in common.

A caller gives a function from the stored object to the wanted one; this module carries it through defaults,
admission, validation and optimistic concurrency, and removes an object whose last finalizer has gone.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import Invalid, StatusError
from podwright.api.field import Path, invalid
from podwright.api.objects import Object, copy_object
from podwright.apiserver.context import Call, Claim, Context, Saved, durable, whole
from podwright.apiserver.handlers import admitted, metadata
from podwright.apiserver.registry.strategy import Row
from podwright.storage.interface import Entry, KeyMissing, RevisionConflict, StoreError

Change = Callable[[Object], Any]
"""From the stored object (shared, not to be changed) to a fresh object as it should be."""

PATCH_TRIES = 5
UPDATE_TRIES = 20


async def change(context: Context, call: Call, wanted: Change, *, tries: int = PATCH_TRIES) -> Saved:
    """Store what `wanted` makes of the object. Raises NotFound, Conflict and whatever validation finds."""
    for _ in range(tries):
        entry = context.entry(call.row, call.namespace, call.name)
        if entry is None:
            raise call.not_found()
        old = context.read(call.row, entry)
        new = wanted(old)
        try:
            return await _write(context, call, entry, old, new)
        except RevisionConflict:
            continue
        except KeyMissing:
            raise call.not_found() from None
    raise call.conflict()


async def update(context: Context, call: Call, obj: Any) -> Saved:
    """PUT: replace the object by `obj` (which becomes the server's). Raises StatusError."""
    row = call.row
    metadata.check_type(obj, row)
    meta = obj["metadata"]
    metadata.place(meta, call)
    metadata.check_name(meta, call)
    given = meta.get("resourceVersion") or ""
    creates = row.strategy.allow_create_on_update and not call.subresource
    if creates and context.entry(row, call.namespace, call.name) is None:
        from podwright.apiserver.handlers.create import create

        meta.pop("resourceVersion", None)
        if call.on_creation is not None:
            call.on_creation()
        return await create(context, call, obj)
    if given in ("", "0") and not row.strategy.allow_unconditional_update:
        wrong = invalid(Path("metadata.resourceVersion"), 0, "must be specified for an update")
        raise Invalid.of(call.resource.kind, call.name, [wrong], group=call.resource.group)

    def wanted(old: Object) -> Object:
        if given not in ("", "0") and given != old["metadata"]["resourceVersion"]:
            raise call.conflict()
        return copy_object(obj) if not given else {**obj, "metadata": dict(meta)}

    return await change(context, call, wanted, tries=UPDATE_TRIES)


def removable(obj: Object, row: Row) -> bool:
    """Whether nothing keeps an object in the store that has been deleted and has no grace left."""
    meta = obj["metadata"]
    return (
        bool(meta.get("deletionTimestamp"))
        and not meta.get("deletionGracePeriodSeconds")
        and not meta.get("finalizers")
        and not row.strategy.holds_removal(obj)
    )


async def _write(context: Context, call: Call, entry: Entry, old: Object, new: Any) -> Saved:
    row, strategy = call.row, call.row.strategy
    metadata.check_type(new, row)
    meta = new["metadata"]
    metadata.place(meta, call)
    metadata.check_name(meta, call)
    metadata.carry_over(meta, old["metadata"], call)

    strategy.carry_over(new, old)
    strategy.default(new)
    strategy.prepare_for_update(new, old, call.subresource)
    if not call.applying:
        context.ownership.track(call, new, old, context.now())
    attributes = Attributes(
        Operation.UPDATE,
        call.resource,
        call.user,
        namespace=call.namespace if call.resource.namespaced else "",
        name=call.name,
        subresource=call.subresource,
        obj=new,
        old=old,
        options={"fieldManager": call.field_manager},
        dry_run=call.dry_run,
        warnings=call.warnings,
        patched=partial(admitted.changed, context, call, old),
    )
    await context.admission.admit(attributes)
    strategy.default(new)
    meta = new["metadata"]
    if strategy.has_generation and metadata.spec_changed(new, old):
        meta["generation"] = (old["metadata"].get("generation") or 0) + 1
    errors = metadata.errors_of(meta, row) + metadata.update_errors(meta, old["metadata"])
    errors += strategy.validate_update(new, old, call.subresource)
    if errors:
        raise Invalid.of(call.resource.kind, call.name, errors, group=call.resource.group)
    await context.admission.validate(attributes)
    if not call.subresource:
        call.warnings += strategy.warnings(new, old)
    if new == old:
        return Saved(old, None if row.same_storage_as else entry.value)
    return await commit(context, call, entry, old, new)


async def commit(context: Context, call: Call, entry: Entry, old: Object, new: Object) -> Saved:
    """Write `new` over `entry`, or remove it if nothing holds it any more. Raises KeyMissing, RevisionConflict."""
    if removable(new, call.row):
        return await remove(context, call, entry, new)
    allocator = context.allocators.get(call.resource)
    if allocator is None:
        return await _replace(context, call, entry, new)
    return await whole(_replace(context, call, entry, new, allocator.claim(new, old)))


async def _replace(context: Context, call: Call, entry: Entry, new: Object, claim: Claim | None = None) -> Saved:
    row = call.row
    if call.dry_run:
        if claim:
            claim.release()
        return Saved(new)
    stored = row.strategy.to_storage(new) if row.same_storage_as else new
    try:
        written = await durable(context.store.update(entry.key, entry.revision, context.encoder(stored)))
    except (StoreError, StatusError):
        if claim:
            claim.release()
        raise
    if claim:
        claim.commit()
    context.decoded.drop(entry.revision)
    return Saved(context.view(row, stored), None if row.same_storage_as else written.value)


async def remove(context: Context, call: Call, entry: Entry, final: Object) -> Saved:
    """Take an object out of the store; `final` is what its watchers see last (given the deletion's revision).

    Raises KeyMissing, RevisionConflict.
    """
    if call.dry_run:
        return Saved(final, removed=True)
    allocator = context.allocators.get(call.resource)
    removal = _remove(context, call, entry, final)
    return await (removal if allocator is None else whole(removal))


async def _remove(context: Context, call: Call, entry: Entry, final: Object) -> Saved:
    row = call.row
    stored = row.strategy.to_storage(final) if row.same_storage_as else final
    await durable(context.store.delete(entry.key, entry.revision, context.encoder(stored)))
    context.decoded.drop(entry.revision)
    allocator = context.allocators.get(call.resource)
    if allocator:
        allocator.forget(final)
    return Saved(context.view(row, stored), removed=True)
