"""From a question as bytes to an answer as bytes: the cluster's names at once, everything else by asking upstream.

Called by `server`, which knows how messages come and go.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable

from podwright.dns.directory import Directory
from podwright.dns.records import Answer, Zone, answer
from podwright.dns.upstream import Forwarder, Unreachable
from podwright.dns.wire import (
    Malformed,
    Name,
    Query,
    Rcode,
    Record,
    Type,
    failure,
    parse_answers,
    query_bytes,
    response,
    rotated,
    shortened,
)

log = logging.getLogger(__name__)

_LONGEST_CHAIN = 8
"""Names after names that an ExternalName may lead through."""


class Resolver:
    """Answers questions about `zone` from the directory, all others through `upstream`."""

    def __init__(self, zone: Zone, directory: Directory, upstream: Forwarder) -> None:
        self._zone = zone
        self._directory = directory
        self._upstream = upstream
        self.ready = False
        """Whether the directory is complete; before that it says "later" rather than "no"."""

    def answer(self, query: Query, message: bytes, *, tcp: bool) -> bytes | Awaitable[bytes]:
        """The answer to `query`, which came as `message`; something to wait for when others have to be asked."""
        room = 65535 if tcp else query.room
        try:
            found = answer(self._zone, query.name, query.type, self._directory)
        except ValueError as error:
            # An object that the API server should not have let in.
            log.warning("%s: %s", ".".join(query.name), error)
            return failure(query, Rcode.SERVER_FAILURE)
        if found is None:
            return self._forward(query, message, tcp=tcp)
        if not self.ready:
            return failure(query, Rcode.SERVER_FAILURE)
        if found.follow is not None and query.type not in (Type.CNAME, Type.ANY):
            return self._follow(query, found, room)
        return self._pack(query, found.rcode, found, room)

    def _pack(self, query: Query, rcode: Rcode, found: Answer, room: int) -> bytes:
        records = rotated(found.records, random.randrange(len(found.records)) if len(found.records) > 1 else 0)
        negative = [] if records else [self._zone.negative()]
        return response(query, rcode, records, negative, found.additional, room=room)

    async def _forward(self, query: Query, message: bytes, *, tcp: bool) -> bytes:
        try:
            found = await self._upstream.ask(message, tcp=tcp)
        except Unreachable as error:
            log.info("%s: %s", ".".join(query.name), error)
            return failure(query, Rcode.SERVER_FAILURE)
        return found if tcp else shortened(query, found)

    async def _follow(self, query: Query, found: Answer, room: int) -> bytes:
        """The whole chain in one answer: the resolvers in Pods do not ask again for the name it leads to."""
        records = list(found.records)
        rcode, target = Rcode.OK, found.follow
        for _ in range(_LONGEST_CHAIN):
            if target is None:
                break
            own = answer(self._zone, target, query.type, self._directory)
            if own is None:
                rcode, more = await self._outside(target, query.type)
                records += more
                break
            records += own.records
            rcode, target = own.rcode, own.follow
        else:
            rcode = Rcode.SERVER_FAILURE
        return response(query, rcode, records, room=room)

    async def _outside(self, name: Name, type_: int) -> tuple[Rcode, list[Record]]:
        question = query_bytes(0, name, type_)
        try:
            return parse_answers(await self._upstream.ask(question))
        except (Unreachable, Malformed) as error:
            log.info("%s: %s", ".".join(name), error)
            return Rcode.SERVER_FAILURE, []
