"""Approved requests to the cluster's own signers get their certificate, or are told why not.

Run by `manager`, with a function that signs with the cluster's authority.
Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#signer-control-plane
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence

from podwright.api.certificates import APPROVED, DENIED, FAILED, RequestError, pem_of, requested
from podwright.api.objects import Object, copy_object, name_of
from podwright.api.resources import CERTIFICATE_SIGNING_REQUESTS
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.certificates.conditions import certificate_of, decided, with_condition
from podwright.controllers.certificates.signers import SIGNERS, refusal

Sign = Callable[[bytes, Sequence[str], int | None], bytes]
"""A certificate (PEM) for a request (PEM), its usages, and the seconds that it is to last (None: the longest).

Blocking. Raises ValueError for usages that it does not know, OSError when the authority's key cannot be read.
"""


class Signing:
    """Signs what was approved."""

    def __init__(self, client: Client, informers: Informers, sign: Sign) -> None:
        self._client = client
        self._requests = informers.of(CERTIFICATE_SIGNING_REQUESTS)
        self._sign = sign
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Sign until cancelled."""
        self._requests.add_handler(self._changed)
        await self._queue.run(self._look)

    def _changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and waits(new):
            self._queue.add(name_of(new))

    async def _look(self, name: str) -> None:
        request = self._requests.get(name)
        if request is None or not waits(request):
            return
        spec = request["spec"]
        usages = spec.get("usages") or ()
        try:
            wrong = refusal(spec["signerName"], await asyncio.to_thread(requested, spec["request"]), usages)
        except RequestError as error:
            wrong = str(error)
        if wrong:
            new = with_condition(request, FAILED, "SignerValidationFailure", wrong)
        else:
            signed = await asyncio.to_thread(self._sign, pem_of(spec["request"]), usages, spec.get("expirationSeconds"))
            new = copy_object(request)
            new.setdefault("status", {})["certificate"] = base64.b64encode(signed).decode()
        await self._client.update(CERTIFICATE_SIGNING_REQUESTS, new, subresource="status")


def waits(request: Object) -> bool:
    """Whether a request waits for one of this cluster's signers."""
    return (
        request["spec"].get("signerName") in SIGNERS
        and decided(request, APPROVED)
        and not decided(request, DENIED, FAILED)
        and not certificate_of(request)
    )
