"""ValidatingAdmissionWebhook: webhooks that only judge, all at the same time.

On by default. Called by the admission chain once nothing changes the object any more.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

import asyncio

from podwright.admission.interface import Attributes
from podwright.admission.webhooks.dispatch import Dispatch, first_refusal
from podwright.admission.webhooks.source import Source
from podwright.admission.webhooks.webhook import Webhook
from podwright.api.errors import StatusError


class ValidatingAdmissionWebhook:
    """Asks the webhooks of ValidatingWebhookConfigurations."""

    name = "ValidatingAdmissionWebhook"

    def __init__(self, source: Source, dispatch: Dispatch) -> None:
        self._source = source
        self._dispatch = dispatch

    async def run(self) -> None:
        """Follow the configurations until cancelled."""
        await self._source.run()

    async def validate(self, attributes: Attributes) -> None:
        """Raises the StatusError of the first webhook, in their order, that refuses."""
        webhooks = await self._dispatch.selected(self._source, attributes)
        if not webhooks:
            return
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._refusal(webhook, attributes)) for webhook in webhooks]
        refusal = first_refusal([task.result() for task in asked])
        if refusal is not None:
            raise refusal

    async def _refusal(self, webhook: Webhook, attributes: Attributes) -> StatusError | None:
        try:
            await self._dispatch.ask(webhook, attributes, mutating=False)
        except StatusError as refusal:
            return refusal
        return None
