"""PodSecurity: Pods are held to the profile that their namespace's labels name.

On by default; a namespace without labels asks for what the plugin's configuration says, which is nothing by itself.
`enforce` refuses Pods, `warn` and `audit` speak of Pods and of the templates of workloads. Called by the admission
chain.
Page: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from __future__ import annotations

import asyncio

from podwright.admission.audit import annotate
from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.admission.pod_security.configuration import PodSecurityConfiguration
from podwright.admission.pod_security.levels import Level, Policy, policy_of
from podwright.admission.pod_security.namespace_check import (
    exemption_warning,
    is_stricter,
    one_of_each_first,
    warnings_of,
)
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

    def __init__(self, client: Client, configuration: PodSecurityConfiguration | None = None) -> None:
        self._client = client
        self._told = configuration or PodSecurityConfiguration()

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a Pod that breaks what is enforced, Invalid for labels that mean nothing."""
        if attributes.operation not in (Operation.CREATE, Operation.UPDATE) or attributes.obj is None:
            return
        if attributes.resource == PODS:
            if attributes.subresource not in _OTHER_SUBRESOURCES and not self._lets_through(attributes):
                await self._pod(attributes, attributes.obj)
        elif attributes.subresource:
            return
        elif attributes.resource == NAMESPACES:
            await self._namespace(attributes, attributes.obj)
        elif has_template(attributes.resource) and not self._lets_through(attributes):
            await self._template(attributes, attributes.obj)

    def _lets_through(self, attributes: Attributes) -> bool:
        """Whether a request is not looked at, because of its namespace or of who makes it."""
        if attributes.namespace in self._told.namespaces:
            return _exempt(attributes, "namespace")
        return attributes.user.name in self._told.usernames and _exempt(attributes, "user")

    def _is_exempt(self, parts: PodParts) -> bool:
        return parts.spec.get("runtimeClassName") in self._told.runtime_classes

    async def _pod(self, attributes: Attributes, pod: Object) -> None:
        policy = await self._policy(attributes)
        if not policy.errors and max(policy.enforce.level, policy.audit.level, policy.warn.level) is Level.PRIVILEGED:
            return
        if attributes.operation is Operation.UPDATE and not is_significant(pod, attributes.old or {}):
            return
        parts = parts_of(attributes.resource, pod)
        if parts is None or (self._is_exempt(parts) and _exempt(attributes, "runtimeClass")):
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
        if parts is not None and not (self._is_exempt(parts) and _exempt(attributes, "runtimeClass")):
            _record(attributes, policy, parts)
            _warn(attributes, policy, parts)

    async def _policy(self, attributes: Attributes) -> Policy:
        try:
            namespace = await self._client.get(NAMESPACES, attributes.namespace)
        except NotFound:
            raise InternalError(
                f'Internal error occurred: failed to lookup namespace "{attributes.namespace}"'
            ) from None
        return self._policy_of(namespace)

    def _policy_of(self, namespace: Object) -> Policy:
        return policy_of(metadata(namespace).get("labels"), self._told.defaults)

    async def _namespace(self, attributes: Attributes, namespace: Object) -> None:
        new, old = self._policy_of(namespace), self._policy_of(attributes.old or {})
        if new.errors and (attributes.operation is Operation.CREATE or new.errors != old.errors):
            raise Invalid.of("Namespace", attributes.name, new.errors)
        if attributes.operation is Operation.UPDATE and not is_stricter(new, old):
            return
        if attributes.name in self._told.namespaces:
            labels = metadata(namespace).get("labels") or {}
            if warning := exemption_warning(attributes.name, new, self._told.defaults, labels):
                attributes.warnings.append(warning)
        elif attributes.operation is Operation.UPDATE:
            await self._check_pods(attributes, new)

    async def _check_pods(self, attributes: Attributes, policy: Policy) -> None:
        parts = [(pod, parts_of(PODS, pod)) for pod in (await self._client.list(PODS, attributes.name)).items]
        pods = one_of_each_first(pod for pod, part in parts if part is None or not self._is_exempt(part))
        found = []
        for start in range(0, min(len(pods), _MOST_PODS), _AT_ONCE):
            for pod in pods[start : start + _AT_ONCE]:
                part = parts_of(PODS, pod)
                found.append((name_of(pod), violations(policy.enforce, part) if part else []))
            await asyncio.sleep(0)
        attributes.warnings += warnings_of(attributes.name, policy.enforce, found, len(pods))


def _exempt(attributes: Attributes, why: str) -> bool:
    """Put on record that a request is not looked at."""
    annotate(attributes, "pod-security.kubernetes.io/exempt", why)
    return True


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
