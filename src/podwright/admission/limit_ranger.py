"""LimitRanger: containers that say nothing get a namespace's defaults, and what exceeds its bounds is refused.

On by default. What a LimitRange does to a Pod is decided in `limit_rules`; the plugin reads the LimitRanges.
Page: https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from __future__ import annotations

from collections.abc import Sequence

from podwright.admission.interface import Attributes, Operation
from podwright.admission.limit_rules import claim_violations, pod_violations, set_defaults
from podwright.admission.pod_requests import refusal
from podwright.api.objects import Object
from podwright.api.resources import LIMIT_RANGES, PERSISTENT_VOLUME_CLAIMS, PODS
from podwright.client.interface import Client


class LimitRanger:
    """Looks at Pods that are created or resized, and at claims that are created or changed."""

    name = "LimitRanger"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def admit(self, attributes: Attributes) -> None:
        """Fill in the defaults."""
        if attributes.resource != PODS or not _concerns(attributes) or attributes.obj is None:
            return
        for one in await self._limits(attributes):
            set_defaults(attributes.obj, one)

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden with everything that is out of bounds."""
        if not _concerns(attributes) or attributes.obj is None:
            return
        violations = pod_violations if attributes.resource == PODS else claim_violations
        for one in await self._limits(attributes):
            wrong = list(dict.fromkeys(violations(attributes.obj, one)))
            if wrong:
                raise refusal(attributes, wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")

    async def _limits(self, attributes: Attributes) -> Sequence[Object]:
        return (await self._client.list(LIMIT_RANGES, attributes.namespace)).items


def _concerns(attributes: Attributes) -> bool:
    request = attributes.operation, attributes.subresource
    if attributes.resource == PODS:
        return request in ((Operation.CREATE, ""), (Operation.UPDATE, "resize"))
    written = request in ((Operation.CREATE, ""), (Operation.UPDATE, ""))
    return attributes.resource == PERSISTENT_VOLUME_CLAIMS and written
