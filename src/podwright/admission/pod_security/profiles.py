"""Which checks a profile consists of in a version, and what they find in a Pod. Pure; called by `plugin`.

A check of "restricted" may take the place of a weaker one of "baseline". Checks run in the order of their names, those
of "baseline" first, so that messages are always the same.
Source: k8s.io/pod-security-admission policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from podwright.admission.pod_security import baseline, restricted
from podwright.admission.pod_security.levels import Level, Profile
from podwright.admission.pod_security.violation import Check, PodParts, Violation

LATEST: Final = 36
"""The minor version of the API that is served: later ones are judged as this one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A check by its name, with the minor versions that brought its forms."""

    name: str
    level: Level
    forms: Sequence[tuple[int, Check]]
    """(first minor version, check), in that order"""
    instead_of: str = ""
    """The rule of "baseline" that this one of "restricted" makes needless."""

    def form(self, minor: int) -> Check | None:
        """The check as it was in a version; None where it was not there yet."""
        found = [check for first, check in self.forms if first <= minor]
        return found[-1] if found else None


def _baseline(name: str, *forms: tuple[int, Check]) -> Rule:
    return Rule(name, Level.BASELINE, forms)


def _restricted(name: str, *forms: tuple[int, Check], instead_of: str = "") -> Rule:
    return Rule(name, Level.RESTRICTED, forms, instead_of)


def _also_windows(first: int, check: Check) -> tuple[tuple[int, Check], tuple[int, Check]]:
    """Since v1.25 a Pod may say that it is one of Windows."""
    return (first, check), (25, restricted.not_windows(check))


RULES: Final = (
    _baseline("appArmorProfile", (0, baseline.app_armor_profile)),
    _baseline("capabilities_baseline", (0, baseline.capabilities)),
    _baseline("hostNamespaces", (0, baseline.host_namespaces)),
    _baseline("hostPathVolumes", (0, baseline.host_path_volumes)),
    _baseline("hostPorts", (0, baseline.host_ports)),
    _baseline("hostProbesAndHostLifecycle", (34, baseline.host_probes_1_34)),
    _baseline("privileged", (0, baseline.privileged)),
    _baseline("procMount", (0, baseline.proc_mount), (35, baseline.proc_mount_1_35)),
    _baseline("seLinuxOptions", (0, baseline.selinux_options), (31, baseline.selinux_options_1_31)),
    _baseline("seccompProfile_baseline", (0, baseline.seccomp_profile), (19, baseline.seccomp_profile_1_19)),
    _baseline(
        "sysctls",
        (0, baseline.sysctls),
        (27, baseline.sysctls_1_27),
        (29, baseline.sysctls_1_29),
        (32, baseline.sysctls_1_32),
    ),
    _baseline("windowsHostProcess", (0, baseline.windows_host_process)),
    _restricted("allowPrivilegeEscalation", *_also_windows(8, restricted.allow_privilege_escalation)),
    _restricted(
        "capabilities_restricted", *_also_windows(22, restricted.capabilities), instead_of="capabilities_baseline"
    ),
    _restricted("procMount_restricted", (35, baseline.proc_mount), instead_of="procMount"),
    _restricted("restrictedVolumes", (0, restricted.volumes), instead_of="hostPathVolumes"),
    _restricted("runAsNonRoot", (0, restricted.run_as_non_root), (35, restricted.run_as_non_root_1_35)),
    _restricted("runAsUser", (23, restricted.run_as_user_1_23), (35, restricted.run_as_user_1_35)),
    _restricted(
        "seccompProfile_restricted",
        *_also_windows(19, restricted.seccomp_profile_1_19),
        instead_of="seccompProfile_baseline",
    ),
)


@cache
def checks_of(profile: Profile) -> Sequence[Check]:
    """The checks of a profile, in order; none for "privileged"."""
    if profile.level is Level.PRIVILEGED:
        return ()
    minor = LATEST if profile.minor is None else min(profile.minor, LATEST)
    there = [rule for rule in RULES if rule.level <= profile.level and rule.form(minor) is not None]
    replaced = {rule.instead_of for rule in there}
    ordered = sorted((r for r in there if r.name not in replaced), key=lambda rule: (rule.level, rule.name))
    return tuple(check for rule in ordered if (check := rule.form(minor)) is not None)


def violations(profile: Profile, pod: PodParts) -> list[Violation]:
    """What in a Pod breaks the profile."""
    return [found for check in checks_of(profile) if (found := check(pod)) is not None]


def reasons(found: Sequence[Violation]) -> str:
    """In short, for a list of Pods."""
    return ", ".join(violation.reason for violation in found)


def details(found: Sequence[Violation]) -> str:
    """With the places, for one Pod."""
    return ", ".join(str(violation) for violation in found)
