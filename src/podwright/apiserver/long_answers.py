"""Lists of stored bytes as JSON: written piece by piece, and compressed once a revision.

A list may be megabytes. Put together as one body it would be copied from memory to memory several times before it is
encrypted; pieces stay in the processor's cache, and a client that reads slowly holds up one piece and not the whole.
Called by `front.py`.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Sequence

from aiohttp import web

from podwright.apiserver.context import Call, encode
from podwright.apiserver.handlers.read import Listed, list_metadata
from podwright.apiserver.negotiation import JSON
from podwright.apiserver.responses import COMPRESS_ABOVE, respond, set_headers

PIECE = 256 * 1024
"""Bytes of a piece, at least; the last may have fewer."""
KEPT = 2 * 1024 * 1024
"""Bytes of compressed lists that are kept."""
_FASTEST, _GZIP_FORMAT = 1, 31

Asked = tuple[str, int]
"""Path with query, and the revision that the answer is of: the same bytes for everybody."""


def pieces(call: Call, listed: Listed) -> list[bytes]:
    """The JSON of a page, as pieces that follow each other."""
    resource = call.resource
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": list_metadata(listed)}
    made: list[bytes] = []
    begin = encode(head)[:-1] + b',"items":['
    size, items = 0, []
    for entry in listed.entries:
        items.append(entry.value)
        size += len(entry.value)
        if size >= PIECE:
            made.append(begin + b",".join(items))
            size, items, begin = 0, [], b","
    if not items and made:
        begin = b""
    made.append(begin + b",".join(items) + b"]}")
    return made


class _Pieces(web.StreamResponse):
    """An answer whose length is known and whose body is written piece by piece."""

    def __init__(self, body: Sequence[bytes], *, nothing: bool) -> None:
        """`nothing`: the request was a HEAD, which gets the headers only."""
        super().__init__()
        self.content_length = sum(map(len, body))
        self._parts = () if nothing else body

    async def write_eof(self, data: bytes = b"") -> None:
        """Write what there is; called by the server."""
        for piece in self._parts:
            await self.write(piece)
        await super().write_eof(data)


class LongAnswers:
    """The lists of one server."""

    def __init__(self) -> None:
        self._compressed: OrderedDict[Asked, bytes] = OrderedDict()
        self._size = 0

    async def list_(self, request: web.BaseRequest, call: Call, listed: Listed) -> web.StreamResponse:
        """The answer with a page of a list."""
        if "gzip" in request.headers.get("Accept-Encoding", "") and _size(listed) > COMPRESS_ABOVE:
            return await self._gzipped((request.raw_path, listed.revision), call, listed)
        body = pieces(call, listed)
        if len(body) == 1:
            return respond(body[0], warnings=call.warnings)
        response = _Pieces(body, nothing=request.method == "HEAD")
        set_headers(response, JSON, call.warnings)
        return response

    async def _gzipped(self, asked: Asked, call: Call, listed: Listed) -> web.Response:
        found = self._compressed.get(asked)
        if found is None:
            found = await asyncio.to_thread(_compress, pieces(call, listed))
            self._keep(asked, found)
        response = respond(found, warnings=call.warnings)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return response

    def _keep(self, asked: Asked, compressed: bytes) -> None:
        self._size += len(compressed) - len(self._compressed.pop(asked, b""))
        self._compressed[asked] = compressed
        while self._size > KEPT:
            self._size -= len(self._compressed.popitem(last=False)[1])


def _size(listed: Listed) -> int:
    return sum(len(entry.value) for entry in listed.entries)


def _compress(body: Sequence[bytes]) -> bytes:
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP_FORMAT)
    return b"".join([*(packer.compress(piece) for piece in body), packer.flush()])
