"""Answers: objects, lists, tables and errors in the form that the client accepts.

Called by `front.py`. Stored bytes go out as they are wherever they can.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from podwright.api.errors import StatusError
from podwright.api.objects import Object
from podwright.apiserver import table
from podwright.apiserver.context import Call, Context, encode
from podwright.apiserver.handlers.read import Listed, list_metadata
from podwright.apiserver.negotiation import JSON, YAML, Accepted, Form

COMPRESS_ABOVE = 128 * 1024
"""Bytes; what is shorter is sent as it is."""
_NO_STORE = "no-cache, private"


def quoted_warning(text: str) -> str:
    """A `Warning:` header's value."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return '299 - "{}"'.format(clean.replace("\\", "\\\\").replace('"', '\\"'))


def respond(body: bytes, *, status: int = 200, media_type: str = JSON, warnings: Sequence[str] = ()) -> web.Response:
    """An answer of bytes."""
    response = web.Response(body=body, status=status)
    set_headers(response, media_type, warnings)
    return response


def set_headers(response: web.StreamResponse, media_type: str, warnings: Sequence[str] = ()) -> None:
    """The headers that every answer has."""
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = _NO_STORE
    for text in dict.fromkeys(warnings):
        response.headers.add("Warning", quoted_warning(text))


async def squeezed(response: web.Response, accept_encoding: str) -> web.Response:
    """The answer, compressed when it is large, not compressed yet, and the client asked for that."""
    body = response.body
    if "Content-Encoding" in response.headers:
        return response
    if "gzip" in accept_encoding and isinstance(body, bytes) and len(body) > COMPRESS_ABOVE:
        response.body = await asyncio.to_thread(gzip.compress, body, 1)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


def refusal(error: StatusError) -> web.Response:
    """An error's Status."""
    response = respond(encode(error.status()), status=error.code)
    after = error.details.get("retryAfterSeconds")
    if after:
        response.headers["Retry-After"] = str(after)
    return response


def written(value: Any, accepted: Accepted) -> bytes:
    """A JSON value in the accepted media type."""
    if accepted.media_type == YAML:
        import yaml

        # Through JSON once, so that what YAML sees is plain data without shared parts (which it would alias).
        text: str = yaml.dump(
            msgspec.json.decode(encode(value)), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False
        )
        return text.encode()
    return encode(value)


@dataclass(frozen=True, slots=True)
class View:
    """How a client wants to see objects."""

    accepted: Accepted
    include: str = ""
    """`includeObject` of tables: None, Metadata or Object."""
    headers: bool = True
    """Whether a table names its columns (the first of a watch does)."""


class Renderer:
    """Turns objects of one server into answers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def _table(self, call: Call, items: Sequence[Object], view: View, meta: dict[str, Any] | None = None) -> Object:
        now = self._context.now().timestamp()
        return table.render(
            items,
            call.row,
            now,
            include=view.include or "Metadata",
            list_metadata=meta,
            headers=view.headers,
            version=view.accepted.version,
        )

    def value(self, call: Call, obj: Object, view: View) -> Any:
        """One object in the accepted form."""
        match view.accepted.form:
            case Form.TABLE if obj.get("kind") != "Status":
                version = (obj.get("metadata") or {}).get("resourceVersion")
                return self._table(call, [obj], view, {"resourceVersion": version})
            case Form.METADATA if obj.get("kind") != "Status":
                return table.partial_metadata(obj, view.accepted.version)
            case _:
                return obj

    def one(self, call: Call, obj: Object, view: View, *, raw: bytes | None = None, status: int = 200) -> web.Response:
        """The answer with one object; `raw`: its stored bytes."""
        accepted = view.accepted
        if raw is not None and accepted.plain:
            return respond(raw, status=status, warnings=call.warnings)
        body = written(self.value(call, obj, view), accepted)
        return respond(body, status=status, media_type=accepted.media_type, warnings=call.warnings)

    def list_(self, call: Call, listed: Listed, view: View) -> web.Response:
        """The answer with a page of a list, in another form than stored bytes (those are in `long_answers`)."""
        accepted = view.accepted
        resource, meta = call.resource, list_metadata(listed)
        objects = [self._context.read(call.row, entry) for entry in listed.entries]
        value: Any
        match accepted.form:
            case Form.TABLE:
                value = self._table(call, objects, view, meta)
            case Form.METADATA_LIST | Form.METADATA:
                value = {
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": f"meta.k8s.io/{accepted.version}",
                    "metadata": meta,
                    "items": [table.partial_metadata(o, accepted.version) for o in objects],
                }
            case _:
                value = {
                    "kind": f"{resource.kind}List",
                    "apiVersion": resource.api_version,
                    "metadata": meta,
                    "items": objects,
                }
        return respond(written(value, accepted), media_type=accepted.media_type, warnings=call.warnings)
