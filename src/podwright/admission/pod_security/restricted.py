"""The checks that the profile "restricted" adds: current practice for hardening. Pure; called through `profiles`.

Page: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwright.admission.pod_security.baseline import in_user_namespace
from podwright.admission.pod_security.violation import (
    Check,
    PodParts,
    Violation,
    context_of,
    counted,
    each_container,
    named_containers,
    quoted,
    setters,
)

_VOLUMES: Final = frozenset(
    {
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    }
)  # fmt: skip


def not_windows(check: Check) -> Check:
    """`check` for all Pods but those of Windows, where what it asks for cannot be set."""

    def checked(pod: PodParts) -> Violation | None:
        return None if (pod.spec.get("os") or {}).get("name") == "windows" else check(pod)

    return checked


def allow_privilege_escalation(pod: PodParts) -> Violation | None:
    """No process gets more privileges than its parent, and that is said."""
    names = [c["name"] for c in each_container(pod) if context_of(c).get("allowPrivilegeEscalation") is not False]
    if not names:
        return None
    detail = f"{named_containers(names)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def capabilities(pod: PodParts) -> Violation | None:
    """All capabilities are dropped; the one for low ports may be added."""
    keeping, adding, added = [], [], set()
    for container in each_container(pod):
        sets: Mapping[str, Any] = context_of(container).get("capabilities") or {}
        if "ALL" not in (sets.get("drop") or ()):
            keeping.append(container["name"])
        other = set(sets.get("add") or ()) - {"NET_BIND_SERVICE"}
        if other:
            adding.append(container["name"])
            added |= other
    details = []
    if keeping:
        details.append(f'{named_containers(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        listed = quoted(sorted(added))
        details.append(f"{named_containers(adding)} must not include {listed} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def volumes(pod: PodParts) -> Violation | None:
    """Only volumes that neither the node's files nor a server's are reached by."""
    names, kinds = [], set()
    for volume in pod.spec.get("volumes") or ():
        sources = sorted(key for key, value in volume.items() if key != "name" and value is not None)
        if not _VOLUMES.intersection(sources):
            names.append(volume["name"])
            kinds.add(sources[0] if sources else "unknown")
    if not names:
        return None
    what = f"{counted('uses', names, 'use')} {counted('restricted volume type', kinds)} {quoted(sorted(kinds))}"
    return Violation("restricted volume types", f"{counted('volume', names)} {quoted(names)} {what}")


def run_as_non_root(pod: PodParts) -> Violation | None:
    """Nobody is root, and that is said."""
    whole = context_of(pod.spec).get("runAsNonRoot")
    own = {c["name"]: context_of(c).get("runAsNonRoot") for c in each_container(pod)}
    saying_no = [name for name, value in own.items() if value is False]
    if whole is False or saying_no:
        detail = f"{setters(whole is False, saying_no)} must not set securityContext.runAsNonRoot=false"
        return Violation("runAsNonRoot != true", detail)
    silent = [name for name, value in own.items() if value is None and not whole]
    if not silent:
        return None
    detail = f"pod or {named_containers(silent)} must set securityContext.runAsNonRoot=true"
    return Violation("runAsNonRoot != true", detail)


def run_as_non_root_1_35(pod: PodParts) -> Violation | None:
    """As `run_as_non_root`, but root of its own user namespace a Pod may be."""
    return None if in_user_namespace(pod) else run_as_non_root(pod)


def run_as_user_1_23(pod: PodParts) -> Violation | None:
    """Nobody asks to be root."""
    pod_too = context_of(pod.spec).get("runAsUser") == 0
    names = [c["name"] for c in each_container(pod) if context_of(c).get("runAsUser") == 0]
    if not pod_too and not names:
        return None
    return Violation("runAsUser=0", f"{setters(pod_too, names)} must not set runAsUser=0")


def run_as_user_1_35(pod: PodParts) -> Violation | None:
    """As `run_as_user_1_23`, but root of its own user namespace a Pod may be."""
    return None if in_user_namespace(pod) else run_as_user_1_23(pod)


def seccomp_profile_1_19(pod: PodParts) -> Violation | None:
    """A profile is set, and it is the runtime's own or one of this machine."""
    good, bad = {"RuntimeDefault", "Localhost"}, set()
    whole = context_of(pod.spec).get("seccompProfile")
    own = {c["name"]: context_of(c).get("seccompProfile") for c in each_container(pod)}
    wrong = [name for name, profile in own.items() if profile is not None and profile.get("type") not in good]
    bad = {(own[name] or {}).get("type") or "" for name in wrong}
    whole_good = whole is not None and whole.get("type") in good
    whole_wrong = whole is not None and not whole_good
    if whole_wrong:
        bad.add((whole or {}).get("type") or "")
    if bad:
        where = "must not set securityContext.seccompProfile.type to"
        return Violation("seccompProfile", f"{setters(whole_wrong, wrong)} {where} {quoted(sorted(bad))}")
    silent = [name for name, profile in own.items() if profile is None and not whole_good]
    if not silent:
        return None
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation("seccompProfile", f"pod or {named_containers(silent)} {wanted}")
