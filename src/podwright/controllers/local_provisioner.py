"""Makes volumes of the class `local`: a folder of this node each, below `<data>/volumes`.

    <data>/volumes/<name of the volume>      what a claim has; anybody in the Pod may write to it
    <data>/volumes                           only root may enter it

How much a claim asked for is written down and not enforced: the folders share one disk. Called by `persistent_volumes`.
Page: https://kubernetes.io/docs/concepts/storage/dynamic-provisioning/
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import PERSISTENT_VOLUMES, STORAGE_CLASSES
from podwright.api.volumes import DEFAULT_CLASS, PROVISIONED_BY, PV_CONTROLLER, SELECTED_NODE, annotation, spec_of

PROVISIONER = "podwright.dev/local"
CLASS = "local"
_HOSTNAME = "kubernetes.io/hostname"
_PRIVATE, _OPEN = 0o700, 0o777
_OCTAL = re.compile(r"\\([0-7]{3})")


class ProvisioningError(Exception):
    """Why no volume can be made for a claim; the text is for whoever made the claim."""


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """The folder in which volumes are made, and the node that it is on."""

    folder: Path
    node_name: str


def storage_class() -> Object:
    """The class that every node has from its first start; it is the default until somebody says otherwise."""
    return {
        "apiVersion": STORAGE_CLASSES.api_version,
        "kind": STORAGE_CLASSES.kind,
        "metadata": {"name": CLASS, "annotations": {DEFAULT_CLASS: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def volume_for(claim: Object, of_class: Object, storage: LocalStorage, node_labels: Mapping[str, str]) -> Object:
    """The PersistentVolume for a claim. Raises ProvisioningError when it cannot be had here. Pure."""
    spec, name = spec_of(claim), f"pvc-{uid_of(claim)}"
    selected = annotation(claim, SELECTED_NODE) or storage.node_name
    if selected != storage.node_name:
        raise ProvisioningError(f"volumes of this class are on node {storage.node_name}, not on {selected}")
    if spec.get("selector"):
        raise ProvisioningError("claim.Spec.Selector is not supported for dynamic provisioning")
    if spec.get("volumeMode") == "Block":
        raise ProvisioningError("volumes of this class are folders; volumeMode Block is not supported")
    if spec.get("dataSource") or spec.get("dataSourceRef"):
        raise ProvisioningError("volumes of this class are made empty; dataSource is not supported")
    if parameters := sorted(of_class.get("parameters") or {}):
        raise ProvisioningError(f"volumes of this class take no parameters, and there is {', '.join(parameters)}")
    if not _allowed(of_class, node_labels):
        raise ProvisioningError(f"allowedTopologies of the class leave out node {storage.node_name}")
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace_of(claim)}
    reference |= {"name": name_of(claim), "uid": uid_of(claim)}
    if version := metadata(claim).get("resourceVersion"):
        reference["resourceVersion"] = version
    hostname = {"key": _HOSTNAME, "operator": "In", "values": [node_labels.get(_HOSTNAME) or storage.node_name]}
    return {
        "apiVersion": PERSISTENT_VOLUMES.api_version,
        "kind": PERSISTENT_VOLUMES.kind,
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}, "finalizers": [PV_CONTROLLER]},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": list(spec.get("accessModes") or ()),
            "persistentVolumeReclaimPolicy": of_class.get("reclaimPolicy") or "Delete",
            "storageClassName": name_of(of_class),
            "volumeMode": "Filesystem",
            "claimRef": reference,
            "hostPath": {"path": str(storage.folder / name), "type": "Directory"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
        },
    }


def _allowed(of_class: Object, labels: Mapping[str, str]) -> bool:
    terms = of_class.get("allowedTopologies") or ()
    return not terms or any(
        all(labels.get(e.get("key")) in (e.get("values") or ()) for e in term.get("matchLabelExpressions") or ())
        for term in terms
    )


async def make_folder(volume: Object) -> None:
    """Make the folder of a volume of `volume_for`. Raises OSError."""
    await asyncio.to_thread(_make, Path(volume["spec"]["hostPath"]["path"]))


def _make(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.parent.mkdir(mode=_PRIVATE, parents=True)
        folder.parent.chmod(_PRIVATE)
    folder.mkdir(exist_ok=True)
    # The mode of mkdir passes through the umask.
    folder.chmod(_OPEN)


async def remove_folder(volume: Object, storage: LocalStorage) -> None:
    """Delete what a volume holds.

    Raises ProvisioningError when that is not a folder of ours, or something is mounted in it, OSError.
    """
    folder = Path((spec_of(volume).get("hostPath") or {}).get("path") or "/")
    if folder != storage.folder / name_of(volume):
        raise ProvisioningError(f"{folder} is not a folder that was made for this volume")
    await asyncio.to_thread(_remove, folder)


def _remove(folder: Path) -> None:
    # What a Pod with the right to mounted there is not the volume's, and would be deleted with it.
    if points := [point for point in _mount_points() if point == folder or folder in point.parents]:
        raise ProvisioningError(f"{points[0]} is still mounted")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _mount_points() -> list[Path]:
    """Of this machine, as the kernel writes them: a space as `\\040`."""
    lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    return [Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4])) for line in lines]
