"""What Pods refer to, by node: the reason for which a kubelet may read a Secret.

Which Pods have changed is noted, and looked at when it is next asked: a Pod's write costs next to nothing. Called by
`node.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from podwright.api.objects import name_of, namespace_of
from podwright.api.pod_references import Reference, references
from podwright.api.pods import is_mirror
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from podwright.apiserver.context import Context
from podwright.storage.interface import StoreEvent


class NodeReferences:
    """What the Pods of each node refer to."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._row = context.rows.get(PODS)
        self._known: dict[str, tuple[str, frozenset[Reference]]] = {}
        self._counts: Counter[tuple[str, Reference]] = Counter()
        self._changed: set[str] = set()
        if self._row is not None:
            prefix = context.root(self._row)
            self._changed.update(entry.key for entry in context.store.list(prefix).entries)
            context.store.listen(prefix, self._told)

    def _told(self, events: Sequence[StoreEvent]) -> None:
        self._changed.update(event.key for event in events)

    def relate(self, node: str, plural: str, namespace: str, name: str) -> bool:
        """Whether a Pod on `node` refers to an object."""
        if plural == PERSISTENT_VOLUMES.plural:
            return self._relates_volume(node, name)
        self._look()
        return self._counts[node, (plural, namespace, name)] > 0

    def _relates_volume(self, node: str, name: str) -> bool:
        """A Pod refers to a claim, and claim and volume to each other."""
        if not {PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS} <= self._context.rows.keys():
            return False
        volume = self._context.find(PERSISTENT_VOLUMES, name)
        bound = ((volume or {}).get("spec") or {}).get("claimRef") or {}
        namespace, claimed = bound.get("namespace") or "", bound.get("name") or ""
        claim = self._context.find(PERSISTENT_VOLUME_CLAIMS, claimed, namespace) if claimed else None
        if claim is None or (claim.get("spec") or {}).get("volumeName") != name:
            return False
        return self.relate(node, PERSISTENT_VOLUME_CLAIMS.plural, namespace, claimed)

    def _look(self) -> None:
        """Take in the Pods that have changed."""
        row = self._row
        while self._changed and row is not None:
            key = self._changed.pop()
            node, old = self._known.pop(key, ("", frozenset()))
            for reference in old:
                self._counts[node, reference] -= 1
                if not self._counts[node, reference]:
                    del self._counts[node, reference]
            entry = self._context.store.get(key)
            pod = self._context.read(row, entry) if entry else {}
            node = (pod.get("spec") or {}).get("nodeName") or ""
            if node:
                new = frozenset({("pods", namespace_of(pod), name_of(pod))})
                if not is_mirror(pod):
                    # A node makes mirror Pods itself: what they name it could otherwise choose.
                    new |= references(pod)
                self._known[key] = node, new
                self._counts.update((node, reference) for reference in new)
