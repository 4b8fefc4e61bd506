"""The plugins in their order: first all that change, then, after the resource's own validation, all that only look.

The API server calls `admit` and `validate` for every write; `plugins.py` builds the chain.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

from collections.abc import Sequence

from podwright.admission.interface import Attributes, MutatingPlugin, ValidatingPlugin


class Chain:
    """An ordered set of plugins; the first that refuses ends the request."""

    def __init__(self, mutating: Sequence[MutatingPlugin], validating: Sequence[ValidatingPlugin]) -> None:
        self._mutating = tuple(mutating)
        self._validating = tuple(validating)

    @property
    def names(self) -> Sequence[str]:
        """The plugins' names, those that change first."""
        names = [p.name for p in self._mutating] + [p.name for p in self._validating]
        return tuple(dict.fromkeys(names))

    async def admit(self, attributes: Attributes) -> None:
        """Let each mutating plugin change the object in turn. Raises StatusError when one refuses."""
        for plugin in self._mutating:
            await plugin.admit(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Let each validating plugin look at the final object. Raises StatusError when one refuses."""
        for plugin in self._validating:
            await plugin.validate(attributes)
