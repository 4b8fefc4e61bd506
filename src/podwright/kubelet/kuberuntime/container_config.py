"""What the runtime is asked to create for one container.

What it decides: the CRI ContainerConfig from the Pod, the container and what was found out for it (image, environment
and mounts, attempt). Pure; called by `container`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import ContainerConfigError
from podwright.kubelet.interfaces import ContainerKind, Mount, RunOptions
from podwright.kubelet.kuberuntime.labels import container_annotations, container_labels
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.paths import log_path
from podwright.kubelet.kuberuntime.pod_containers import Member
from podwright.kubelet.kuberuntime.resources import container_resources
from podwright.kubelet.kuberuntime.security import ImageUser, check_non_root, container_security

_PROPAGATION = {
    "": pb.MountPropagation.PROPAGATION_PRIVATE,
    "None": pb.MountPropagation.PROPAGATION_PRIVATE,
    "HostToContainer": pb.MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
    "Bidirectional": pb.MountPropagation.PROPAGATION_BIDIRECTIONAL,
}


@dataclass(frozen=True, slots=True)
class ContainerInput:
    """What is known of a container when it is created."""

    pod: Object
    member: Member
    attempt: int
    image: str
    """the runtime's id of the image"""
    options: RunOptions
    image_user: ImageUser | None = None
    """only where `security.needs_image_user`"""
    message_file: str = ""
    """host path of the file for the termination message; "" when it could not be had"""
    target_id: str = ""
    """the container whose processes an ephemeral one sees"""
    runtime_handler: str = ""


def container_config(given: ContainerInput, facts: NodeFacts) -> pb.ContainerConfig:
    """Raises ContainerConfigError where the container's security forbids the start or cannot be expressed."""
    pod, member, options = given.pod, given.member, given.options
    container = member.spec
    check_non_root(pod, container, given.image_user or ImageUser())
    try:
        resources = container_resources(pod, member, facts)
    except ValueError as error:
        raise ContainerConfigError(f"resources of container {member.name}: {error}") from error
    config = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=member.name, attempt=given.attempt),
        image=pb.ImageSpec(
            image=given.image,
            user_specified_image=container.get("image") or "",
            runtime_handler=given.runtime_handler,
        ),
        command=options.command,
        args=options.args,
        working_dir=container.get("workingDir") or "",
        envs=[pb.KeyValue(key=key, value=value.encode("utf-8", "surrogateescape")) for key, value in options.env],
        mounts=[_mount(mount) for mount in options.mounts],
        labels=container_labels(pod, member.name),
        annotations=container_annotations(pod, member, given.attempt),
        log_path=log_path(member.name, given.attempt),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        linux=pb.LinuxContainerConfig(
            resources=resources,
            security_context=container_security(pod, member, given.image_user, facts, given.target_id),
        ),
    )
    message_path = container.get("terminationMessagePath")
    if given.message_file and message_path:
        config.mounts.append(pb.Mount(container_path=message_path, host_path=given.message_file))
    signal = (container.get("lifecycle") or {}).get("stopSignal")
    if signal:
        config.stop_signal = stop_signal(signal)
    return config


def stop_signal(name: str) -> Any:
    """`SIGUSR1`, `SIGRTMIN+3` as the runtime's number. Raises ContainerConfigError for a name that it has not."""
    key = "SIGNAL_" + name.replace("+", "PLUS").replace("-", "MINUS")
    try:
        return pb.Signal.Value(key)
    except ValueError as error:
        raise ContainerConfigError(f"unknown stop signal {name!r}") from error


def wants_message_file(member: Member) -> bool:
    """Whether the container has a path for its termination message."""
    return bool(member.spec.get("terminationMessagePath"))


def target_of(member: Member) -> str:
    """The name of the container whose process namespace an ephemeral container joins, "" for none."""
    if member.kind is not ContainerKind.EPHEMERAL:
        return ""
    target: str = member.spec.get("targetContainerName") or ""
    return target


def _mount(mount: Mount) -> pb.Mount:
    made = pb.Mount(
        container_path=mount.container_path,
        host_path=mount.host_path,
        readonly=mount.read_only,
        recursive_read_only=mount.recursive_read_only,
        propagation=_PROPAGATION[mount.propagation],
    )
    if mount.image:
        made.image.image = mount.image
        made.image_sub_path = mount.image_sub_path
    return made
