"""NamespaceLifecycle: nothing new in a namespace that is not there or is going, and some namespaces stay for ever.

On by default. Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.api.resources import NAMESPACES
from podwright.client.interface import Client

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle:
    """Looks at creations in namespaces, and at deletions of namespaces."""

    name = "NamespaceLifecycle"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def admit(self, attributes: Attributes) -> None:
        """Raises NotFound for a namespace that is not there, Forbidden for one that is going or must stay."""
        if attributes.resource == NAMESPACES:
            deleted = attributes.operation is Operation.DELETE and not attributes.subresource
            if deleted and attributes.name in IMMORTAL:
                raise refusal(attributes, "this namespace may not be deleted")
            return
        if attributes.operation is not Operation.CREATE or not attributes.namespace:
            return
        namespace = await self._client.get(NAMESPACES, attributes.namespace)
        if (namespace.get("status") or {}).get("phase") != "Terminating":
            return
        error = refusal(
            attributes,
            f"unable to create new content in namespace {attributes.namespace} because it is being terminated",
        )
        error.details["causes"] = [
            {
                "reason": "NamespaceTerminating",
                "message": f"namespace {attributes.namespace} is being terminated",
                "field": "metadata.namespace",
            }
        ]
        raise error
