"""Kubelets that ask for the client certificate of their own node, and may, are approved.

Who may is asked of the API: `certificatesigningrequests/selfnodeclient` (a node renewing its own certificate) and
`certificatesigningrequests/nodeclient` (somebody who may bring nodes). Run by `manager`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval
"""

from __future__ import annotations

import asyncio

from podwright.api.certificates import APPROVED, DENIED, KUBELET_CLIENT, Requested, RequestError, requested
from podwright.api.objects import Object, name_of
from podwright.api.resources import ACCESS_REVIEWS, CERTIFICATE_SIGNING_REQUESTS
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue
from podwright.controllers.certificates.conditions import decided, with_condition
from podwright.controllers.certificates.signers import kubelet_client_refusal

_SELF = "Auto approving self kubelet client certificate after SubjectAccessReview."
_OTHER = "Auto approving kubelet client certificate after SubjectAccessReview."


class ApprovalOfNodes:
    """Approves what nodes ask for themselves."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._requests = informers.of(CERTIFICATE_SIGNING_REQUESTS)
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Approve until cancelled."""
        self._requests.add_handler(self._changed)
        await self._queue.run(self._look)

    def _changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"].get("signerName") == KUBELET_CLIENT and not decided(new, APPROVED, DENIED):
            self._queue.add(name_of(new))

    async def _look(self, name: str) -> None:
        request = self._requests.get(name)
        if request is None or decided(request, APPROVED, DENIED):
            return
        spec = request["spec"]
        try:
            asked = await asyncio.to_thread(requested, spec["request"])
        except RequestError:
            return
        if kubelet_client_refusal(asked, spec.get("usages") or ()):
            return
        for subresource, message in rights(asked, spec.get("username") or ""):
            if await self._may(spec, subresource):
                new = with_condition(request, APPROVED, "AutoApproved", message)
                await self._client.update(CERTIFICATE_SIGNING_REQUESTS, new, subresource="approval")
                return

    async def _may(self, spec: Object, subresource: str) -> bool:
        about = {
            "group": CERTIFICATE_SIGNING_REQUESTS.group,
            "resource": CERTIFICATE_SIGNING_REQUESTS.plural,
            "subresource": subresource,
            "verb": "create",
            "version": "*",
        }
        who = {
            "user": spec.get("username") or "",
            "groups": spec.get("groups") or [],
            "uid": spec.get("uid") or "",
            "extra": spec.get("extra") or {},
        }
        review = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "spec": {**who, "resourceAttributes": about},
        }
        return bool((await self._client.create(ACCESS_REVIEWS, review))["status"]["allowed"])


def rights(asked: Requested, username: str) -> list[tuple[str, str]]:
    """The rights of which one is enough, as subresources, and what is said of an approval by each."""
    own = [("selfnodeclient", _SELF)] if username == asked.common_name else []
    return [*own, ("nodeclient", _OTHER)]
