"""PodSecurity: Pods are held to the profile that their namespace's labels name.

On by default; a namespace without labels asks for nothing. `enforce` refuses Pods, `warn` and `audit` speak of Pods and
of the templates of workloads. Called by the admission chain.
Page: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from __future__ import annotations

import asyncio

from podwright.admission.audit import annotate
from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.admission.pod_security.levels import Level, Policy, policy_of
from podwright.admission.pod_security.namespace_check import is_stricter, one_of_each_first, warnings_of
from podwright.admission.pod_security.profiles import details, violations
from podwright.admission.pod_security.templates import has_template, is_significant, parts_of
from podwright.admission.pod_security.violation import PodParts
from podwright.api.errors import InternalError, Invalid, NotFound
from podwright.api.field import aggregate
from podwright.api.objects import Object, metadata, name_of
from podwright.api.resources import NAMESPACES, PODS
from podwright.client.interface import Client

_OTHER_SUBRESOURCES = frozenset(
    {"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"}
)  # fmt: skip
_MOST_PODS = 3000
"""Pods of a namespace that new labels are checked against."""
_AT_ONCE = 50
"""Pods that are checked before others get their turn."""


class PodSecurity:
    """Looks at Pods, at what makes Pods, and at the labels of namespaces."""

    name = "PodSecurity"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a Pod that breaks what is enforced, Invalid for labels that mean nothing."""
        if attributes.operation not in (Operation.CREATE, Operation.UPDATE) or attributes.obj is None:
            return
        if attributes.resource == PODS:
            if attributes.subresource not in _OTHER_SUBRESOURCES:
                await self._pod(attributes, attributes.obj)
        elif attributes.subresource:
            return
        elif attributes.resource == NAMESPACES:
            await self._namespace(attributes, attributes.obj)
        elif has_template(attributes.resource):
            await self._template(attributes, attributes.obj)

    async def _pod(self, attributes: Attributes, pod: Object) -> None:
        policy = await self._policy(attributes)
        if not policy.errors and max(policy.enforce.level, policy.audit.level, policy.warn.level) is Level.PRIVILEGED:
            return
        if attributes.operation is Operation.UPDATE and not is_significant(pod, attributes.old or {}):
            return
        parts = parts_of(attributes.resource, pod)
        if parts is None:
            return
        broken = violations(policy.enforce, parts)
        _record(attributes, policy, parts)
        if broken:
            raise refusal(attributes, f'violates PodSecurity "{policy.enforce}": {details(broken)}')
        _warn(attributes, policy, parts)

    async def _template(self, attributes: Attributes, obj: Object) -> None:
        policy = await self._policy(attributes)
        if policy.warn.level is Level.PRIVILEGED and policy.audit.level is Level.PRIVILEGED:
            return
        parts = parts_of(attributes.resource, obj)
        if parts is not None:
            _record(attributes, policy, parts)
            _warn(attributes, policy, parts)

    async def _policy(self, attributes: Attributes) -> Policy:
        try:
            namespace = await self._client.get(NAMESPACES, attributes.namespace)
        except NotFound:
            raise InternalError(
                f'Internal error occurred: failed to lookup namespace "{attributes.namespace}"'
            ) from None
        return policy_of(metadata(namespace).get("labels"))

    async def _namespace(self, attributes: Attributes, namespace: Object) -> None:
        new = policy_of(metadata(namespace).get("labels"))
        old = policy_of(metadata(attributes.old or {}).get("labels"))
        if new.errors and (attributes.operation is Operation.CREATE or new.errors != old.errors):
            raise Invalid.of("Namespace", attributes.name, new.errors)
        if attributes.operation is Operation.UPDATE and is_stricter(new, old):
            await self._check_pods(attributes, new)

    async def _check_pods(self, attributes: Attributes, policy: Policy) -> None:
        pods = one_of_each_first((await self._client.list(PODS, attributes.name)).items)
        found = []
        for start in range(0, min(len(pods), _MOST_PODS), _AT_ONCE):
            for pod in pods[start : start + _AT_ONCE]:
                parts = parts_of(PODS, pod)
                found.append((name_of(pod), violations(policy.enforce, parts) if parts else []))
            await asyncio.sleep(0)
        attributes.warnings += warnings_of(attributes.name, policy.enforce, found, len(pods))


def _record(attributes: Attributes, policy: Policy, parts: PodParts) -> None:
    if policy.errors:
        why = f"Failed to parse policy: {aggregate(policy.errors)}"
        annotate(attributes, "pod-security.kubernetes.io/error", why)
    broken = violations(policy.audit, parts)
    if broken:
        said = f'would violate PodSecurity "{policy.audit}": {details(broken)}'
        annotate(attributes, "pod-security.kubernetes.io/audit-violations", said)


def _warn(attributes: Attributes, policy: Policy, parts: PodParts) -> None:
    broken = violations(policy.warn, parts)
    if broken:
        attributes.warnings.append(f'would violate PodSecurity "{policy.warn}": {details(broken)}')
