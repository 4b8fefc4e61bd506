"""MutatingAdmissionWebhook: webhooks that change objects, one after the other.

On by default. When one has changed the object, everything that had seen it before looks at it again, webhooks only if
they ask for that. Called by the admission chain.
Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Reinvocation
from podwright.admission.webhooks.dispatch import Dispatch
from podwright.admission.webhooks.review import Answer
from podwright.admission.webhooks.source import Source
from podwright.admission.webhooks.webhook import Webhook
from podwright.api.errors import InternalError
from podwright.api.objects import copy_object


class MutatingAdmissionWebhook:
    """Asks the webhooks of MutatingWebhookConfigurations."""

    name = "MutatingAdmissionWebhook"

    def __init__(self, source: Source, dispatch: Dispatch) -> None:
        self._source = source
        self._dispatch = dispatch

    async def run(self) -> None:
        """Follow the configurations until cancelled."""
        await self._source.run()

    async def admit(self, attributes: Attributes) -> None:
        """Have every webhook that is concerned change the object. Raises StatusError when one refuses."""
        webhooks = await self._dispatch.selected(self._source, attributes)
        if not webhooks:
            return
        state = attributes.reinvocation
        if state is None:
            state = attributes.reinvocation = Reinvocation()
        elif state.second_round and attributes.obj != state.last_seen:
            state.ask_again()
        for webhook in webhooks:
            if state.second_round and webhook.key not in state.to_ask:
                continue
            answer = await self._dispatch.ask(webhook, attributes, mutating=True)
            if answer is not None and answer.operations and apply_patch(webhook, attributes, answer):
                state.ask_again()
                state.wanted = True
            if webhook.again:
                state.asked.add(webhook.key)
        if state.wanted:
            state.last_seen = copy_object(attributes.obj)


def apply_patch(webhook: Webhook, attributes: Attributes, answer: Answer) -> bool:
    """Change the object as the webhook says; whether that made a difference. Raises StatusError."""
    if attributes.obj is None or attributes.patched is None:
        raise InternalError(
            f'Internal error occurred: admission webhook "{webhook.name}" attempted to modify the object, which is not '
            "supported for this operation"
        )
    changed = attributes.patched(attributes.obj, list(answer.operations))
    if changed == attributes.obj:
        return False
    attributes.obj.clear()
    attributes.obj.update(changed)
    return True
