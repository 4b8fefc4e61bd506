"""Delete of everything that a list would show.

Page: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from podwright.api.errors import MethodNotAllowed, NotFound
from podwright.api.objects import Object
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers.delete import delete
from podwright.apiserver.handlers.list_options import ListOptions
from podwright.apiserver.handlers.read import list_
from podwright.client.interface import DeleteOptions

_AT_ONCE = 50


async def delete_collection(
    context: Context, call: Call, listing: ListOptions, options: DeleteOptions
) -> Sequence[Object]:
    """Delete what `listing` selects; the objects as the deletes left them. Raises StatusError of the first refusal."""
    if call.resource.plural == "namespaces" and not call.resource.group:
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    listed = await list_(context, call, listing)
    deleted: list[Object] = []

    async def one(name: str) -> None:
        single = dataclasses.replace(call, name=name)
        try:
            deleted.append((await delete(context, single, options)).obj)
        except NotFound:
            return  # somebody else was faster

    names = [entry.key.rpartition("/")[2] for entry in listed.entries]
    for start in range(0, len(names), _AT_ONCE):
        await asyncio.gather(*(one(name) for name in names[start : start + _AT_ONCE]))
    return deleted
