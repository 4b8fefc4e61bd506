"""Which other objects a Pod's definition names: Secrets, ConfigMaps, claims, its service account.

Pure. Called where it is decided what a node may read: the node authorizer and the admission plugin NodeRestriction.
Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from podwright.api.objects import Object, name_of, namespace_of

Reference = tuple[str, str, str]
"""Plural, namespace, name."""


def references(pod: Object) -> frozenset[Reference]:
    """The objects that a Pod's definition names, all in its own namespace."""
    namespace, spec = namespace_of(pod), pod.get("spec") or {}
    found: set[Reference] = set()
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
