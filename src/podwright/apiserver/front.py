"""The HTTP front: one handler for every request, its filters in one visible order.

resolve -> count -> authenticate -> impersonate -> authorize -> dispatch -> Status for whatever went wrong -> count

Called by aiohttp's server, which `server.py` starts. Page: https://kubernetes.io/docs/concepts/security/controlling-access/
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from multidict import MultiDict, MultiMapping

from podwright.admission.interface import User
from podwright.api.errors import BadRequest, InternalError, MethodNotAllowed, NotFound, StatusError, Unauthorized
from podwright.api.objects import Object, uid_of
from podwright.apiserver.absent import not_found
from podwright.apiserver.context import Call, Context, Saved
from podwright.apiserver.filters.authn import ANONYMOUS, ANONYMOUS_PATHS, Authenticator
from podwright.apiserver.filters.authz import Authorizer
from podwright.apiserver.filters.impersonation import impersonated
from podwright.apiserver.filters.metrics import Metrics, long_running
from podwright.apiserver.handlers import change, create, delete, list_options, patch, read, scale
from podwright.apiserver.handlers.conform import FieldValidation, conform, decode_body
from podwright.apiserver.handlers.connect import admit_connection, options_of
from podwright.apiserver.handlers.delete_collection import delete_collection
from podwright.apiserver.long_answers import LongAnswers
from podwright.apiserver.negotiation import Accepted, Form, negotiate
from podwright.apiserver.node_proxy import PROXIED, NodeProxy
from podwright.apiserver.nonresource import NonResources
from podwright.apiserver.ownership import MAX_MANAGER, manager_of_agent
from podwright.apiserver.request import delete_options, dry_run, forced, included, patch_type, read_body
from podwright.apiserver.responses import Renderer, View, quoted_warning, refusal, respond, squeezed, written
from podwright.apiserver.reviews import REVIEW_ROWS, Reviews
from podwright.apiserver.routes import Asked, Table, resolve
from podwright.apiserver.streams import Watches
from podwright.apiserver.subresources import POSTED, Subresources, is_finalize
from podwright.apiserver.timeouts import time_limit, within
from podwright.apiserver.tokens import Tokens
from podwright.apiserver.workload_proxy import PROXIED_WORKLOADS, WorkloadProxy
from podwright.client.interface import PatchType
from podwright.storage.interface import StoreError

log = logging.getLogger(__name__)
_NOTHING: MultiMapping[str] = MultiDict()
_REVIEWS = {row.resource for row in REVIEW_ROWS}
_PARTS = frozenset((("pods", "ephemeralcontainers"), ("pods", "resize")))
"""Subresources that are parts of the object, beside those of the row."""
_HANDED_ON = PROXIED | PROXIED_WORKLOADS
_CREATES_STREAMS = ("exec", "attach", "portforward")


class Front:
    """Answers the HTTP requests of one server."""

    def __init__(
        self,
        context: Context,
        table: Table,
        *,
        tokens: Tokens,
        authenticator: Authenticator,
        authorizer: Authorizer,
        reviews: Reviews,
        subresources: Subresources,
        proxy: NodeProxy,
        workload_proxy: WorkloadProxy,
        others: NonResources,
        metrics: Metrics,
        max_body: int,
    ) -> None:
        self._context = context
        self._table = table
        self._tokens = tokens
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._subresources = subresources
        self._proxy = proxy
        self._workload_proxy = workload_proxy
        self._others = others
        self._metrics = metrics
        self._max_body = max_body
        self._streams: set[asyncio.Task[Any]] = set()
        self._reviews = reviews
        self._renderer = Renderer(context)
        self._lists = LongAnswers()
        self._watches = Watches(context, self._renderer)
        self._verbs: dict[str, Callable[[_Exchange], Awaitable[web.StreamResponse]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def end_streams(self) -> None:
        """End watches and streams, which would go on as long as their clients like."""
        for task in self._streams:
            task.cancel()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; never raises but when the connection has gone."""
        started = time.perf_counter()
        query: MultiMapping[str] = request.query if "?" in request.raw_path else _NOTHING
        asked = resolve(
            request.method, request.path, self._table, watch=query.get("watch", "").lower() in ("1", "true")
        )
        self._metrics.began(asked)
        code, task = 0, asyncio.current_task()
        if task is not None and long_running(asked):
            self._streams.add(task)
        try:
            response = await self._answer(request, asked, query)
            code = response.status
            return response
        finally:
            if task is not None:
                self._streams.discard(task)
            self._metrics.ended(asked, code, time.perf_counter() - started)

    async def _answer(self, request: web.BaseRequest, asked: Asked, query: MultiMapping[str]) -> web.StreamResponse:
        try:
            user = await self._user(request, asked)
            self._authorizer.check(user, asked, query)
            limit = None if long_running(asked) else time_limit(query)
            response = await within(limit, self._dispatch(request, asked, query, user))
        except StatusError as error:
            return refusal(error)
        except StoreError as error:
            log.error("the store refused %s %s: %s", request.method, request.path, error)
            return refusal(InternalError(f"Internal error occurred: {error}"))
        except ConnectionError:
            raise  # nobody is there to be told
        except Exception:
            # What went wrong is ours to know; the client gets a number to ask with.
            number = str(uuid.uuid4())
            log.exception("request %s failed: %s %s", number, request.method, request.path)
            return refusal(InternalError(f"Internal error occurred: see the server's log for request {number}"))
        if isinstance(response, web.Response) and not response.prepared:
            if asked.row is not None and asked.row.deprecated:
                response.headers.add("Warning", quoted_warning(asked.row.deprecated))
            return await squeezed(response, request.headers.get("Accept-Encoding", ""))
        return response

    async def _user(self, request: web.BaseRequest, asked: Asked) -> User:
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        authorization = request.headers.get("Authorization", "")
        if authorization and not self._tokens.loaded:
            await asyncio.to_thread(self._tokens.load)
        user = self._authenticator.authenticate(certificate, authorization)
        if user is None:
            if asked.path not in ANONYMOUS_PATHS:
                raise Unauthorized
            return ANONYMOUS
        return impersonated(user, request.headers, self._authorizer)

    async def _dispatch(
        self, request: web.BaseRequest, asked: Asked, query: MultiMapping[str], user: User
    ) -> web.StreamResponse:
        if not asked.is_resource:
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("the server does not allow this method on the requested resource")
            return await self._others.get(request)
        row = asked.row
        if row is None:
            raise NotFound(not_found(self._table, asked.group, asked.version, asked.plural))
        verb = self._verbs.get(asked.verb)
        namespace = asked.namespace if row.resource.namespaced else ""
        call = Call(row, user, namespace, asked.name, asked.subresource)
        exchange = _Exchange(request, asked, query, call)
        if asked.subresource:
            return await self._subresource(exchange)
        if verb is None or (row.resource in _REVIEWS and asked.verb != "create"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if row.resource.namespaced and not namespace and asked.verb not in ("list", "watch") \
                and row.resource not in _REVIEWS:  # fmt: skip
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        return await verb(exchange)

    async def _subresource(self, exchange: _Exchange) -> web.StreamResponse:
        asked, call = exchange.asked, exchange.call
        pair = (asked.plural, asked.subresource)
        own = call.resource.group == ""
        if own and pair in _HANDED_ON:
            if asked.subresource in _CREATES_STREAMS:
                if exchange.request.method not in ("GET", "POST"):
                    raise MethodNotAllowed("the server does not allow this method on the requested resource")
                # By a WebSocket it is a GET; what it does is not reading.
                self._authorizer.check(call.user, replace(asked, verb="create"), {})
            options = options_of(asked.plural, asked.subresource, asked.rest, exchange.query)
            if options is not None:
                await admit_connection(self._context, call, options)
            proxy = self._workload_proxy if pair in PROXIED_WORKLOADS else self._proxy
            return await proxy.serve(exchange.request, asked)
        if own and pair in POSTED:
            if asked.verb != "create":
                raise MethodNotAllowed("the server does not allow this method on the requested resource")
            obj = await self._posted(exchange)
            answer = await self._subresources.post(call, asked.subresource, obj)
            return respond(self._encoded(exchange, answer), status=201, warnings=call.warnings)
        if asked.subresource not in call.row.subresources and not (own and pair in _PARTS):
            raise NotFound("the server could not find the requested resource")
        if is_finalize(call):
            if asked.verb != "update":
                raise MethodNotAllowed("the server does not allow this method on the requested resource")
            obj = await self._body(exchange)
            return self._one(exchange, Saved(await self._subresources.post(call, "finalize", obj)))
        if asked.verb not in ("get", "update", "patch"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        if scale.is_scale(call):
            return await self._scale(exchange)
        return await self._verbs[asked.verb](exchange)

    async def _scale(self, exchange: _Exchange) -> web.StreamResponse:
        call, inner = exchange.call, scale.as_scale(exchange.call)
        if exchange.asked.verb == "get":
            answer = scale.read_scale(self._context, call)
        elif exchange.asked.verb == "update":
            answer = await scale.update_scale(self._context, call, await self._body(exchange, inner))
        else:
            kind, value, duplicates, validation = await self._patch_body(exchange)
            force = forced(exchange.query, kind)
            answer = await scale.patch_scale(
                self._context, call, kind, value, duplicates=duplicates, validation=validation, force=force
            )
        return self._renderer.one(inner, answer, exchange.view)

    async def _posted(self, exchange: _Exchange) -> Object:
        """The body of a post to a subresource: an object of its own kind, or nothing."""
        exchange.call.dry_run = dry_run(exchange.query)
        body = await read_body(exchange.request, self._max_body)
        if not body.strip():
            return {}
        value, _ = decode_body(body, exchange.content_type, duplicates=False)
        if not isinstance(value, dict):
            raise BadRequest("the object provided is unrecognized: it must be an object")
        return value

    def _encoded(self, exchange: _Exchange, answer: Object) -> bytes:
        return written(answer, Accepted(exchange.accepted.media_type))

    async def _body(self, exchange: _Exchange, call: Call | None = None) -> Object:
        """The object of a create or update, of the published types; `call`: one for another kind."""
        validation = self._options(exchange)
        body = await read_body(exchange.request, self._max_body)
        value, duplicates = decode_body(
            body, exchange.content_type, duplicates=validation is not FieldValidation.IGNORE
        )
        return conform(self._context, call or exchange.call, value, duplicates, validation)

    async def _patch_body(self, exchange: _Exchange) -> tuple[PatchType, Any, Sequence[str], FieldValidation]:
        """A patch, what in it stood twice, and how fields are checked."""
        kind = patch_type(exchange.content_type)
        validation = self._options(exchange)
        body = await read_body(exchange.request, self._max_body)
        media = "application/yaml" if kind is PatchType.APPLY else "application/json"
        value, duplicates = decode_body(body, media, duplicates=validation is not FieldValidation.IGNORE)
        return kind, value, duplicates, validation

    @staticmethod
    def _options(exchange: _Exchange) -> FieldValidation:
        call, query = exchange.call, exchange.query
        call.dry_run = dry_run(query)
        manager = query.get("fieldManager", "")
        if len(manager) > MAX_MANAGER:
            raise BadRequest(f"fieldManager may not be longer than {MAX_MANAGER} characters")
        call.field_manager = manager or (
            "" if exchange.asked.verb == "patch" and exchange.content_type.startswith(PatchType.APPLY.value)
            else manager_of_agent(exchange.request.headers.get("User-Agent", ""))
        )  # fmt: skip
        return FieldValidation.of(query.get("fieldValidation", ""))

    def _one(self, exchange: _Exchange, saved: Saved, status: int = 0) -> web.Response:
        return self._renderer.one(
            exchange.call,
            saved.obj,
            exchange.view,
            raw=saved.raw,
            status=status or (201 if saved.created else 200),
        )

    async def _get(self, exchange: _Exchange) -> web.StreamResponse:
        call, accepted = exchange.call, exchange.accepted
        entry = read.get(self._context, call)
        if accepted.plain and not call.row.same_storage_as:
            return respond(entry.value)
        return self._one(exchange, Saved(self._context.read(call.row, entry)))

    async def _list(self, exchange: _Exchange) -> web.StreamResponse:
        call = exchange.call
        options = list_options.parse(exchange.query, call.row)
        listed = await read.list_(self._context, call, options)
        if exchange.accepted.plain and not call.row.same_storage_as:
            return await self._lists.list_(exchange.request, call, listed)
        return self._renderer.list_(call, listed, exchange.view)

    async def _watch(self, exchange: _Exchange) -> web.StreamResponse:
        call, query = exchange.call, exchange.query
        if call.name:
            query = MultiDict(query)
            query["fieldSelector"] = f"metadata.name={call.name}"
        options = list_options.parse(query, call.row, watch=True)
        if options.send_initial_events:
            await read.reach(self._context, options.revision)
        call.warnings += [call.row.deprecated] if call.row.deprecated else []
        accepted = exchange.accepted
        if accepted.form is Form.METADATA_LIST:
            accepted = Accepted(accepted.media_type, Form.METADATA, accepted.version)
        return await self._watches.serve(exchange.request, call, options, View(accepted, included(query, accepted)))

    async def _create(self, exchange: _Exchange) -> web.StreamResponse:
        call = exchange.call
        if call.name:
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        obj = await self._body(exchange)
        if call.resource in _REVIEWS:
            answer = await self._reviews.answer(call.resource, call.user, obj, call.namespace)
            return self._one(exchange, Saved(answer), 201)
        return self._one(exchange, await create.create(self._context, call, obj))

    async def _update(self, exchange: _Exchange) -> web.StreamResponse:
        self._guard_creation(exchange)
        obj = await self._body(exchange)
        return self._one(exchange, await change.update(self._context, exchange.call, obj))

    def _guard_creation(self, exchange: _Exchange) -> None:
        """To make an object by an update takes the right to create it."""
        call, asked = exchange.call, exchange.asked
        call.on_creation = lambda: self._authorizer.check(call.user, replace(asked, verb="create"), _NOTHING)

    async def _patch(self, exchange: _Exchange) -> web.StreamResponse:
        self._guard_creation(exchange)
        kind, value, duplicates, validation = await self._patch_body(exchange)
        call, force = exchange.call, forced(exchange.query, kind)
        saved = await patch.patch(
            self._context, call, kind, value, duplicates=duplicates, validation=validation, force=force
        )
        return self._one(exchange, saved)

    async def _delete(self, exchange: _Exchange) -> web.StreamResponse:
        call = exchange.call
        body = await read_body(exchange.request, self._max_body)
        options = delete_options(body, exchange.content_type, exchange.query)
        call.dry_run = options.dry_run
        saved = await delete.delete(self._context, call, options)
        if saved.removed and not call.row.strategy.returns_deleted:
            saved = Saved(delete.removed_status(call, uid_of(saved.obj)))
        return self._one(exchange, saved)

    async def _delete_collection(self, exchange: _Exchange) -> web.StreamResponse:
        call, query = exchange.call, exchange.query
        body = await read_body(exchange.request, self._max_body)
        options = delete_options(body, exchange.content_type, query)
        call.dry_run = options.dry_run
        deleted = await delete_collection(self._context, call, list_options.parse(query, call.row), options)
        resource = call.resource
        meta = {"resourceVersion": str(self._context.store.revision)}
        value: dict[str, Any] = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        return respond(self._encoded(exchange, {**value, "metadata": meta, "items": deleted}), warnings=call.warnings)


class _Exchange:
    """One request on its way through a handler."""

    __slots__ = ("asked", "call", "query", "request")

    def __init__(self, request: web.BaseRequest, asked: Asked, query: MultiMapping[str], call: Call) -> None:
        self.request = request
        self.asked = asked
        self.query = query
        self.call = call

    @property
    def accepted(self) -> Accepted:
        """The form of the answer. Raises NotAcceptable."""
        return negotiate(self.request.headers.get("Accept", ""), objects_only=self.call.resource in _REVIEWS)

    @property
    def view(self) -> View:
        """The form of the answer, with what tables are to include. Raises NotAcceptable, Invalid."""
        accepted = self.accepted
        return View(accepted, included(self.query, accepted))

    @property
    def content_type(self) -> str:
        """The body's media type, as sent."""
        return self.request.headers.get("Content-Type", "")
