"""Paths that are no resources: version, health, metrics, discovery, OpenAPI.

Called by `front.py` once the user may see the path.
Page: https://kubernetes.io/docs/reference/using-api/health-checks/
"""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable, Mapping
from email.utils import format_datetime

from aiohttp import web

from podwright import __version__
from podwright.api.clock import utc_now
from podwright.api.errors import NotFound
from podwright.apiserver.absent import not_found
from podwright.apiserver.context import encode
from podwright.apiserver.discovery import Discovery, Document
from podwright.apiserver.filters.metrics import Metrics
from podwright.apiserver.issuer import Issuer
from podwright.apiserver.openapi.documents import Document as Described
from podwright.apiserver.openapi.documents import OpenAPI
from podwright.apiserver.responses import respond

KUBERNETES_VERSION = (1, 36, 0)
"""The version of the API that is served."""
_YEAR = datetime.timedelta(days=365)
_HEALTH = ("healthz", "livez", "readyz")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
Check = Callable[[], str]
"""Says what is wrong, "" when nothing is."""


def version_info() -> dict[str, str]:
    """/version"""
    major, minor, patch = KUBERNETES_VERSION
    machine = platform.machine()
    return {
        "major": str(major),
        "minor": str(minor),
        "gitVersion": f"v{major}.{minor}.{patch}+podwright.{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{_MACHINES.get(machine, machine)}",
    }


def health(kind: str, checks: Mapping[str, Check], path: str, verbose: bool, excluded: frozenset[str]) -> web.Response:
    """/healthz, /livez, /readyz and one check below them (`/readyz/etcd`). Raises NotFound for no such check."""
    single = path.removeprefix(f"/{kind}").strip("/")
    if single:
        if single not in checks:
            raise NotFound(f"the server could not find the requested resource ({path})")
        checks = {single: checks[single]}
    lines, failed = [], []
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
            continue
        problem = check()
        lines.append(f"[-]{name} failed: {problem}" if problem else f"[+]{name} ok")
        if problem:
            failed.append(name)
    if unknown := sorted(excluded.difference(checks)):
        names = ", ".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    if failed:
        text = "\n".join([*lines, f"{kind} check failed", ""])
        return respond(text.encode(), status=500, media_type="text/plain; charset=utf-8")
    text = "\n".join([*lines, f"{kind} check passed", ""]) if verbose else "ok"
    return respond(text.encode(), media_type="text/plain; charset=utf-8")


class NonResources:
    """The paths of one server that are no resources."""

    def __init__(self, metrics: Metrics, checks: Mapping[str, Check]) -> None:
        self._metrics = metrics
        self._checks = checks
        self._discovery: Discovery | None = None
        self._openapi: OpenAPI | None = None
        self._issuer: Issuer | None = None
        self._version = encode(version_info())

    def describe(self, discovery: Discovery, openapi: OpenAPI, issuer: Issuer) -> None:
        """Serve what is served, of which types it is, and who signs tokens."""
        self._discovery, self._openapi, self._issuer = discovery, openapi, issuer

    async def get(self, request: web.BaseRequest) -> web.Response:
        """The answer to a GET. Raises NotFound."""
        path = request.path
        kind = path.split("/")[1]
        if kind in _HEALTH:
            query = request.query
            return health(kind, self._checks, path, "verbose" in query, frozenset(query.getall("exclude", [])))
        if path.rstrip("/") == "/version":
            return respond(self._version)
        if path == "/metrics":
            return respond(self._metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
        if kind in (".well-known", "openid") and self._issuer is not None:
            told = await self._issuer.answer(path)
            if told is not None:
                return told
        if path == "/":
            return respond(encode({"paths": self._paths()}))
        accept = request.headers.get("Accept", "")
        if kind == "openapi" and self._openapi is not None:
            described = await self._openapi.answer(path, accept)
            if described is not None:
                return _compressed(request, described)
        elif self._discovery is not None:
            document = self._discovery.answer(path, accept)
            if document is not None:
                return _conditional(request, document)
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        raise NotFound(not_found({}, group))

    def _paths(self) -> list[str]:
        """What can be read, for who looks around; resources have documents of their own."""
        health = [f"/{kind}{below}" for kind in _HEALTH for below in ("", *(f"/{check}" for check in self._checks))]
        issuer = ("/.well-known/openid-configuration", "/openid/v1/jwks")
        found = [*health, *issuer, "/metrics", "/openapi/v2", "/openapi/v3", "/version"]
        return sorted([*found, *(self._discovery.paths() if self._discovery else ())])


def _compressed(request: web.BaseRequest, document: Described) -> web.Response:
    """The document. One that is asked for by its hash, as the index does, need never be asked for again."""
    asked, found = request.query.get("hash", ""), document.etag.strip('"')
    if asked and asked != found:
        return web.Response(status=301, headers={"Location": f"{request.path}?hash={found}"})
    kept = "public, immutable" if asked else "no-cache, private"
    headers = {"ETag": document.etag, "Cache-Control": kept, "Vary": "Accept, Accept-Encoding"}
    if asked:
        headers["Expires"] = format_datetime(utc_now() + _YEAR, usegmt=True)
    if request.headers.get("If-None-Match") == document.etag:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = document.content_type
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=document.compressed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=document.body(), headers=headers)


def _conditional(request: web.BaseRequest, document: Document) -> web.Response:
    """The document, or 304 for a client that has it already."""
    headers = {"ETag": document.etag, "Cache-Control": "public", "Vary": "Accept"}
    if request.headers.get("If-None-Match") == document.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=document.body, headers={**headers, "Content-Type": document.content_type})
