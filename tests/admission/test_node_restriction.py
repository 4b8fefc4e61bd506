from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.requests import signing_request

from podwright.admission.interface import Attributes, Operation, User
from podwright.admission.node_restriction import NodeRestriction
from podwright.api.errors import Forbidden
from podwright.api.resources import (
    CERTIFICATE_SIGNING_REQUESTS,
    CONFIG_MAPS,
    LEASES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICE_ACCOUNTS,
    Resource,
)

NODE = User("system:node:n", ("system:nodes",))
CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "node-uid", "controller": True}


def pod(node: str = "n", **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "ns", **meta}, "spec": {"nodeName": node}}


def mirror(owner: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    made = pod(annotations={"kubernetes.io/config.mirror": "x"}, ownerReferences=[{**OWNER, **(owner or {})}])
    made["spec"].update(spec)
    return made


def node(name: str = "n", labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}, **fields.pop("meta", {})}, "spec": fields}


def write(
    resource: Resource,
    operation: Operation,
    obj: dict[str, Any] | None = None,
    old: dict[str, Any] | None = None,
    *,
    subresource: str = "",
    name: str = "",
    namespace: str = "ns",
    user: User = NODE,
) -> Attributes:
    shown = obj or old or {}
    return Attributes(
        operation,
        resource,
        user,
        namespace if resource.namespaced else "",
        name or shown.get("metadata", {}).get("name", ""),
        subresource,
        obj,
        old,
    )


def lease(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def token(**bound: str) -> dict[str, Any]:
    return {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", **bound}}} if bound else {"spec": {}}


def request(name: str, signer: str = "kube-apiserver-client-kubelet") -> dict[str, Any]:
    spec = {"request": signing_request(name, "system:nodes"), "signerName": f"kubernetes.io/{signer}"}
    return {"metadata": {"name": "r"}, "spec": spec}


def wants_token(obj: dict[str, Any]) -> Attributes:
    return write(SERVICE_ACCOUNTS, CREATE, obj, subresource="token", name="sa")


async def client() -> FakeClient:
    made = FakeClient()
    await made.create(NODES, {"metadata": {"name": "n", "uid": "node-uid"}})
    for name, where in (("p", "n"), ("q", "m")):
        await made.create(PODS, {"metadata": {"name": name, "uid": f"{name}-uid"}, "spec": {"nodeName": where}}, "ns")
    return made


async def uid(of: FakeClient, resource: Resource, name: str, namespace: str = "") -> str:
    return str((await of.get(resource, name, namespace))["metadata"]["uid"])


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(write(PODS, UPDATE, pod(), pod(), subresource="status"), id="the status of its Pod"),
        pytest.param(write(PODS, DELETE, None, pod()), id="the end of its Pod"),
        pytest.param(write(PODS, CREATE, {}, subresource="eviction", name="p"), id="the eviction of its Pod"),
        pytest.param(write(NODES, CREATE, node(labels={"kubernetes.io/os": "linux", "disk": "ssd"})), id="itself"),
        pytest.param(
            write(NODES, UPDATE, node(labels={"node.kubernetes.io/x": "1"}), node(), subresource="status"),
            id="labels of its own domain",
        ),
        pytest.param(
            write(NODES, UPDATE, node(labels={"team.k8s.io/a": "1"}), node(labels={"team.k8s.io/a": "1"})),
            id="a label of others that stays",
        ),
        pytest.param(write(LEASES, UPDATE, lease("n"), lease("n"), namespace="kube-node-lease"), id="its lease"),
        pytest.param(
            write(PERSISTENT_VOLUME_CLAIMS, UPDATE, lease("c"), lease("c"), subresource="status"), id="a claim's status"
        ),
        pytest.param(write(CERTIFICATE_SIGNING_REQUESTS, CREATE, request("system:node:n")), id="its certificate"),
        pytest.param(
            write(CERTIFICATE_SIGNING_REQUESTS, CREATE, request("jane", "kube-apiserver-client")),
            id="what is no node's certificate is judged by others",
        ),
        pytest.param(write(CONFIG_MAPS, CREATE, lease("c")), id="what is no concern of this plugin"),
        pytest.param(
            write(NODES, UPDATE, node("m"), node("m"), user=User("system:node:n")), id="who is in no node's group"
        ),
        pytest.param(write(NODES, DELETE, None, node("m"), user=User("admin", ("system:masters",))), id="anybody else"),
    ],
)  # fmt: skip
async def test_what_a_node_writes(attributes: Attributes) -> None:
    await NodeRestriction(await client()).validate(attributes)


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [
        pytest.param(
            write(PODS, UPDATE, pod("m"), pod("m"), subresource="status"),
            'node "n" can only update pod status for pods with spec.nodeName set to itself',
            id="the status of another's Pod",
        ),
        pytest.param(
            write(PODS, UPDATE, pod(labels={"a": "1"}), pod(), subresource="status"),
            'node "n" cannot update labels through pod status',
            id="labels through the status",
        ),
        pytest.param(
            write(PODS, UPDATE, pod(), pod()),
            'unexpected operation "UPDATE", node "n" can only create and delete mirror pods',
            id="the Pod itself",
        ),
        pytest.param(
            write(PODS, UPDATE, pod(), pod(), subresource="resize"),
            "unexpected pod subresource \"resize\", only 'status' and 'eviction' are allowed",
            id="its size",
        ),
        pytest.param(
            write(PODS, DELETE, None, pod("m")),
            'node "n" can only delete pods with spec.nodeName set to itself',
            id="the end of another's Pod",
        ),
        pytest.param(
            write(PODS, CREATE, {}, subresource="eviction", name="q"),
            'node "n" can only evict pods with spec.nodeName set to itself',
            id="the eviction of another's Pod",
        ),
        pytest.param(
            write(PODS, CREATE, pod()),
            'pod does not have "kubernetes.io/config.mirror" annotation, node "n" can only create mirror pods',
            id="a Pod that is no mirror",
        ),
        pytest.param(
            write(PODS, CREATE, mirror(nodeName="m")),
            'node "n" can only create pods with spec.nodeName set to itself',
            id="a mirror of another",
        ),
        pytest.param(
            write(PODS, CREATE, mirror({"name": "m"})),
            'node "n" can only create pods with an owner reference set to itself',
            id="a mirror with another's owner",
        ),
        pytest.param(
            write(PODS, CREATE, mirror({"controller": False})),
            'node "n" can only create pods with a controller owner reference set to itself',
            id="a mirror without control",
        ),
        pytest.param(
            write(PODS, CREATE, mirror({"blockOwnerDeletion": True})),
            'node "n" must not set blockOwnerDeletion on an owner reference',
            id="a mirror that keeps the node",
        ),
        pytest.param(
            write(PODS, CREATE, mirror({"uid": "old"})),
            "node n UID mismatch: expected node-uid got old",
            id="a mirror of a node that was",
        ),
        pytest.param(
            write(PODS, CREATE, mirror(serviceAccountName="sa")),
            'node "n" can not create pods that reference a service account',
            id="a mirror with an account",
        ),
        pytest.param(
            write(PODS, CREATE, mirror(volumes=[{"name": "v", "secret": {"secretName": "s"}}])),
            'node "n" can not create pods that reference secrets',
            id="a mirror with a Secret",
        ),
        pytest.param(
            write(NODES, CREATE, node("m")), 'node "n" is not allowed to modify node "m"', id="another node"
        ),
        pytest.param(
            write(NODES, CREATE, node(labels={"node-restriction.kubernetes.io/a": "1", "node-role.k8s.io/b": ""})),
            'node "n" is not allowed to set the following labels: node-restriction.kubernetes.io/a, node-role.k8s.io/b',
            id="labels that say where things may run",
        ),
        pytest.param(
            write(NODES, UPDATE, node(), node(labels={"x.node-restriction.kubernetes.io/a": "1"})),
            'node "n" is not allowed to modify labels: x.node-restriction.kubernetes.io/a',
            id="nor taking them away",
        ),
        pytest.param(
            write(NODES, UPDATE, node(), node(taints=[{"key": "a"}])),
            'node "n" is not allowed to modify taints',
            id="a taint of somebody else",
        ),
        pytest.param(
            write(NODES, UPDATE, node(meta={"ownerReferences": [OWNER]}), node()),
            'node "n" is not allowed to modify ownerReferences',
            id="owners",
        ),
        pytest.param(
            write(LEASES, UPDATE, lease("m"), lease("m"), namespace="kube-node-lease"),
            "can only access node lease with the same name as the requesting node",
            id="another's lease",
        ),
        pytest.param(
            write(LEASES, CREATE, lease("n")),
            'can only access leases in the "kube-node-lease" system namespace',
            id="a lease elsewhere",
        ),
        pytest.param(
            write(PERSISTENT_VOLUME_CLAIMS, UPDATE, lease("c"), lease("c")),
            'node "n" may only update PVC status',
            id="a claim",
        ),
        pytest.param(
            write(CERTIFICATE_SIGNING_REQUESTS, CREATE, request("system:node:m")),
            "can only create a node CSR with CN=system:node:n",
            id="another's certificate",
        ),
        pytest.param(wants_token(token()), "node requested token not bound to a pod", id="a token for ever"),
        pytest.param(
            wants_token(token(name="p")), "node requested token with a pod binding without a uid", id="a token of any p"
        ),
        pytest.param(
            wants_token(token(name="p", uid="old")),
            "the UID in the bound object reference (old) does not match the UID in record. "
            "The object might have been deleted and then recreated",
            id="a token of the p that was",
        ),
        pytest.param(wants_token(token(name="x", uid="u")), 'pods "x" not found', id="a token of no Pod"),
    ],
)  # fmt: skip
async def test_what_a_node_does_not_write(attributes: Attributes, wrong: str) -> None:
    here = await client()
    actual = await uid(here, NODES, "n")
    with pytest.raises(Forbidden) as refused:
        await NodeRestriction(here).validate(attributes)
    assert refused.value.message.partition("is forbidden: ")[2].replace(actual, "node-uid") == wrong


async def test_tokens_are_for_pods_of_the_node() -> None:
    here = await client()
    plugin = NodeRestriction(here)
    await plugin.validate(wants_token(token(name="p", uid=await uid(here, PODS, "p", "ns"))))
    with pytest.raises(Forbidden, match="node requested token bound to a pod scheduled on a different node"):
        await plugin.validate(wants_token(token(name="q", uid=await uid(here, PODS, "q", "ns"))))


async def test_a_mirror_pod_of_the_node_itself() -> None:
    here = await client()
    made = mirror({"uid": await uid(here, NODES, "n")})
    await NodeRestriction(here).validate(write(PODS, CREATE, made))
