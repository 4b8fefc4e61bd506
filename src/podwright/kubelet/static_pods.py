"""Static Pods: manifests in a folder of this node, run without an API server.

`read_manifest` (pure) decides what Pod a file stands for; `StaticPods` follows the folder and tells `PodConfig`.
A file that cannot be used is logged once per change and leaves the others alone. Its Pod has a UID made from its
content, so a changed manifest is a new Pod under the old name.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from podwright.api.objects import Object, copy_object, metadata, name_of, rfc3339_micro, uid_of
from podwright.api.pods import SOURCE_ANNOTATION, containers, spec_of
from podwright.kubelet.config import FILE, PodConfig
from podwright.kubelet.pod_lifecycle import Clock
from podwright.kubelet.static_defaults import with_defaults

log = logging.getLogger(__name__)

HASH_ANNOTATION = "kubernetes.io/config.hash"
SEEN_ANNOTATION = "kubernetes.io/config.seen"
CHECK_EVERY = 1.0
"""Seconds between looks at the folder; a look is one directory listing."""

_VOLUME_REFERENCES = {
    "secret": "secrets",
    "configMap": "configmaps",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims",
}
_PROJECTED_REFERENCES = {
    "secret": "secrets",
    "configMap": "configmaps",
    "serviceAccountToken": "serviceaccounts",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
}
_ENV_REFERENCES = {
    "secretRef": "secrets",
    "configMapRef": "configmaps",
    "secretKeyRef": "secrets",
    "configMapKeyRef": "configmaps",
}


class ManifestError(Exception):
    """The file does not hold a Pod that can be run; the text says why."""


def read_manifest(content: bytes, path: str, node_name: str) -> Object:
    """The static Pod that a manifest file stands for on this node. Raises ManifestError."""
    import yaml

    try:
        pod = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ManifestError(f"neither YAML nor JSON: {error}") from None
    if not isinstance(pod, dict) or (pod.get("apiVersion"), pod.get("kind")) != ("v1", "Pod"):
        raise ManifestError("expected one object of apiVersion v1, kind Pod")
    if not isinstance(pod.get("spec"), dict) or not pod["spec"].get("containers"):
        raise ManifestError("spec.containers: Required value")
    name = name_of(pod)
    if not name:
        raise ManifestError("metadata.name: Required value")
    if reference := api_reference(pod):
        raise ManifestError(f"static pods may not reference {reference}")
    canonical = json.dumps(pod, sort_keys=True, default=str)
    digest = hashlib.md5(f"{node_name}\0{path}\0{canonical}".encode(), usedforsecurity=False).hexdigest()
    static = with_defaults(pod)
    meta = static["metadata"]
    meta["uid"] = meta.get("uid") or digest
    meta["name"] = f"{name}-{node_name.lower()}"
    meta["namespace"] = meta.get("namespace") or "default"
    # Another content is another Pod, so there is never a second generation.
    meta["generation"] = 1
    meta["annotations"] = {
        **(meta.get("annotations") or {}),
        HASH_ANNOTATION: digest,
        SOURCE_ANNOTATION: FILE,
    }
    static["spec"]["nodeName"] = node_name
    tolerations = static["spec"].setdefault("tolerations", [])
    tolerations.append({"operator": "Exists", "effect": "NoExecute"})
    static["status"] = {"phase": "Pending"}
    return static


def api_reference(pod: Object) -> str:
    """The kind of API object that the Pod cannot do without, as a plural; "": none."""
    spec = spec_of(pod)
    if spec.get("serviceAccountName") or spec.get("serviceAccount"):
        return "serviceaccounts"
    if spec.get("imagePullSecrets"):
        return "secrets"
    if spec.get("resourceClaims"):
        return "resourceclaims"
    return next(_references(spec), "")


def _references(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        yield from (kind for field, kind in _VOLUME_REFERENCES.items() if volume.get(field))
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from (kind for field, kind in _PROJECTED_REFERENCES.items() if source.get(field))
    for at in containers(spec):
        for env in at.container.get("env") or ():
            yield from (kind for field, kind in _ENV_REFERENCES.items() if (env.get("valueFrom") or {}).get(field))
        for source in at.container.get("envFrom") or ():
            yield from (kind for field, kind in _ENV_REFERENCES.items() if source.get(field))


Listing = Mapping[str, tuple[int, int, int]]
"""Path to (inode, size, mtime in ns)."""


class StaticPods:
    """Follows one folder (or one file) of manifests."""

    def __init__(self, path: Path, node_name: str, config: PodConfig, now: Clock) -> None:
        self._path = path
        self._node_name = node_name
        self._config = config
        self._now = now
        self._listing: Listing | None = None
        self._pods: dict[str, Object] = {}

    async def run(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(CHECK_EVERY)

    async def look(self) -> None:
        """Take in what has changed since the last look."""
        listing = await asyncio.to_thread(list_manifests, self._path)
        if listing == self._listing:
            return
        old = self._listing or {}
        changed = [path for path, stamp in listing.items() if old.get(path) != stamp]
        contents = await asyncio.to_thread(_read_all, changed)
        pods = {path: pod for path, pod in self._pods.items() if path in listing and path not in contents}
        for path, content in contents.items():
            try:
                pods[path] = self._seen(path, read_manifest(content, path, self._node_name))
            except ManifestError as error:
                log.error("manifest %s is not used: %s", path, error)
        self._listing, self._pods = listing, pods
        self._config.replace(FILE, pods.values())

    def _seen(self, path: str, pod: Object) -> Object:
        """With the time of first sight: a file that was only touched is the same Pod."""
        known = self._pods.get(path)
        if known is not None and uid_of(known) == uid_of(pod):
            seen = metadata(known)["annotations"][SEEN_ANNOTATION]
        else:
            seen = rfc3339_micro(self._now())
        stamped = copy_object(pod)
        stamped["metadata"]["annotations"][SEEN_ANNOTATION] = seen
        return stamped


def list_manifests(path: Path) -> Listing:
    """The files that count: all but hidden ones and folders. A folder that is not there has none. Reads the disk."""
    found = {}
    try:
        entries: Sequence[os.DirEntry[str] | Path] = [path] if path.is_file() else list(os.scandir(path))
        for entry in entries:
            if entry.name.startswith(".") or not entry.is_file():
                continue
            stat = entry.stat()
            found[os.fspath(entry)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError:
        return found
    return dict(sorted(found.items()))


def _read_all(paths: Sequence[str]) -> dict[str, bytes]:
    contents = {}
    for path in paths:
        try:
            contents[path] = Path(path).read_bytes()
        except OSError as error:
            log.error("manifest %s cannot be read: %s", path, error)
    return contents
