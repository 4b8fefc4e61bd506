"""The checks of the profile "baseline": known ways to more privileges are closed. Pure; called through `profiles`.

One function a check; `_1_19` and the like is the version that brought this form of it. Texts are upstream's, since
people match on them. Page: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from podwright.admission.pod_security.violation import (
    PodParts,
    Violation,
    context_of,
    counted,
    each_container,
    named_containers,
    quoted,
    setters,
)

_APPARMOR_ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER: Final = "container.seccomp.security.alpha.kubernetes.io/"
_GOOD_PROFILES: Final = frozenset({"RuntimeDefault", "Localhost"})
_CAPABILITIES: Final = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
_SELINUX_TYPES: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    }
)  # fmt: skip
_SYSCTLS_1_27: Final = _SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_1_29: Final = _SYSCTLS_1_27 | {
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
_SYSCTLS_1_32: Final = _SYSCTLS_1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


def _other_profiles(pod: PodParts, field: str) -> tuple[bool, list[str], set[str]]:
    """Whether the Pod, and which containers, set a profile that is not good, and the types of these."""
    values: set[str] = set()

    def bad(holder: Mapping[str, Any]) -> bool:
        profile = context_of(holder).get(field)
        if profile is None or profile.get("type") in _GOOD_PROFILES:
            return False
        values.add(profile.get("type") or "")
        return True

    return bad(pod.spec), [c["name"] for c in each_container(pod) if bad(c)], values


def app_armor_profile(pod: PodParts) -> Violation | None:
    """No profile but the runtime's own or one of this machine."""
    pod_too, names, values = _other_profiles(pod, "appArmorProfile")
    annotations = sorted(
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in pod.annotations.items()
        if key.startswith(_APPARMOR_ANNOTATION)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    )
    who = [setters(pod_too, names)] if pod_too or names else []
    if annotations:
        who.append(counted("annotation", annotations))
    if not who:
        return None
    listed = [*sorted(values), *annotations]
    return Violation(
        counted("forbidden AppArmor profile", listed),
        f"{' and '.join(who)} must not set AppArmor profile type to {quoted(listed)}",
    )


def capabilities(pod: PodParts) -> Violation | None:
    """No capability is added but those that containers have by default."""
    names, added = _added(pod, _CAPABILITIES)
    if not names:
        return None
    detail = f"{named_containers(names)} must not include {quoted(sorted(added))} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


def _added(pod: PodParts, allowed: frozenset[str]) -> tuple[list[str], set[str]]:
    """The containers that add other capabilities than `allowed`, and those capabilities."""
    names, added = [], set()
    for container in each_container(pod):
        other = set((context_of(container).get("capabilities") or {}).get("add") or ()) - allowed
        if other:
            names.append(container["name"])
            added |= other
    return names, added


def host_namespaces(pod: PodParts) -> Violation | None:
    """No namespace of the node's."""
    fields = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)]
    return Violation("host namespaces", ", ".join(fields)) if fields else None


def host_path_volumes(pod: PodParts) -> Violation | None:
    """No volume that is a folder of the node."""
    names = [v["name"] for v in pod.spec.get("volumes") or () if v.get("hostPath") is not None]
    return Violation("hostPath volumes", f"{counted('volume', names)} {quoted(names)}") if names else None


def host_ports(pod: PodParts) -> Violation | None:
    """No port of the node's."""
    names, found = [], set()
    for container in each_container(pod):
        here = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        if here:
            names.append(container["name"])
            found |= here
    if not names:
        return None
    uses = f"{counted('uses', names, 'use')} {counted('hostPort', found)}"
    return Violation("hostPort", f"{named_containers(names)} {uses} {', '.join(sorted(found))}")


def host_probes_1_34(pod: PodParts) -> Violation | None:
    """Probes and hooks go to the Pod itself, not to a host that they name."""
    names: set[str] = set()
    hosts: set[str] = set()
    for container in each_container(pod):
        lifecycle = container.get("lifecycle") or {}
        handlers = [container.get(f"{kind}Probe") or {} for kind in ("liveness", "readiness", "startup")]
        handlers += [lifecycle.get("postStart") or {}, lifecycle.get("preStop") or {}]
        named = ((handler.get(kind) or {}).get("host") for handler in handlers for kind in ("httpGet", "tcpSocket"))
        here = {host for host in named if host}
        if here:
            names.add(container["name"])
            hosts |= here
    if not names:
        return None
    what = counted("probe or lifecycle host", hosts)
    detail = f"{named_containers(sorted(names))} {counted('uses', names, 'use')} {what} {quoted(sorted(hosts))}"
    return Violation("probe or lifecycle host", detail)


def privileged(pod: PodParts) -> Violation | None:
    """No privileged container."""
    names = [c["name"] for c in each_container(pod) if context_of(c).get("privileged")]
    if not names:
        return None
    return Violation("privileged", f"{named_containers(names)} must not set securityContext.privileged=true")


def proc_mount(pod: PodParts) -> Violation | None:
    """/proc stays masked."""
    found = {c["name"]: context_of(c).get("procMount") or "Default" for c in each_container(pod)}
    names = [name for name, kind in found.items() if kind != "Default"]
    if not names:
        return None
    kinds = quoted(sorted({found[name] for name in names}))
    return Violation("procMount", f"{named_containers(names)} must not set securityContext.procMount to {kinds}")


def proc_mount_1_35(pod: PodParts) -> Violation | None:
    """As `proc_mount`, but in a user namespace of its own a Pod may see it all."""
    return None if in_user_namespace(pod) else proc_mount(pod)


def in_user_namespace(pod: PodParts) -> bool:
    """Whether root in the Pod is nobody on the node."""
    return pod.spec.get("hostUsers") is False


def selinux_options(pod: PodParts) -> Violation | None:
    """No other SELinux type than those of containers; user and role unset."""
    return _selinux(pod, _SELINUX_TYPES)


def selinux_options_1_31(pod: PodParts) -> Violation | None:
    """As `selinux_options`, with the type of container engines."""
    return _selinux(pod, _SELINUX_TYPES | {"container_engine_t"})


def _selinux(pod: PodParts, allowed: frozenset[str]) -> Violation | None:
    types: set[str] = set()
    wrong: set[str] = set()

    def bad(holder: Mapping[str, Any]) -> bool:
        options = context_of(holder).get("seLinuxOptions") or {}
        here = {name for name in ("user", "role") if options.get(name)}
        if (options.get("type") or "") not in allowed:
            types.add(options["type"])
            here.add("type")
        wrong.update(here)
        return bool(here)

    pod_too = bad(pod.spec)
    names = [c["name"] for c in each_container(pod) if bad(c)]
    if not wrong:
        return None
    data = [f"{counted('type', types)} {quoted(sorted(types))}"] if types else []
    data += [f"{name} may not be set" for name in ("user", "role") if name in wrong]
    what = f"{setters(pod_too, names)} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}"
    return Violation("seLinuxOptions", what)


def seccomp_profile(pod: PodParts) -> Violation | None:
    """Before v1.19, by annotations."""
    keys = [_SECCOMP_POD, *(_SECCOMP_CONTAINER + c["name"] for c in each_container(pod))]
    forbidden = sorted(
        {
            f"{key}={json.dumps(value, ensure_ascii=False)}"
            for key in keys
            if (value := pod.annotations.get(key)) is not None
            and value not in ("runtime/default", "docker/default")
            and not value.startswith("localhost/")
        }
    )
    if not forbidden:
        return None
    return Violation("seccompProfile", f"forbidden {counted('annotation', forbidden)} {', '.join(forbidden)}")


def seccomp_profile_1_19(pod: PodParts) -> Violation | None:
    """No profile but the runtime's own or one of this machine."""
    pod_too, names, values = _other_profiles(pod, "seccompProfile")
    if not pod_too and not names:
        return None
    where = "must not set securityContext.seccompProfile.type to"
    return Violation("seccompProfile", f"{setters(pod_too, names)} {where} {quoted(sorted(values))}")


def sysctls(pod: PodParts) -> Violation | None:
    """Only kernel parameters that stay within the Pod."""
    return _sysctls(pod, _SYSCTLS)


def sysctls_1_27(pod: PodParts) -> Violation | None:
    """As `sysctls`, with one more."""
    return _sysctls(pod, _SYSCTLS_1_27)


def sysctls_1_29(pod: PodParts) -> Violation | None:
    """As `sysctls_1_27`, with those of TCP keepalive."""
    return _sysctls(pod, _SYSCTLS_1_29)


def sysctls_1_32(pod: PodParts) -> Violation | None:
    """As `sysctls_1_29`, with TCP's buffers."""
    return _sysctls(pod, _SYSCTLS_1_32)


def _sysctls(pod: PodParts, allowed: frozenset[str]) -> Violation | None:
    names = [s["name"] for s in context_of(pod.spec).get("sysctls") or () if s["name"] not in allowed]
    return Violation("forbidden sysctls", ", ".join(names)) if names else None


def windows_host_process(pod: PodParts) -> Violation | None:
    """No process of a Windows host."""

    def bad(holder: Mapping[str, Any]) -> bool:
        return bool((context_of(holder).get("windowsOptions") or {}).get("hostProcess"))

    pod_too = bad(pod.spec)
    names = [c["name"] for c in each_container(pod) if bad(c)]
    if not pod_too and not names:
        return None
    who = setters(pod_too, names)
    return Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true")
