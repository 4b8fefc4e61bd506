"""ResourceQuota: a namespace uses no more than its quotas allow.

On by default. What a request adds is charged to the quota's status before the object is stored, by a write that names
the version it was decided on: of two requests at the same time one sees what the other has taken. What was charged for
an object that then was not stored, the quota controller gives back.
Page: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.api import quota as q
from podwright.api.errors import Conflict, InternalError
from podwright.api.objects import Object, name_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES
from podwright.client.interface import Client

_TRIES = 50
"""Each try that loses means that another request has won."""
_CHANGING = (SERVICES, PERSISTENT_VOLUME_CLAIMS)
"""Resources whose usage an update can change."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request does to one quota: why it may not be (""), or how much is used afterwards (None: unchanged)."""

    refused: str = ""
    used: Mapping[str, str] | None = None


def charge(quota: Object, attributes: Attributes, now: datetime.datetime, counted: Mapping[str, Any]) -> Charge:
    """What creating or changing the object does to a quota of its namespace. Raises ValueError for a bad quantity.

    `counted`: what is used, by name, of that which `uncounted` lists.
    """
    resource, obj, old = attributes.resource, attributes.obj or {}, attributes.old
    hard: Mapping[str, Any] = (quota.get("spec") or {}).get("hard") or {}
    names = _names(quota, attributes)
    if not names:
        return Charge()
    if resource == PODS and (missing := q.unspecified(obj, names)):
        return Charge(f"failed quota: {name_of(quota)}: {missing}")
    known = {**((quota.get("status") or {}).get("used") or {}), **counted}
    requested = q.sums([q.usage_of(resource, obj, now)], names)
    if old is not None:
        before = q.sums([q.usage_of(resource, old, now)], names)
        requested = {name: amount - before[name] for name, amount in requested.items()}
    if not any(requested.values()):
        return Charge()
    used, allowed = q.amounts({n: known[n] for n in names}), q.amounts({n: hard[n] for n in names})
    after = {name: used[name] + requested[name] for name in names}
    over = [name for name in names if requested[name] > 0 and after[name] > allowed[name]]
    if over:
        text = (
            f"exceeded quota: {name_of(quota)}, requested: {q.listed(q.written(requested, hard), over)}, "
            f"used: {q.listed(known, over)}, limited: {q.listed(hard, over)}"
        )
        return Charge(text)
    floored = {name: max(amount, Decimal(0)) for name, amount in after.items()}
    return Charge(used={**known, **q.written(floored, hard)})


def uncounted(quota: Object, attributes: Attributes) -> Sequence[str]:
    """The names that the request counts for and of which the quota's status does not tell yet what is used."""
    status, hard = quota.get("status") or {}, (quota.get("spec") or {}).get("hard") or {}
    used, told = status.get("used") or {}, status.get("hard") or {}
    return [name for name in _names(quota, attributes) if name not in used or told.get(name) != hard[name]]


def _names(quota: Object, attributes: Attributes) -> Sequence[str]:
    hard = (quota.get("spec") or {}).get("hard") or {}
    names = q.resource_names(attributes.resource, hard)
    return names if names and q.is_about(quota, attributes.resource, attributes.obj or {}) else ()


def _concerns(attributes: Attributes) -> bool:
    """Whether the request can use more than was used before."""
    resource, subresource = attributes.resource, attributes.subresource
    if attributes.operation is Operation.UPDATE:
        return (resource in _CHANGING and not subresource) or (resource == PODS and subresource == "resize")
    return attributes.operation is Operation.CREATE and not subresource


class ResourceQuota:
    """Looks at everything that is created, and at changes of Services, claims and the resources of Pods."""

    name = "ResourceQuota"

    def __init__(self, client: Client, clock: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._clock = clock

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden when a quota would be exceeded, or cannot be counted for what the object leaves out."""
        if not attributes.namespace or attributes.obj is None or not _concerns(attributes):
            return
        for _ in range(_TRIES):
            quotas = (await self._client.list(RESOURCE_QUOTAS, attributes.namespace)).items
            if await self._charged(attributes, quotas):
                return
        raise InternalError("Internal error occurred: resource quota evaluation timed out")

    async def _charged(self, attributes: Attributes, quotas: Sequence[Object]) -> bool:
        """Charge every quota; False when one has changed meanwhile (those that were charged are given back)."""
        now = self._clock()
        charges = [(quota, charge(quota, attributes, now, await self._counted(quota, attributes))) for quota in quotas]
        for _, outcome in charges:
            if outcome.refused:
                raise refusal(attributes, outcome.refused)
        if attributes.dry_run:
            return True
        done: list[tuple[Object, Object]] = []
        for quota, outcome in charges:
            if outcome.used is None:
                continue
            before = quota.get("status") or {}
            hard = {name: quota["spec"]["hard"][name] for name in outcome.used if name in quota["spec"]["hard"]}
            status = {**before, "hard": {**(before.get("hard") or {}), **hard}, "used": dict(outcome.used)}
            try:
                written = await self._client.update(RESOURCE_QUOTAS, {**quota, "status": status}, subresource="status")
            except Conflict:
                await self._give_back(done)
                return False
            done.append((quota, written))
        return True

    async def _counted(self, quota: Object, attributes: Attributes) -> Mapping[str, str]:
        """What is used, where the quota controller has not been: a quota that has just been made counts at once."""
        names = uncounted(quota, attributes)
        if not names:
            return {}
        resource, now = attributes.resource, self._clock()
        objects = (await self._client.list(resource, attributes.namespace)).items
        parts = [q.usage_of(resource, obj, now) for obj in objects if q.is_about(quota, resource, obj)]
        return q.written(q.sums(parts, names), quota["spec"]["hard"])

    async def _give_back(self, done: Sequence[tuple[Object, Object]]) -> None:
        for before, written in done:
            try:
                await self._client.update(
                    RESOURCE_QUOTAS, {**written, "status": before.get("status") or {}}, subresource="status"
                )
            except Conflict:
                # Charged by others since: the controller counts again.
                continue
