"""NodeRestriction: a kubelet writes its own Node, Lease and Pods, and into them only what is a kubelet's to say.

On by default. What it may reach at all stands in the node authorizer.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.admission.node_identity import PREFIX, node_of
from podwright.admission.pod_requests import refusal
from podwright.api.errors import NotFound
from podwright.api.node_labels import of_kubelets
from podwright.api.objects import Object, metadata, name_of, uid_of
from podwright.api.pod_references import references
from podwright.api.pods import MIRROR_ANNOTATION, is_mirror, spec_of
from podwright.api.resources import (
    CERTIFICATE_SIGNING_REQUESTS,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICE_ACCOUNTS,
)
from podwright.client.interface import Client

_LEASES_NAMESPACE = "kube-node-lease"
_NODE_SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
_OTHERS_ACCOUNTS = "a service account"


class NodeRestriction:
    """Looks at what nodes write."""

    name = "NodeRestriction"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for what is not the node's own."""
        node = node_of(attributes.user)
        if not node:
            return
        wrong = self._look(node, attributes)
        if not wrong and attributes.resource == PODS and attributes.operation is Operation.CREATE:
            if attributes.subresource == "eviction":
                wrong = await self._other_pod(node, attributes)
            else:
                wrong = await self._other_owner(node, attributes.obj or {})
        if not wrong and attributes.resource == SERVICE_ACCOUNTS and attributes.subresource == "token":
            wrong = await self._other_token(node, attributes)
        if wrong:
            raise refusal(attributes, wrong)

    @staticmethod
    def _look(node: str, attributes: Attributes) -> str:
        if attributes.resource == PODS:
            return pod_error(node, attributes)
        if attributes.resource == NODES:
            return node_error(node, attributes)
        if attributes.resource == LEASES:
            return lease_error(node, attributes)
        if attributes.resource == PERSISTENT_VOLUME_CLAIMS and attributes.subresource != "status":
            return f"node {_q(node)} may only update PVC status"
        if attributes.resource == CERTIFICATE_SIGNING_REQUESTS and attributes.operation is Operation.CREATE:
            return request_error(node, attributes.obj or {})
        return ""

    async def _other_pod(self, node: str, attributes: Attributes) -> str:
        """What is wrong with an eviction: the Pod must be on this node."""
        try:
            pod = await self._client.get(PODS, attributes.name, attributes.namespace)
        except NotFound:
            return f'pods "{attributes.name}" not found'
        on_it = spec_of(pod).get("nodeName") == node
        return "" if on_it else f"node {_q(node)} can only evict pods with spec.nodeName set to itself"

    async def _other_owner(self, node: str, pod: Object) -> str:
        """What is wrong with the uid of a mirror Pod's owner."""
        claimed = metadata(pod)["ownerReferences"][0].get("uid") or ""
        try:
            actual = uid_of(await self._client.get(NODES, node))
        except NotFound:
            return f'nodes "{node}" not found'
        return "" if claimed == actual else f"node {node} UID mismatch: expected {actual} got {claimed}"

    async def _other_token(self, node: str, attributes: Attributes) -> str:
        """What is wrong with a token that is asked for: it must be for a Pod of this node."""
        bound: Mapping[str, Any] = ((attributes.obj or {}).get("spec") or {}).get("boundObjectRef") or {}
        if not bound or bound.get("kind") != "Pod" or bound.get("apiVersion") not in (None, "", "v1"):
            return "node requested token not bound to a pod"
        if not bound.get("uid"):
            return "node requested token with a pod binding without a uid"
        try:
            pod = await self._client.get(PODS, bound.get("name") or "", attributes.namespace)
        except NotFound:
            return f'pods "{bound.get("name")}" not found'
        if uid_of(pod) != bound["uid"]:
            return (
                f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        if spec_of(pod).get("nodeName") != node:
            return "node requested token bound to a pod scheduled on a different node"
        return ""


def _q(text: str) -> str:
    return f'"{text}"'


def pod_error(node: str, attributes: Attributes) -> str:
    """What is wrong with a node's write of a Pod, "" if nothing is."""
    new, old, who = attributes.obj or {}, attributes.old or {}, f"node {_q(node)}"
    own = spec_of(old).get("nodeName") == node
    if attributes.subresource == "status":
        if not own:
            return f"{who} can only update pod status for pods with spec.nodeName set to itself"
        changed = (metadata(new).get("labels") or {}) != (metadata(old).get("labels") or {})
        return f"{who} cannot update labels through pod status" if changed else ""
    if attributes.subresource == "eviction":
        return ""  # whose Pod it is stands in no part of the request
    if attributes.subresource:
        return f"unexpected pod subresource {_q(attributes.subresource)}, only 'status' and 'eviction' are allowed"
    match attributes.operation:
        case Operation.DELETE:
            return "" if own else f"{who} can only delete pods with spec.nodeName set to itself"
        case Operation.CREATE:
            return mirror_error(node, new)
        case _:
            return (
                f"unexpected operation {_q(attributes.operation.value)}, {who} can only create and delete mirror pods"
            )


def mirror_error(node: str, pod: Object) -> str:
    """What is wrong with a Pod that a node makes: it may only show a static Pod of its own."""
    who, owners = f"node {_q(node)}", metadata(pod).get("ownerReferences") or ()
    if not is_mirror(pod):
        return f"pod does not have {_q(MIRROR_ANNOTATION)} annotation, {who} can only create mirror pods"
    if spec_of(pod).get("nodeName") != node:
        return f"{who} can only create pods with spec.nodeName set to itself"
    if len(owners) > 1:
        return f"{who} can only create pods with a single owner reference set to itself"
    if not owners or (owners[0].get("apiVersion"), owners[0].get("kind"), owners[0].get("name")) != (
        "v1",
        "Node",
        node,
    ):
        return f"{who} can only create pods with an owner reference set to itself"
    if not owners[0].get("controller"):
        return f"{who} can only create pods with a controller owner reference set to itself"
    if owners[0].get("blockOwnerDeletion"):
        return f"{who} must not set blockOwnerDeletion on an owner reference"
    named = {plural for plural, _, _ in references(pod)}
    for plural in ("serviceaccounts", "secrets", "configmaps", "persistentvolumeclaims"):
        if plural in named:
            what = _OTHERS_ACCOUNTS if plural == "serviceaccounts" else plural
            return f"{who} can not create pods that reference {what}"
    return ""


def node_error(node: str, attributes: Attributes) -> str:
    """What is wrong with a node's write of a Node."""
    new, old, who = attributes.obj or {}, attributes.old or {}, f"node {_q(node)}"
    name = attributes.name or name_of(new)
    if name != node:
        return f"{who} is not allowed to modify node {_q(name)}"
    labels, before = metadata(new).get("labels") or {}, metadata(old).get("labels") or {}
    if attributes.operation is Operation.CREATE:
        taken = [label for label in labels if not of_kubelets(label)]
        return f"{who} is not allowed to set the following labels: {_listed(taken)}" if taken else ""
    if attributes.operation is Operation.UPDATE:
        changed = [label for label in {**before, **labels} if before.get(label) != labels.get(label)]
        taken = [label for label in changed if not of_kubelets(label)]
        if taken:
            return f"{who} is not allowed to modify labels: {_listed(taken)}"
        if spec_of(new).get("taints") != spec_of(old).get("taints"):
            return f"{who} is not allowed to modify taints"
        if (metadata(new).get("ownerReferences") or []) != (metadata(old).get("ownerReferences") or []):
            return f"{who} is not allowed to modify ownerReferences"
    return ""


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(sorted(labels))


def lease_error(node: str, attributes: Attributes) -> str:
    """What is wrong with a node's write of a Lease."""
    if attributes.namespace != _LEASES_NAMESPACE:
        return f"can only access leases in the {_q(_LEASES_NAMESPACE)} system namespace"
    name = attributes.name or name_of(attributes.obj or {})
    return "" if name == node else "can only access node lease with the same name as the requesting node"


def request_error(node: str, request: Object) -> str:
    """What is wrong with a certificate that a node asks for: it must be for itself."""
    from podwright.api.certificates import RequestError, requested

    spec = request.get("spec") or {}
    if spec.get("signerName") not in _NODE_SIGNERS:
        return ""
    try:
        name = requested(spec.get("request") or "").common_name
    except RequestError as error:
        return f"unable to parse csr: {error}"
    wanted = PREFIX + node
    return "" if name == wanted else f"can only create a node CSR with CN={wanted}"
