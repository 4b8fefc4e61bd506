"""What admission is told of a write, and what a webhook may make of its object.

Called by the handlers that write. A patch that comes from a webhook is trusted no more than a client's: its result is
checked against the published types, what only the server sets stays, and where a part of the object is written
(status), only that part changes. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
"""

from __future__ import annotations

from typing import Any, Final

from podwright.api.errors import InternalError
from podwright.api.objects import Object
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers import metadata
from podwright.apiserver.handlers.conform import FieldValidation, conform
from podwright.apiserver.patch import json_patch
from podwright.apiserver.patch.errors import PatchError
from podwright.client.interface import DeleteOptions

_SERVERS: Final = (
    "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion",
    "selfLink", "managedFields",
)  # fmt: skip
"""Fields of metadata that no plugin sets."""


def created(context: Context, call: Call, obj: Object, operations: Any) -> Object:
    """A new object after a JSON patch. Raises InternalError, BadRequest."""
    new = _patched(context, call, obj, operations)
    metadata.place(new["metadata"], call)
    call.row.strategy.default(new)
    return new


def changed(context: Context, call: Call, old: Object, obj: Object, operations: Any) -> Object:
    """A changed object (`old` is the stored one) after a JSON patch. Raises InternalError, BadRequest."""
    new = _patched(context, call, obj, operations)
    metadata.place(new["metadata"], call)
    metadata.check_name(new["metadata"], call)
    call.row.strategy.default(new)
    call.row.strategy.prepare_for_update(new, old, call.subresource)
    return new


def _patched(context: Context, call: Call, obj: Object, operations: Any) -> Object:
    try:
        new = json_patch.apply(obj, operations)
    except PatchError as error:
        raise InternalError(f"Internal error occurred: {error.message}") from None
    new = conform(context, call, new, (), FieldValidation.IGNORE)
    metadata.check_type(new, call.row)
    for field in _SERVERS:
        if field in obj["metadata"]:
            new["metadata"][field] = obj["metadata"][field]
        else:
            new["metadata"].pop(field, None)
    return new


def delete_options(options: DeleteOptions) -> dict[str, Any]:
    """The options of a delete as a webhook sees them."""
    preconditions = {"uid": options.uid, "resourceVersion": options.resource_version}
    given = {
        "gracePeriodSeconds": options.grace_period_seconds,
        "preconditions": {key: value for key, value in preconditions.items() if value},
        "propagationPolicy": options.propagation_policy,
    }
    return {key: value for key, value in given.items() if value not in (None, "", {})}
