"""Which mounts a container gets, out of its volumeMounts and the Pod's volumes.

`plan_mounts` is pure; `carry_out` makes the sub-path binds and runs in a thread. `environment.py` calls both.
Page: https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object
from podwright.kubelet.environment.expansion import expand_strict
from podwright.kubelet.errors import ContainerConfigError
from podwright.kubelet.interfaces import Mount, MountedVolumes
from podwright.kubelet.volumes.mounts import propagation
from podwright.kubelet.volumes.safe_path import EscapeError, bind_sub_path

_NO_PROPAGATION = "None"


@dataclass(frozen=True, slots=True)
class PlannedMount:
    """A mount, and the part of its volume that has to be bound first ("" for the whole)."""

    mount: Mount
    volume: str
    sub_path: str = ""


def plan_mounts(
    container: Object, volumes: MountedVolumes, variables: Mapping[str, str], recursive_read_only: bool
) -> list[PlannedMount]:
    """The mounts of `container`, in its order.

    `variables` is its final environment, for subPathExpr; `recursive_read_only` says whether the runtime can make
    mounts read-only all the way down. Raises ContainerConfigError, and the ImageError of an image volume.
    """
    plans = []
    for entry in container.get("volumeMounts") or ():
        name = entry["name"]
        sub_path = _sub_path(entry, variables)
        read_only = bool(entry.get("readOnly")) or name in volumes.read_only
        propagation = entry.get("mountPropagation") or _NO_PROPAGATION
        mount = Mount(
            container_path="/" + str(entry["mountPath"]).lstrip("/"),
            read_only=read_only,
            recursive_read_only=_recursive(entry, read_only, propagation, recursive_read_only),
            propagation=propagation,
        )
        if name in volumes.image_errors:
            raise volumes.image_errors[name]
        if name in volumes.images:
            mount = dataclasses.replace(mount, image=volumes.images[name], image_sub_path=sub_path, read_only=True)
            plans.append(PlannedMount(mount, name))
        elif name in volumes.paths:
            plans.append(PlannedMount(dataclasses.replace(mount, host_path=volumes.paths[name]), name, sub_path))
        else:
            raise ContainerConfigError(f'cannot find volume "{name}" to mount into container "{container["name"]}"')
    return plans


def _sub_path(entry: Object, variables: Mapping[str, str]) -> str:
    sub_path = str(entry.get("subPath") or "")
    if expression := entry.get("subPathExpr"):
        try:
            sub_path = expand_strict(expression, variables)
        except ValueError as error:
            raise ContainerConfigError(str(error)) from None
    if sub_path.startswith("/"):
        raise ContainerConfigError(f"error SubPath `{sub_path}` must not be an absolute path")
    if ".." in sub_path.split("/"):
        raise ContainerConfigError(f"unable to provision SubPath `{sub_path}`: must not contain '..'")
    return "" if sub_path.strip("/") == "." else sub_path


def _recursive(entry: Object, read_only: bool, propagation: str, possible: bool) -> bool:
    mode = entry.get("recursiveReadOnly") or "Disabled"
    if mode == "Disabled":
        return False
    asked = f'volume "{entry["name"]}" requested recursive read-only mode, but it is'
    if not read_only:
        raise ContainerConfigError(f"{asked} not read-only")
    if propagation != _NO_PROPAGATION:
        raise ContainerConfigError(f'{asked} not compatible with propagation "{propagation}"')
    if mode == "Enabled" and not possible:
        raise ContainerConfigError(f"{asked} not supported by the runtime")
    return possible


def carry_out(plans: Sequence[PlannedMount], sub_paths: Path, container: str) -> list[Mount]:
    """The mounts, their sub-paths bound below `sub_paths` (`<pod>/volume-subpaths`) first. Blocks.

    Raises ContainerConfigError when a sub-path leads out of its volume or cannot be made, or when mounts are to pass
    between container and host and the host's mount does not let them.
    """
    made = []
    for position, plan in enumerate(plans):
        mount = plan.mount
        if plan.sub_path:
            target = sub_paths / plan.volume / container / str(position)
            what = f'failed to prepare subPath for volumeMount "{plan.volume}" of container "{container}"'
            try:
                bind_sub_path(Path(mount.host_path), plan.sub_path, target)
            except EscapeError:
                raise ContainerConfigError(f"{what}: `{plan.sub_path}` leads out of the volume") from None
            except OSError as error:
                raise ContainerConfigError(f"{what}: `{plan.sub_path}`: {error.strerror}") from None
            mount = dataclasses.replace(mount, host_path=str(target))
        if mount.host_path and (why := _does_not_propagate(mount.host_path, mount.propagation)):
            asks = f'volumeMount "{plan.volume}" of container "{container}" asks for mountPropagation'
            raise ContainerConfigError(f"{asks} {mount.propagation}, but {why}")
        made.append(mount)
    return made


def _does_not_propagate(path: str, wanted: str) -> str:
    """Why mounts cannot pass as wanted; the runtime would say no more than that they cannot."""
    if wanted == _NO_PROPAGATION:
        return ""
    found = propagation(Path(path))
    if found.shared or (found.slave and wanted == "HostToContainer"):
        return ""
    return f"{path} lies on the private mount {found.point}; make it shared first: mount --make-rshared {found.point}"
