"""Delete: at once, gracefully, or held by finalizers.

`decide` is pure; `delete` carries it out and tries again when the object changes meanwhile.
Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and
https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
"""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import Invalid
from podwright.api.field import Path, invalid, not_supported
from podwright.api.objects import Object, copy_object, parse_time, rfc3339
from podwright.apiserver.context import Call, Context, Saved
from podwright.apiserver.handlers.admitted import delete_options
from podwright.apiserver.handlers.change import commit, remove
from podwright.apiserver.registry.strategy import Row
from podwright.client.interface import DeleteOptions
from podwright.storage.interface import KeyMissing, RevisionConflict

_TRIES = 20
_POLICY_FINALIZERS = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}


class Step(enum.Enum):
    """What a delete does to the object that is there."""

    REMOVE = "remove"
    MARK = "mark"
    """Write the changed object: it is being deleted."""
    LEAVE = "leave"
    """It is being deleted already, and no faster."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, and the object as it is to be written (or shown last)."""

    step: Step
    obj: Object


def check_options(options: DeleteOptions) -> None:
    """Raises Invalid for options that mean nothing."""
    policy = options.propagation_policy
    errors = []
    if policy not in ("", "Background", *_POLICY_FINALIZERS):
        errors.append(not_supported(Path("propagationPolicy"), policy, ("Foreground", "Background", "Orphan", "nil")))
    if errors:
        raise Invalid.of("DeleteOptions", "", errors, group="meta.k8s.io")


def _check_preconditions(call: Call, meta: dict[str, Any], options: DeleteOptions) -> None:
    if options.uid and options.uid != meta.get("uid"):
        raise call.conflict(
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta.get('uid')}). "
            "The object might have been deleted and then recreated"
        )
    version = options.resource_version
    if version and version != meta.get("resourceVersion"):
        raise call.conflict(
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            f"({meta.get('resourceVersion')}). The object might have been modified"
        )


def _finalizers(meta: dict[str, Any], policy: str) -> list[str]:
    """The finalizers after a propagation policy: orphan and foreground exclude each other; "" keeps what is there."""
    have = list(meta.get("finalizers") or ())
    if not policy:
        return have
    kept = [f for f in have if f not in _POLICY_FINALIZERS.values()]
    wanted = _POLICY_FINALIZERS.get(policy)
    return [*kept, wanted] if wanted else kept


def _chosen(meta: dict[str, Any]) -> bool:
    """Whether an earlier delete has said what becomes of the dependents."""
    return any(finalizer in _POLICY_FINALIZERS.values() for finalizer in meta.get("finalizers") or ())


def decide(obj: Object, row: Row, options: DeleteOptions, now: datetime.datetime) -> Decision:
    """How the delete of `obj` (not changed) goes on at `now`."""
    new = copy_object(obj)
    meta = new["metadata"]
    policy = options.propagation_policy
    if not policy and row.strategy.orphans_by_default and not _chosen(meta):
        policy = "Orphan"
    finalizers = _finalizers(meta, policy)
    finalizers_changed = finalizers != (meta.get("finalizers") or [])
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)

    requested = options.grace_period_seconds
    deletion = row.strategy.deletion(obj, requested)
    grace = max(deletion.grace_period_seconds, 0) if deletion.graceful else 0
    if requested is not None and requested < 0 and deletion.graceful:
        grace = 1  # a negative grace period means the shortest, as upstream takes it
    marked = bool(meta.get("deletionTimestamp"))
    if marked:
        left = meta.get("deletionGracePeriodSeconds") or 0
        if requested is None or grace >= left:
            grace = left
        shorter = grace < left
        if shorter:
            began = parse_time(meta["deletionTimestamp"]) - datetime.timedelta(seconds=left)
            meta["deletionTimestamp"] = rfc3339(began + datetime.timedelta(seconds=grace))
            meta["deletionGracePeriodSeconds"] = grace
        changed = shorter or finalizers_changed
    else:
        meta["deletionTimestamp"] = rfc3339(now + datetime.timedelta(seconds=grace))
        meta["deletionGracePeriodSeconds"] = grace
        if meta.get("generation"):
            meta["generation"] += 1
        row.strategy.mark_deleted(new)
        changed = True
    if grace == 0 and not finalizers and not row.strategy.holds_removal(new):
        # What goes at once was never "being deleted": its watchers see it as it was.
        return Decision(Step.REMOVE, new if marked or deletion.graceful else copy_object(obj))
    return Decision(Step.MARK if changed else Step.LEAVE, new)


async def delete(context: Context, call: Call, options: DeleteOptions) -> Saved:
    """Delete the object of this call; `removed` tells whether it is gone. Raises StatusError."""
    check_options(options)
    row = call.row
    call.warnings += row.strategy.deletion_warnings(options.propagation_policy)
    for _ in range(_TRIES):
        entry = context.entry(row, call.namespace, call.name)
        if entry is None:
            raise call.not_found()
        old = context.read(row, entry)
        _check_preconditions(call, old["metadata"], options)
        attributes = Attributes(
            Operation.DELETE,
            call.resource,
            call.user,
            namespace=call.namespace if call.resource.namespaced else "",
            name=call.name,
            old=old,
            options=delete_options(options),
            dry_run=call.dry_run,
            warnings=call.warnings,
        )
        await context.admission.admit(attributes)
        await context.admission.validate(attributes)
        decision = decide(old, row, options, context.now())
        try:
            match decision.step:
                case Step.LEAVE:
                    return Saved(old)
                case Step.REMOVE:
                    return await remove(context, call, entry, decision.obj)
                case Step.MARK:
                    return await commit(context, call, entry, old, decision.obj)
        except RevisionConflict:
            continue
        except KeyMissing:
            raise call.not_found() from None
    raise call.conflict()


def removed_status(call: Call, uid: str) -> Object:
    """The Status that answers a delete which removed the object."""
    details: dict[str, Any] = {"name": call.name, "kind": call.resource.plural, "uid": uid}
    if call.resource.group:
        details["group"] = call.resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def invalid_grace(value: Any) -> Invalid:
    """The answer to a gracePeriodSeconds that is no integer."""
    wrong = invalid(Path("gracePeriodSeconds"), value, "must be an integer")
    return Invalid.of("DeleteOptions", "", [wrong], group="meta.k8s.io")
