"""One question to one webhook, from its selectors to its checked answer.

Called by the two plugins. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from podwright.admission.audit import annotate
from podwright.admission.interface import Attributes
from podwright.admission.webhooks.caller import Caller, PostFailed
from podwright.admission.webhooks.counts import Asked, Counts
from podwright.admission.webhooks.endpoint import Endpoint, NoEndpoint, endpoint_of, service_of
from podwright.admission.webhooks.index import Kind
from podwright.admission.webhooks.refusals import CallFailed, denied, dry_run_unsupported, unreachable
from podwright.admission.webhooks.review import Answer, BadAnswer, answer_of, operations_of, review_of
from podwright.admission.webhooks.selection import namespace_matches, namespace_to_read, object_matches
from podwright.admission.webhooks.source import Source
from podwright.admission.webhooks.webhook import Webhook
from podwright.api.errors import NotFound, StatusError
from podwright.api.objects import Object
from podwright.api.resources import NAMESPACES, SERVICES
from podwright.client.interface import Client

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_SERVER: Final = "system:apiserver"
"""Who makes what the API server needs to start: no webhook may keep it from that by giving no answer."""


class Dispatch:
    """Asks webhooks, for both plugins; `client` reads namespaces and Services."""

    def __init__(self, client: Client, caller: Caller, counts: Counts) -> None:
        self._client = client
        self._caller = caller
        self._counts = counts

    async def selected(self, source: Source, attributes: Attributes) -> Sequence[Webhook]:
        """The webhooks that a request concerns, in order. Raises NotFound when its namespace is not there."""
        index = await source.index()
        if not index:
            return ()
        concerned = index.concerned(Kind(attributes.operation, attributes.resource, attributes.subresource))
        if not concerned or attributes.user.name == _SERVER:
            return ()
        namespace: Object | None = None
        name = namespace_to_read(attributes)
        if name and any(webhook.namespaces for webhook in concerned):
            namespace = await self._client.get(NAMESPACES, name)
        return [webhook for webhook in concerned if namespace_matches(webhook.namespaces, attributes, namespace)]

    async def ask(self, webhook: Webhook, attributes: Attributes, *, mutating: bool) -> Answer | None:
        """The answer of a webhook that allows; None where it could not be asked and need not be.

        None also where its objectSelector leaves the object out. Raises StatusError when it denies, when it may not
        fail and did, and for a dry run that it does not keep dry.
        """
        if not object_matches(webhook.objects, attributes):
            return None
        if attributes.dry_run and not webhook.dry_run:
            raise dry_run_unsupported(webhook.name)
        asked = Asked(webhook.name, "admit" if mutating else "validating", attributes.operation.value)
        began = time.perf_counter()
        try:
            answer = await self._answer(webhook, attributes, mutating=mutating)
        except CallFailed as failure:
            self._counts.failed(asked, time.perf_counter() - began, rejected=webhook.fails)
            if webhook.fails:
                log.debug("%s", failure)  # who asked is told
                raise unreachable(failure) from None
            log.warning("%s; the request goes on, as its failurePolicy has it", failure)
            return None
        for key, value in answer.audit_annotations.items():
            annotate(attributes, f"{webhook.name}/{key}", value)
        attributes.warnings += answer.warnings
        refusal = None if answer.allowed else denied(webhook.name, answer.status)
        code = refusal.code if refusal else 200
        self._counts.answered(asked, time.perf_counter() - began, code, allowed=answer.allowed)
        if refusal is not None:
            raise refusal
        return answer

    async def _answer(self, webhook: Webhook, attributes: Attributes, *, mutating: bool) -> Answer:
        uid = str(uuid.uuid4())
        body = _encode(review_of(attributes, uid, webhook.review_version))
        try:
            endpoint = await self._endpoint(webhook)
            value = await self._caller.post(endpoint, body, webhook.timeout)
        except PostFailed as error:
            raise CallFailed(webhook.name, f"failed to call webhook: {error}") from None
        try:
            answer = answer_of(value, uid, webhook.review_version, mutating=mutating)
        except BadAnswer as error:
            raise CallFailed(webhook.name, f"received invalid webhook response: {error}") from None
        if answer.allowed and answer.patch:
            if answer.patch_type != "JSONPatch":
                raise CallFailed(webhook.name, f'unsupported patch type "{answer.patch_type}"')
            try:
                return replace(answer, operations=operations_of(answer.patch))
            except BadAnswer as error:
                raise CallFailed(webhook.name, f"received undecodable patch in webhook response: {error}") from None
        return answer

    async def _endpoint(self, webhook: Webhook) -> Endpoint:
        named = service_of(webhook.client)
        service: Object | None = None
        if named is not None:
            try:
                service = await self._client.get(SERVICES, named[1], named[0])
            except NotFound:
                service = None
        try:
            return endpoint_of(webhook.client, service)
        except NoEndpoint as error:
            raise CallFailed(webhook.name, f"failed to call webhook: {error}") from None


def first_refusal(refusals: Sequence[StatusError | None]) -> StatusError | None:
    """Of several webhooks' refusals the one that the client is told: the first in their order."""
    return next((refusal for refusal in refusals if refusal is not None), None)
