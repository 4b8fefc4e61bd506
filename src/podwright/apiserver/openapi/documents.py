"""The OpenAPI documents of a server: version 2 whole, version 3 one a group version behind an index.

Called by the front for `/openapi/v2` and `/openapi/v3`. Documents are made in a thread when somebody first asks, and
kept compressed: they are two megabytes of descriptions that most servers are never asked for.
Page: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from podwright.api.objects import Object
from podwright.api.schema.document import VERSION
from podwright.apiserver.openapi.definitions import Definitions, Dialect
from podwright.apiserver.openapi.paths import paths
from podwright.apiserver.openapi.protobuf import encode
from podwright.apiserver.registry.scale import SCALE
from podwright.apiserver.registry.strategy import Row

PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""How the answer is labelled; clients ask with an `@` before the version, which is no character of a media type."""
_JSON = "application/json"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_COMMON = (_META + "DeleteOptions", _META + "Status", _META + "Patch", _META + "WatchEvent")
# What subresources take, by the group version of the resource.
_POSTED = {
    "v1": (
        "io.k8s.api.core.v1.Binding",
        "io.k8s.api.policy.v1.Eviction",
        "io.k8s.api.authentication.v1.TokenRequest",
    )
}


@dataclass(frozen=True, slots=True)
class Document:
    """One answer; `compressed` is its body in gzip."""

    compressed: bytes
    content_type: str
    etag: str
    """Quoted, as the ETag header has it."""

    def body(self) -> bytes:
        """The body for a client that does not accept gzip."""
        return gzip.decompress(self.compressed)


class OpenAPI:
    """The OpenAPI documents of one server.

    `rows` are the stored resources, `create_only` those that can only be posted (reviews).
    """

    def __init__(self, rows: Sequence[Row], create_only: Sequence[Row] = ()) -> None:
        self._rows: dict[str, tuple[list[Row], list[Row]]] = {}
        for row in (*rows, *create_only):
            stored, posted = self._rows.setdefault(row.resource.api_version, ([], []))
            (posted if row in create_only else stored).append(row)
        self._documents: dict[str, Document] = {}
        self._lock = threading.Lock()

    async def answer(self, path: str, accept: str) -> Document | None:
        """The document at `path`; None when there is none.

        Raises FileNotFoundError when the published schema is not installed.
        """
        name = path.strip("/").removeprefix("openapi/")
        if name == "v2":
            name = PROTOBUF if _wants_protobuf(accept) else name
        elif name != "v3" and _group_version(name) not in self._rows:
            return None
        found = self._documents.get(name)
        return found or await asyncio.to_thread(self._made, name)

    def _made(self, name: str) -> Document:
        with self._lock:
            if name not in self._documents:
                if name in ("v2", PROTOBUF):
                    self._make_v2()
                else:
                    self._make_v3()
            return self._documents[name]

    def _make_v2(self) -> None:
        definitions = Definitions()
        stored = [row for rows, _ in self._rows.values() for row in rows]
        posted = [row for _, rows in self._rows.values() for row in rows]
        keys = {key for api_version in self._rows for key in self._keys(api_version, definitions)}
        document = {
            "swagger": "2.0",
            "info": _info(),
            "paths": paths(stored, posted, list(keys), Dialect.V2),
            "definitions": definitions.written(keys, Dialect.V2),
        }
        self._documents["v2"] = _document(msgspec.json.encode(document), _JSON)
        self._documents[PROTOBUF] = _document(encode(document), PROTOBUF)

    def _make_v3(self) -> None:
        definitions = Definitions()
        index = {}
        for api_version, (stored, posted) in self._rows.items():
            keys = self._keys(api_version, definitions)
            document = {
                "openapi": "3.0.0",
                "info": _info(),
                "paths": paths(stored, posted, keys, Dialect.V3),
                "components": {"schemas": definitions.written(keys, Dialect.V3)},
            }
            place = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
            made = _document(msgspec.json.encode(document), _JSON)
            self._documents[f"v3/{place}"] = made
            index[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={made.etag.strip(chr(34))}"}
        self._documents["v3"] = _document(msgspec.json.encode({"paths": index}), _JSON)

    def _keys(self, api_version: str, definitions: Definitions) -> list[str]:
        stored, posted = self._rows[api_version]
        kinds = [row.schema for row in (*stored, *posted)]
        lists = [f"{row.schema}List" for row in stored if f"{row.schema}List" in definitions]
        lists += [SCALE.schema] if any("scale" in row.subresources for row in stored) else []
        return [*kinds, *lists, *_COMMON, *_POSTED.get(api_version, ())]


def _info() -> Object:
    return {"title": "Kubernetes", "version": VERSION}


def _document(body: bytes, content_type: str) -> Document:
    digest = hashlib.sha256(body).hexdigest().upper()
    return Document(gzip.compress(body, 5, mtime=0), content_type, f'"{digest}"')


def _group_version(name: str) -> str:
    """`v1` of `v3/api/v1`, `apps/v1` of `v3/apis/apps/v1`, "" of anything else."""
    match name.split("/"):
        case ["v3", "api", version]:
            return version
        case ["v3", "apis", group, version]:
            return f"{group}/{version}"
        case _:
            return ""


def _wants_protobuf(accept: str) -> bool:
    first = accept.partition(",")[0].partition(";")[0].strip()
    return first in (PROTOBUF, PROTOBUF.replace(".v1.0", "@v1.0"))
