"""Posts to subresources that are more than a part of the object: binding, eviction, token, finalize.

Called by the HTTP front and the in-process client.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import BadRequest, Invalid, MethodNotAllowed, NotFound
from podwright.api.field import Path, invalid, not_supported, required
from podwright.api.objects import Object, copy_object, rfc3339, uid_of
from podwright.api.resources import NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from podwright.apiserver import disruption
from podwright.apiserver.context import Call, Context, Saved
from podwright.apiserver.handlers.change import UPDATE_TRIES, Change, commit
from podwright.apiserver.handlers.delete import delete
from podwright.apiserver.tokens import Binding, Claims, Tokens
from podwright.client.interface import DeleteOptions
from podwright.storage.interface import KeyMissing, RevisionConflict

_DEFAULT_LIFE, _SHORTEST_LIFE, _LONGEST_LIFE = 3600, 600, 1 << 32
_BOUND = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}
_KINDS = {
    "binding": ("v1", "Binding"),
    "eviction": ("policy/v1", "Eviction"),
    "token": ("authentication.k8s.io/v1", "TokenRequest"),
}
POSTED = frozenset((("pods", "binding"), ("pods", "eviction"), ("serviceaccounts", "token")))
"""Plural and subresource of what `Subresources.post` knows, beside PUT of `namespaces/finalize`."""


def success(code: int = 201) -> Object:
    """The Status that answers a post which leaves no object."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}


async def rewrite(context: Context, call: Call, wanted: Change) -> Saved:
    """Store what `wanted` makes of the object, without the resource's own preparation: it would undo it."""
    for _ in range(UPDATE_TRIES):
        entry = context.entry(call.row, call.namespace, call.name)
        if entry is None:
            raise call.not_found()
        old = context.read(call.row, entry)
        try:
            return await commit(context, call, entry, old, wanted(old))
        except RevisionConflict:
            continue
        except KeyMissing:
            raise call.not_found() from None
    raise call.conflict()


def bound(call: Call, pod: Object, node: str, binding: dict[str, Any], now: str) -> Object:
    """The Pod on its node: spec.nodeName set, PodScheduled true. Raises Conflict when it cannot be bound."""
    meta, spec = pod["metadata"], pod["spec"]
    wanted = binding.get("metadata") or {}
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        raise call.conflict(
            f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: {meta['uid']}"
        )
    if meta.get("deletionTimestamp"):
        raise call.conflict(f"pod {call.name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise call.conflict(f'pod {call.name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise call.conflict(f"pod {call.name} has non-empty .spec.schedulingGates")
    new = copy_object(pod)
    new["spec"]["nodeName"] = node
    for kind in ("labels", "annotations"):
        if wanted.get(kind):
            new["metadata"][kind] = {**(new["metadata"].get(kind) or {}), **wanted[kind]}
    status = new.setdefault("status", {})
    # What was promised to it elsewhere is free again.
    status.pop("nominatedNodeName", None)
    conditions = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    status["conditions"] = [
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now},
        *conditions,
    ]
    return new


def evicted(call: Call, pod: Object, uid: str, version: str, now: str) -> Object:
    """The Pod with the condition that says why it goes. Raises Conflict when it is not the Pod that was meant."""
    meta = pod["metadata"]
    for what, wanted, actual in (("UID", uid, meta["uid"]), ("ResourceVersion", version, meta["resourceVersion"])):
        if wanted and wanted != actual:
            raise call.conflict(
                f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
            )
    new = copy_object(pod)
    status = new.setdefault("status", {})
    conditions = [c for c in status.get("conditions") or () if c.get("type") != "DisruptionTarget"]
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    status["conditions"] = [*conditions, condition]
    return new


class Subresources:
    """The posts of one server."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    async def post(self, call: Call, subresource: str, obj: Object) -> Object:
        """Carry out a post (or, for finalize, a put) of `obj`, which becomes the server's. Raises StatusError."""
        if subresource in _KINDS:
            obj.setdefault("apiVersion", _KINDS[subresource][0])
            obj.setdefault("kind", _KINDS[subresource][1])
            await self._admit(call, obj)
        match call.resource.plural, subresource:
            case "pods", "binding":
                return await self._bind(call, obj)
            case "pods", "eviction":
                return await self._evict(call, obj)
            case "serviceaccounts", "token":
                return await self._token(call, obj)
            case "namespaces", "finalize":
                return await self._finalize(call, obj)
            case _:
                raise MethodNotAllowed("the server does not allow this method on the requested resource")

    async def _bind(self, call: Call, binding: Object) -> Object:
        target = binding.get("target") or {}
        if target.get("kind") not in (None, "", "Node", "Minion"):
            wrong = not_supported(Path("target.kind"), target["kind"], ("Node", "<empty>"))
            raise Invalid.of("Binding", call.name, [wrong])
        if not target.get("name"):
            raise Invalid.of("Binding", call.name, [required(Path("target.name"))])
        now = rfc3339(self._context.now())
        await rewrite(self._context, call, lambda pod: bound(call, pod, target["name"], binding, now))
        return success()

    async def _evict(self, call: Call, eviction: Object) -> Object:
        context, options = self._context, eviction.get("deleteOptions") or {}
        preconditions = options.get("preconditions") or {}
        call.dry_run = call.dry_run or bool(options.get("dryRun"))
        call.subresource = ""
        uid, version = preconditions.get("uid") or "", preconditions.get("resourceVersion") or ""
        entry = context.entry(call.row, call.namespace, call.name)
        if entry is None:
            raise call.not_found()
        pod = context.read(call.row, entry)
        evicted(call, pod, uid, version, "")  # one that is not meant costs no disruption
        await disruption.take(context, pod, call.user, dry_run=call.dry_run)
        if not call.dry_run:
            now = rfc3339(context.now())
            saved = await rewrite(context, call, lambda pod: evicted(call, pod, uid, version, now))
            # What was asked for was the Pod before this condition.
            version = version and str(saved.obj["metadata"]["resourceVersion"])
        grace, policy = options.get("gracePeriodSeconds"), options.get("propagationPolicy") or ""
        await delete(context, call, DeleteOptions(grace, uid, version, policy))
        return success()

    async def _finalize(self, call: Call, namespace: Object) -> Object:
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        given = (namespace.get("metadata") or {}).get("resourceVersion")

        def wanted(old: Object) -> Object:
            if given and given != old["metadata"]["resourceVersion"]:
                raise call.conflict()
            new = copy_object(old)
            new["spec"] = {**(new.get("spec") or {}), "finalizers": finalizers}
            if not finalizers:
                del new["spec"]["finalizers"]
            return new

        return (await rewrite(self._context, call, wanted)).obj

    async def _token(self, call: Call, request: Object) -> Object:
        account = self._context.find(SERVICE_ACCOUNTS, call.name, call.namespace)
        if account is None:
            raise call.not_found()
        spec = request.get("spec") or {}
        life = spec.get("expirationSeconds") or _DEFAULT_LIFE
        at = Path("spec.expirationSeconds")
        if not isinstance(life, int) or life < _SHORTEST_LIFE:
            wrong = invalid(at, life, "may not specify a duration less than 10 minutes")
            raise Invalid.of("TokenRequest", call.name, [wrong], group="authentication.k8s.io")
        if life > _LONGEST_LIFE:
            wrong = invalid(at, life, "may not specify a duration larger than 2^32 seconds")
            raise Invalid.of("TokenRequest", call.name, [wrong], group="authentication.k8s.io")
        now = self._context.now()
        issued = int(now.timestamp())
        binding, node = self._binding(call, spec.get("boundObjectRef"))
        audiences = spec.get("audiences") or [self._tokens.issuer]
        claims = Claims(
            call.namespace, call.name, uid_of(account), audiences, issued, issued + life,
            str(uuid.uuid4()), binding, node,
        )  # fmt: skip
        await asyncio.to_thread(self._tokens.load)
        expires = rfc3339(now.fromtimestamp(claims.expires, now.tzinfo))
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": call.name, "namespace": call.namespace, "creationTimestamp": rfc3339(now)},
            "spec": {**spec, "audiences": audiences, "expirationSeconds": life},
            "status": {"token": self._tokens.issue(claims), "expirationTimestamp": expires},
        }

    async def _admit(self, call: Call, request: Object) -> None:
        attributes = Attributes(
            Operation.CREATE,
            call.resource,
            call.user,
            namespace=call.namespace,
            name=call.name,
            subresource=call.subresource,
            obj=request,
            dry_run=call.dry_run or bool((request.get("deleteOptions") or {}).get("dryRun")),
            warnings=call.warnings,
        )
        await self._context.admission.admit(attributes)
        await self._context.admission.validate(attributes)

    def _binding(self, call: Call, reference: Any) -> tuple[Binding | None, dict[str, str]]:
        if not reference:
            return None, {}
        kind, name = reference.get("kind") or "", reference.get("name") or ""
        resource = _BOUND.get(kind)
        if resource is None:
            raise BadRequest(f"cannot bind token for serviceaccount {call.name!r} to type {kind!r}")
        found = self._context.find(resource, name, call.namespace if resource.namespaced else "")
        if found is None:
            raise NotFound.of(resource.plural, name)
        if reference.get("uid") and reference["uid"] != uid_of(found):
            raise call.conflict(
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        node: dict[str, str] = {}
        if kind == "Pod":
            spec = found["spec"]
            if (spec.get("serviceAccountName") or "default") != call.name:
                raise BadRequest(
                    f'cannot bind token for serviceaccount "{call.name}" to pod running with different serviceaccount '
                    "name."
                )
            if spec.get("nodeName"):
                holder = self._context.find(NODES, spec["nodeName"])
                node = {"name": spec["nodeName"]} | ({"uid": uid_of(holder)} if holder else {})
        return Binding(kind, name, uid_of(found)), node


def is_finalize(call: Call) -> bool:
    """Whether a PUT is one that `Subresources.post` carries out."""
    return call.resource == NAMESPACES and call.subresource == "finalize"
