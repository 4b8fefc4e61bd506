"""The plugins in their order: first all that change, then, after the resource's own validation, all that only look.

The API server calls `admit` and `validate` for every write; `plugins.py` builds the chain.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from podwright.admission.interface import Attributes, FollowingPlugin, MutatingPlugin, ValidatingPlugin
from podwright.admission.webhooks.counts import Counts


async def _nothing() -> None:
    """What a chain without connections has to close."""


class Chain:
    """An ordered set of plugins; the first that refuses ends the request."""

    def __init__(
        self,
        mutating: Sequence[MutatingPlugin],
        validating: Sequence[ValidatingPlugin],
        following: Sequence[FollowingPlugin] = (),
        close: Callable[[], Awaitable[None]] = _nothing,
        counts: Counts | None = None,
    ) -> None:
        self._mutating = tuple(mutating)
        self._validating = tuple(validating)
        self._following = tuple(following)
        self._close = close
        self.webhook_counts = counts or Counts()
        """What is counted of webhooks."""

    @property
    def names(self) -> Sequence[str]:
        """The plugins' names, those that change first."""
        names = [p.name for p in self._mutating] + [p.name for p in self._validating]
        return tuple(dict.fromkeys(names))

    async def admit(self, attributes: Attributes) -> None:
        """Let each mutating plugin change the object in turn, and once more if a webhook changed it.

        Raises StatusError when one refuses.
        """
        for plugin in self._mutating:
            await plugin.admit(attributes)
        again = attributes.reinvocation
        if again is not None and again.wanted:
            again.second_round = True
            for plugin in self._mutating:
                await plugin.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Let each validating plugin look at the final object. Raises StatusError when one refuses."""
        for plugin in self._validating:
            await plugin.validate(attributes)

    async def run(self) -> None:
        """Have the plugins follow what they need to know, until cancelled; their connections are closed then."""
        try:
            async with asyncio.TaskGroup() as group:
                for plugin in self._following:
                    group.create_task(plugin.run())
        finally:
            await self._close()
