"""image volumes: the files of an image, mounted by the runtime itself.

Pulled by the same rules and with the same events as a container's image. A failure belongs to the containers that
mount the volume, so it is kept with the volume and not raised here.
Called by the manager. Page: https://kubernetes.io/docs/concepts/storage/volumes/#image
"""

from __future__ import annotations

from podwright.api.objects import Object
from podwright.kubelet.errors import WaitingError
from podwright.kubelet.interfaces import ContainerKind, ContainerRef, Images


async def ensure(images: Images, pod: Object, volume: Object) -> str | WaitingError:
    """The runtime's id of the volume's image, or why it is not there."""
    source = volume["image"]
    reference = source.get("reference") or ""
    policy = source.get("pullPolicy") or "IfNotPresent"
    try:
        return await images.ensure(_first_user(pod, volume["name"]), reference, policy, "")
    except WaitingError as error:
        return error


def _first_user(pod: Object, volume: str) -> ContainerRef:
    """The container that events are about: the first that mounts the volume."""
    spec = pod.get("spec") or {}
    for kind in (ContainerKind.INIT, ContainerKind.APP):
        for container in spec.get(kind.value) or ():
            if any(mount.get("name") == volume for mount in container.get("volumeMounts") or ()):
                return ContainerRef(pod, container["name"], kind)
    return ContainerRef(pod, spec["containers"][0]["name"], ContainerKind.APP)
