"""What Pods refer to, by node: the reason for which a kubelet may read a Secret.

`references` is pure. `NodeReferences` notes which Pods have changed and looks at them when it is next asked, so that
a Pod's write costs next to nothing. Called by `node.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from podwright.apiserver.context import Context
from podwright.storage.interface import StoreEvent

Reference = tuple[str, str, str]
"""Plural, namespace, name."""

MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a Pod that only shows what a node runs by itself."""


def references(pod: Object) -> frozenset[Reference]:
    """What a Pod needs its kubelet to read, the Pod itself included. A mirror Pod may bring its node nothing more."""
    namespace, spec = namespace_of(pod), pod.get("spec") or {}
    found = {("pods", namespace, name_of(pod))}
    if MIRROR in (metadata(pod).get("annotations") or {}):
        return frozenset(found)
    if spec.get("serviceAccountName"):
        found.add(("serviceaccounts", namespace, spec["serviceAccountName"]))
    pairs = [("secrets", s.get("name")) for s in spec.get("imagePullSecrets") or ()]
    for volume in spec.get("volumes") or ():
        pairs += _of_volume(volume, name_of(pod))
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            pairs += _of_environment(container)
    return frozenset(found.union((plural, namespace, name) for plural, name in pairs if name))


def _of_volume(volume: Mapping[str, Any], pod: str) -> Iterator[tuple[str, str | None]]:
    sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
    for source in sources:
        secret, config_map = source.get("secret") or {}, source.get("configMap") or {}
        # A volume says secretName, a projection name.
        yield "secrets", secret.get("secretName") or secret.get("name")
        yield "configmaps", config_map.get("name")
    yield "persistentvolumeclaims", (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if volume.get("ephemeral"):
        yield "persistentvolumeclaims", f"{pod}-{volume.get('name')}"
    yield "secrets", ((volume.get("csi") or {}).get("nodePublishSecretRef") or {}).get("name")


def _of_environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    for source in container.get("envFrom") or ():
        yield "secrets", (source.get("secretRef") or {}).get("name")
        yield "configmaps", (source.get("configMapRef") or {}).get("name")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "secrets", (source.get("secretKeyRef") or {}).get("name")
        yield "configmaps", (source.get("configMapKeyRef") or {}).get("name")


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
                new = references(pod)
                self._known[key] = node, new
                self._counts.update((node, reference) for reference in new)
