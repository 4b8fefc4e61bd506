"""Create: from the object as sent to one more revision in the store.

decode (by the caller) -> namespace and name -> defaults -> mutating admission -> defaults -> the resource's own
preparation and validation -> validating admission -> addresses -> store.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import AlreadyExists, Invalid, StatusError
from podwright.api.objects import Object
from podwright.apiserver.context import Call, Claim, Context, Saved, durable, whole
from podwright.apiserver.handlers import admitted, metadata
from podwright.storage.interface import KeyExists, StoreError

_NAME_TRIES = 8
_SUFFIXES = random.SystemRandom()


async def create(context: Context, call: Call, obj: Any) -> Saved:
    """Create `obj` (which becomes the server's). Raises StatusError."""
    row, strategy = call.row, call.row.strategy
    metadata.check_type(obj, row)
    meta: dict[str, Any] = obj["metadata"]
    metadata.place(meta, call)
    prefix = "" if meta.get("name") else meta.get("generateName") or ""
    if prefix:
        meta["name"] = metadata.generated_name(prefix, _SUFFIXES)
    name = meta.get("name") or ""
    if not prefix and name and not call.dry_run and context.entry(row, call.namespace, name) is not None:
        raise _taken(call, name)
    metadata.stamp_new(meta, context.now())

    strategy.default(obj)
    if not call.applying:
        # Before admission: what a plugin adds is nobody's, so that nobody's next apply takes it away.
        context.ownership.track(call, obj, None, context.now())
    attributes = Attributes(
        Operation.CREATE,
        call.resource,
        call.user,
        namespace=call.namespace if call.resource.namespaced else "",
        name=name,
        obj=obj,
        options={"fieldManager": call.field_manager},
        dry_run=call.dry_run,
        warnings=call.warnings,
        patched=partial(admitted.created, context, call),
    )
    await context.admission.admit(attributes)
    strategy.default(obj)
    strategy.prepare_for_create(obj)
    meta = obj["metadata"]
    if strategy.has_generation:
        meta["generation"] = 1
    errors = metadata.errors_of(meta, row) + list(strategy.validate(obj))
    if errors:
        raise Invalid.of(call.resource.kind, prefix or name, errors, group=call.resource.group)
    await context.admission.validate(attributes)
    call.warnings += strategy.warnings(obj, None)

    allocator = context.allocators.get(call.resource)
    if allocator is None:
        return await _store(context, call, obj, prefix)
    return await whole(_store_claimed(context, call, obj, prefix, allocator.claim(obj, None)))


async def _store_claimed(context: Context, call: Call, obj: Object, prefix: str, claim: Claim) -> Saved:
    try:
        saved = await _store(context, call, obj, prefix)
    except (StoreError, StatusError):
        claim.release()
        raise
    _settle(claim, call)
    return saved


def _settle(claim: Claim, call: Call) -> None:
    if call.dry_run:
        claim.release()
    else:
        claim.commit()


async def _store(context: Context, call: Call, obj: Object, prefix: str) -> Saved:
    row, meta = call.row, obj["metadata"]
    for attempt in range(_NAME_TRIES):
        if attempt:
            meta["name"] = metadata.generated_name(prefix, _SUFFIXES)
        key = context.key(row, call.namespace, meta["name"])
        if call.dry_run:
            if context.store.get(key) is None:
                return Saved(obj, created=True)
        else:
            stored = row.strategy.to_storage(obj) if row.same_storage_as else obj
            try:
                entry = await durable(context.store.create(key, context.encoder(stored)))
            except KeyExists:
                pass
            else:
                return Saved(context.view(row, stored), None if row.same_storage_as else entry.value, created=True)
        if not prefix:
            break
    raise _taken(call, meta["name"])


def _taken(call: Call, name: str) -> AlreadyExists:
    return AlreadyExists.of(call.resource.plural, name, group=call.resource.group)
