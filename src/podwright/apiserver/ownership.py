"""metadata.managedFields for every write, and server-side apply, with the published schema.

The thin side of `patch/managed_fields.py` and `patch/apply.py`, which decide. Called by the create and change handlers.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import datetime

from podwright.api.errors import BadRequest
from podwright.api.objects import Object
from podwright.api.schema import Schema
from podwright.api.schema.node import Node
from podwright.apiserver.alike import Alike
from podwright.apiserver.context import Call
from podwright.apiserver.patch import apply as server_side
from podwright.apiserver.patch.comparison import created
from podwright.apiserver.patch.errors import PatchError
from podwright.apiserver.patch.field_set import FieldSet
from podwright.apiserver.patch.managed_fields import record_update

MAX_MANAGER = 128
"""Characters of a field manager's name."""
_RESET: dict[str, FieldSet] = {"": {"f:status": {}}, "status": {"f:spec": {}}}
"""By subresource: what an apply through it may name and does not change, where status has an endpoint of its own."""


def manager_of_agent(user_agent: str) -> str:
    """The field manager of a client that names none: the first word of its User-Agent."""
    return user_agent.partition("/")[0][:MAX_MANAGER]


class SchemaOwnership:
    """`context.FieldOwnership` by the schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._alike: Alike[FieldSet] = Alike()

    def track(self, call: Call, obj: Object, old: Object | None, now: datetime.datetime) -> None:
        """See `FieldOwnership.track`."""
        record_update(
            old,
            obj,
            call.field_manager or "unknown",
            subresource=call.subresource,
            api_version=call.resource.api_version,
            now=now,
            schema=self._schema,
            key=call.row.schema,
            created_by=self._created_alike if call.row.strategy.made_from_templates else created,
        )

    def _created_alike(self, obj: Object, node: Node) -> FieldSet:
        return self._alike.of(obj, lambda: created(obj, node))

    def apply(self, call: Call, live: Object | None, wanted: Object, force: bool, now: datetime.datetime) -> Object:
        """See `FieldOwnership.apply`."""
        try:
            return server_side.apply(
                live,
                wanted,
                call.field_manager,
                force,
                api_version=call.resource.api_version,
                now=now,
                schema=self._schema,
                key=call.row.schema,
                subresource=call.subresource,
                ignored=_RESET.get(call.subresource) if call.row.strategy.status_subresource else None,
            )
        except PatchError as error:
            raise BadRequest(error.message) from None
