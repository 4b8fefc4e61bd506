"""A Pod's and a container's securityContext in the runtime's terms.

What it decides: user and groups, capabilities, namespaces, seccomp, AppArmor and SELinux, /proc masks, and whether
`runAsNonRoot` forbids the start. Pure; called by `container_config` and `sandbox_config`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import ContainerConfigError
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.pod_containers import Member, describe_pod, members, pod_spec

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class ImageUser:
    """Whom an image runs as; both unset: root."""

    uid: int | None = None
    name: str = ""


def pod_context(pod: Object) -> Mapping[str, Any]:
    """spec.securityContext"""
    return pod_spec(pod).get("securityContext") or {}


def effective(pod: Object, container: Object, field: str) -> Any:
    """A securityContext field: the container's, else the Pod's, else None."""
    value = (container.get("securityContext") or {}).get(field)
    return pod_context(pod).get(field) if value is None else value


def needs_image_user(pod: Object, container: Object) -> bool:
    """Whether the image's user must be known: it decides about `runAsNonRoot`, and no group goes without a user."""
    if effective(pod, container, "runAsUser") is not None:
        return False
    return bool(effective(pod, container, "runAsNonRoot")) or effective(pod, container, "runAsGroup") is not None


def check_non_root(pod: Object, container: Object, image: ImageUser) -> None:
    """Raises ContainerConfigError when `runAsNonRoot` is asked for and the container would run as root, or might."""
    if not effective(pod, container, "runAsNonRoot"):
        return
    where = f'(pod: "{describe_pod(pod)}", container: {container["name"]})'
    user = effective(pod, container, "runAsUser")
    if user is not None:
        if int(user) == 0:
            raise ContainerConfigError(f"container's runAsUser breaks non-root policy {where}")
        return
    if image.uid is None and image.name:
        raise ContainerConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({image.name}), "
            f"cannot verify user is non-root {where}"
        )
    if not image.uid:
        raise ContainerConfigError(f"container has runAsNonRoot and image will run as root {where}")


def container_security(
    pod: Object, member: Member, image: ImageUser | None, facts: NodeFacts, target_id: str = ""
) -> pb.LinuxContainerSecurityContext:
    """`image` is the image's user where `needs_image_user`; `target_id` the container an ephemeral one looks into.

    Raises ContainerConfigError for a seccomp profile outside the node's directory of them.
    """
    container = member.spec
    own = container.get("securityContext") or {}
    security = pb.LinuxContainerSecurityContext(
        privileged=bool(own.get("privileged")),
        namespace_options=namespaces(pod, target_id),
        readonly_rootfs=bool(own.get("readOnlyRootFilesystem")),
        supplemental_groups=supplemental_groups(pod),
        no_new_privs=own.get("allowPrivilegeEscalation") is False,
        seccomp=seccomp(effective(pod, container, "seccompProfile"), facts),
    )
    capabilities = own.get("capabilities")
    if capabilities:
        security.capabilities.CopyFrom(
            pb.Capability(
                add_capabilities=capabilities.get("add") or (), drop_capabilities=capabilities.get("drop") or ()
            )
        )
    if own.get("procMount") != "Unmasked":
        security.masked_paths.extend(MASKED_PATHS)
        security.readonly_paths.extend(READONLY_PATHS)
    user, group = effective(pod, container, "runAsUser"), effective(pod, container, "runAsGroup")
    if user is not None:
        security.run_as_user.value = int(user)
    elif image is not None:
        if image.name and image.uid is None:
            security.run_as_username = image.name
        else:
            security.run_as_user.value = image.uid or 0
    if group is not None:
        security.run_as_group.value = int(group)
    if pod_context(pod).get("supplementalGroupsPolicy") == "Strict":
        security.supplemental_groups_policy = pb.SupplementalGroupsPolicy.Strict
    selinux = effective(pod, container, "seLinuxOptions")
    if selinux:
        security.selinux_options.CopyFrom(selinux_options(selinux))
    apparmor = effective(pod, container, "appArmorProfile")
    if apparmor:
        security.apparmor.CopyFrom(_profile(apparmor, apparmor.get("localhostProfile") or ""))
    return security


def sandbox_security(pod: Object, facts: NodeFacts) -> pb.LinuxSandboxSecurityContext:
    """What the sandbox's own process gets."""
    context = pod_context(pod)
    confined = any(_is_confined(effective(pod, m.spec, "seccompProfile"), facts) for m in members(pod))
    security = pb.LinuxSandboxSecurityContext(
        privileged=any((m.spec.get("securityContext") or {}).get("privileged") for m in members(pod)),
        namespace_options=namespaces(pod),
        supplemental_groups=supplemental_groups(pod),
        # Confined as soon as one container is: its process must be no way around that container's filter. Where none
        # is, there is nothing to get around, and making the filter costs a tenth of the sandbox's start.
        seccomp=pb.SecurityProfile(
            profile_type=pb.SecurityProfile.RuntimeDefault if confined else pb.SecurityProfile.Unconfined
        ),
    )
    if context.get("runAsUser") is not None:
        security.run_as_user.value = int(context["runAsUser"])
        # The runtime takes a group only together with a user.
        if context.get("runAsGroup") is not None:
            security.run_as_group.value = int(context["runAsGroup"])
    if context.get("seLinuxOptions"):
        security.selinux_options.CopyFrom(selinux_options(context["seLinuxOptions"]))
    return security


def namespaces(pod: Object, target_id: str = "") -> pb.NamespaceOption:
    """Which namespaces are the node's, the Pod's, the container's own, or another container's."""
    spec = pod_spec(pod)
    node, shared = pb.NamespaceMode.NODE, pb.NamespaceMode.POD
    if target_id:
        pid = pb.NamespaceMode.TARGET
    elif spec.get("hostPID"):
        pid = node
    else:
        pid = shared if spec.get("shareProcessNamespace") else pb.NamespaceMode.CONTAINER
    return pb.NamespaceOption(
        network=node if spec.get("hostNetwork") else shared,
        ipc=node if spec.get("hostIPC") else shared,
        pid=pid,
        target_id=target_id,
    )


def supplemental_groups(pod: Object) -> Sequence[int]:
    """The Pod's supplemental groups, fsGroup among them."""
    context = pod_context(pod)
    groups = [int(g) for g in context.get("supplementalGroups") or ()]
    if context.get("fsGroup") is not None:
        groups.insert(0, int(context["fsGroup"]))
    return groups


def _is_confined(profile: Mapping[str, Any] | None, facts: NodeFacts) -> bool:
    return facts.seccomp_default if not profile else profile.get("type") != "Unconfined"


def seccomp(profile: Mapping[str, Any] | None, facts: NodeFacts) -> pb.SecurityProfile:
    """The seccomp profile; none given: the node's default.

    Raises ContainerConfigError for a path that leads out of the node's directory of profiles.
    """
    if not profile:
        default = pb.SecurityProfile.RuntimeDefault if facts.seccomp_default else pb.SecurityProfile.Unconfined
        return pb.SecurityProfile(profile_type=default)
    name = profile.get("localhostProfile") or ""
    if profile.get("type") == "Localhost":
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ContainerConfigError(f"localhostProfile {name!r} must name a file below {facts.seccomp_profiles}")
        return _profile(profile, str(facts.seccomp_profiles / name))
    return _profile(profile, "")


def selinux_options(options: Mapping[str, Any]) -> pb.SELinuxOption:
    """SELinux labels as given."""
    return pb.SELinuxOption(**{key: options.get(key) or "" for key in ("user", "role", "type", "level")})


def _profile(profile: Mapping[str, Any], localhost_ref: str) -> pb.SecurityProfile:
    kinds = {
        "RuntimeDefault": pb.SecurityProfile.RuntimeDefault,
        "Unconfined": pb.SecurityProfile.Unconfined,
        "Localhost": pb.SecurityProfile.Localhost,
    }
    kind = kinds.get(profile.get("type") or "")
    if kind is None:
        raise ContainerConfigError(f"unknown security profile type {profile.get('type')!r}")
    localhost = localhost_ref if kind == pb.SecurityProfile.Localhost else ""
    return pb.SecurityProfile(profile_type=kind, localhost_ref=localhost)
