"""What is wrong with the security settings of a Pod or a container.

Called by `container_validation.py` and `pod_spec_validation.py`.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from podwright.apiserver.registry import field_checks as check

_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL_LENGTH = 253
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_WINDOWS_USER_LENGTH = 256


def validate_container_security(path: Path, context: Mapping[str, Any], spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of a container's securityContext in a Pod with `spec`."""
    errors = check.user_or_group_id(path.child("runAsUser"), context.get("runAsUser"))
    errors += check.user_or_group_id(path.child("runAsGroup"), context.get("runAsGroup"))
    mount = context.get("procMount")
    if mount is not None:
        errors += check.optional_one_of(path.child("procMount"), mount, ("Default", "Unmasked"))
        if mount == "Unmasked" and spec.get("hostUsers") is not False:
            errors.append(invalid(path.child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`"))
    errors += _profiles(path, context)
    if context.get("allowPrivilegeEscalation") is False:
        wrong = "cannot set `allowPrivilegeEscalation` to false and "
        if context.get("privileged"):
            errors.append(invalid(path, context, wrong + "`privileged` to true"))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            errors.append(invalid(path, context, wrong + "`capabilities.Add` CAP_SYS_ADMIN"))
    return errors + _windows(path, context, spec)


def validate_pod_security(path: Path, context: Mapping[str, Any], spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of a Pod's securityContext at `path` (`spec.securityContext`)."""
    if not context:
        return []
    errors = [e for f in ("fsGroup", "runAsUser", "runAsGroup")
              for e in check.user_or_group_id(path.child(f), context.get(f))]  # fmt: skip
    for position, group in enumerate(context.get("supplementalGroups") or ()):
        errors += check.user_or_group_id(path.child("supplementalGroups").index(position), group)
    for field, words in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        errors += check.optional_one_of(path.child(field), context.get(field), words)
    errors += _sysctls(path.child("sysctls"), context.get("sysctls") or (), spec)
    return errors + _profiles(path, context) + _windows(path, context, spec)


def validate_host_namespaces(path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of the flags that join a Pod to the host's or to one another's namespaces; `path` is `spec`."""
    errors: list[FieldError] = []
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(path.child("shareProcessNamespace"), True, text))
    if spec.get("hostUsers") is False:
        errors += [
            forbidden(path.child(flag), "when `hostUsers` is false")
            for flag in ("hostNetwork", "hostPID", "hostIPC")
            if spec.get(flag)
        ]
    return errors


def _profiles(path: Path, context: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for field, word in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile = context.get(field)
        if profile is None:
            continue
        where, kind, local = path.child(field), profile.get("type"), profile.get("localhostProfile")
        if not kind:
            errors.append(required(where.child("type"), f"type is required when {field} is set"))
        elif kind not in _PROFILES:
            errors.append(not_supported(where.child("type"), kind, _PROFILES))
        where = where.child("localhostProfile")
        if kind == "Localhost":
            if not local:
                errors.append(required(where, f"must be set when {word} type is Localhost"))
            elif word == "seccomp":
                errors += check.descending_path(where, local)
            elif local != local.strip():
                errors.append(invalid(where, local, "must not be padded with whitespace"))
        elif local is not None:
            errors.append(invalid(where, local, f"can only be set when {word} type is Localhost"))
    return errors


def _sysctls(path: Path, sysctls: Any, spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, sysctl in enumerate(sysctls):
        where, name = path.index(position).child("name"), sysctl.get("name") or ""
        if not name:
            errors.append(required(where))
        elif len(name) > _SYSCTL_LENGTH or not re.fullmatch(_SYSCTL, name, re.ASCII):
            text = f"must have at most {_SYSCTL_LENGTH} characters and match regex ^{_SYSCTL}$"
            errors.append(invalid(where, name, text))
        elif name in (s.get("name") for s in sysctls[:position]):
            errors.append(duplicate(where, name))
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.append(invalid(where, name, "may not be specified when 'hostNetwork' is true"))
        if spec.get("hostIPC") and dotted.startswith(_IPC_SYSCTLS):
            errors.append(invalid(where, name, "may not be specified when 'hostIPC' is true"))
    return errors


def _windows(path: Path, context: Mapping[str, Any], spec: Mapping[str, Any]) -> list[FieldError]:
    options = context.get("windowsOptions")
    if options is None:
        return []
    where = path.child("windowsOptions")
    if (spec.get("os") or {}).get("name") == "linux":
        return [forbidden(where, "windows options cannot be set for a linux pod")]
    errors: list[FieldError] = []
    user = options.get("runAsUserName")
    if user is not None:
        if not user:
            errors.append(invalid(where.child("runAsUserName"), user, "runAsUserName cannot be an empty string"))
        elif len(user) > _WINDOWS_USER_LENGTH * 2:
            errors.append(invalid(where.child("runAsUserName"), user, "runAsUserName is too long"))
    if options.get("hostProcess") and not spec.get("hostNetwork"):
        text = "hostNetwork must be true if pod is configured to run hostProcess containers"
        errors.append(invalid(where.child("hostProcess"), True, text))
    return errors
