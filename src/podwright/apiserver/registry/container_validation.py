"""What is wrong with a Pod's containers: app, init and ephemeral ones.

Called by `pod_spec_validation.py` and `pod_update.py`. Pages: https://kubernetes.io/docs/concepts/containers/,
https://kubernetes.io/docs/concepts/workloads/pods/init-containers/ and .../pods/ephemeral-containers/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, not_found, not_supported, required
from podwright.api.pods import is_sidecar
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.env_validation import validate_env, validate_env_from
from podwright.apiserver.registry.handler_validation import validate_lifecycle, validate_probe, validate_stop_signal
from podwright.apiserver.registry.image_policy import POLICIES
from podwright.apiserver.registry.resource_validation import validate_requirements
from podwright.apiserver.registry.security_validation import validate_container_security

Container = Mapping[str, Any]

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_NOT_EPHEMERAL = ("ports", *_PROBES, "lifecycle", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules")
_CANNOT = "cannot be set for an Ephemeral Container"
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")


def validate_containers(path: Path, spec: Mapping[str, Any], *, trimmed_images: bool = True) -> list[FieldError]:
    """Errors of the app containers at `path`; an image padded with blanks is wrong in Pods, not in templates."""
    containers: Sequence[Container] = spec.get("containers") or ()
    if not containers:
        return [required(path)]
    errors: list[FieldError] = []
    taken: set[str] = set()
    for position, container in enumerate(containers):
        where = path.index(position)
        errors += _common(where, container, spec, trimmed_images=trimmed_images)
        errors += _unique(where, container, taken)
        errors += _handlers(where, container, spec)
    return errors + _host_port_conflicts(path, containers)


def validate_init_containers(path: Path, spec: Mapping[str, Any], *, trimmed_images: bool = True) -> list[FieldError]:
    """Errors of the init containers at `path`; only sidecars live long enough for probes and hooks."""
    errors: list[FieldError] = []
    taken = {c.get("name") or "" for c in spec.get("containers") or ()}
    text = "may not be set for init containers without restartPolicy=Always"
    for position, container in enumerate(spec.get("initContainers") or ()):
        where = path.index(position)
        errors += _common(where, container, spec, trimmed_images=trimmed_images)
        errors += _unique(where, container, taken)
        if is_sidecar(container):
            errors += _handlers(where, container, spec)
        else:
            errors += [
                forbidden(where.child(field), text)
                for field in ("lifecycle", *_PROBES)
                if container.get(field) is not None
            ]
        errors += _host_port_conflicts(path, [container])
    return errors


def validate_ephemeral_containers(path: Path, spec: Mapping[str, Any]) -> list[FieldError]:
    """Errors of the ephemeral containers at `path`."""
    errors: list[FieldError] = []
    others = {c.get("name") or "" for f in ("containers", "initContainers") for c in spec.get(f) or ()}
    taken = set(others)
    for position, container in enumerate(spec.get("ephemeralContainers") or ()):
        where = path.index(position)
        errors += _common(where, container, spec, trimmed_images=True)
        errors += _unique(where, container, taken)
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.append(not_found(where.child("targetContainerName"), target))
        errors += [forbidden(where.child(field), _CANNOT) for field in _NOT_EPHEMERAL if container.get(field)]
        for i, mount in enumerate(container.get("volumeMounts") or ()):
            at = where.child("volumeMounts").index(i)
            errors += [forbidden(at.child(f), _CANNOT) for f in ("subPath", "subPathExpr") if mount.get(f)]
    return errors


def _common(path: Path, container: Container, spec: Mapping[str, Any], *, trimmed_images: bool) -> list[FieldError]:
    """What every container must hold to."""
    errors = check.name(path.child("name"), container.get("name"), names.dns_label)
    image = container.get("image") or ""
    if not image:
        errors.append(required(path.child("image")))
    elif trimmed_images and image != image.strip():
        errors.append(invalid(path.child("image"), image, "must not have leading or trailing whitespace"))
    policy = container.get("terminationMessagePolicy")
    errors += check.one_of(path.child("terminationMessagePolicy"), policy, ("FallbackToLogsOnError", "File"))
    errors += _ports(path.child("ports"), container.get("ports") or ())
    volumes = {v.get("name") or "": v for v in spec.get("volumes") or ()}
    errors += validate_env(path.child("env"), container.get("env") or (), volumes)
    errors += validate_env_from(path.child("envFrom"), container.get("envFrom") or ())
    errors += _mounts(path.child("volumeMounts"), container, volumes)
    errors += _devices(path.child("volumeDevices"), container, volumes)
    errors += check.one_of(path.child("imagePullPolicy"), container.get("imagePullPolicy"), POLICIES)
    claims = frozenset(c.get("name") or "" for c in spec.get("resourceClaims") or ())
    errors += validate_requirements(path.child("resources"), container.get("resources") or {}, claims)
    if container.get("resizePolicy"):
        never = spec.get("restartPolicy") == "Never"
        errors += _resize_policy(path.child("resizePolicy"), container["resizePolicy"], may_restart=not never)
    restart = container.get("restartPolicy")
    errors += check.optional_one_of(path.child("restartPolicy"), restart, ("Always", "Never", "OnFailure"))
    if container.get("restartPolicyRules") and not restart:
        text = "must specify restartPolicy when restart rules are used"
        errors.append(required(path.child("restartPolicy"), text))
    if container.get("securityContext") is not None:
        context = container["securityContext"]
        errors += validate_container_security(path.child("securityContext"), context, spec)
    return errors


def _handlers(path: Path, container: Container, spec: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    grace = spec.get("terminationGracePeriodSeconds") or 0
    if container.get("lifecycle") is not None:
        errors += validate_lifecycle(path.child("lifecycle"), container["lifecycle"], grace)
        signal = container["lifecycle"].get("stopSignal")
        os_name = (spec.get("os") or {}).get("name")
        errors += validate_stop_signal(path.child("lifecycle").child("stopSignal"), signal, os_name)
    for kind in _PROBES:
        if container.get(kind) is not None:
            errors += validate_probe(path.child(kind), kind, container[kind], grace)
    return errors


def _unique(path: Path, container: Container, taken: set[str]) -> list[FieldError]:
    name = container.get("name") or ""
    if name and name in taken:
        return [duplicate(path.child("name"), name)]
    taken.add(name)
    return []


def _ports(path: Path, ports: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    for position, port in enumerate(ports):
        where, name = path.index(position), port.get("name") or ""
        if name:
            wrong = check.obeys(where.child("name"), name, names.port_name)
            errors += wrong
            if not wrong and name in taken:
                errors.append(duplicate(where.child("name"), name))
            taken.add(name)
        if not port.get("containerPort"):
            errors.append(required(where.child("containerPort")))
        else:
            errors += check.port_number(where.child("containerPort"), port["containerPort"])
        if port.get("hostPort"):
            errors += check.port_number(where.child("hostPort"), port["hostPort"])
        errors += check.one_of(where.child("protocol"), port.get("protocol"), ("SCTP", "TCP", "UDP"))
    return errors


def _host_port_conflicts(path: Path, containers: Sequence[Container]) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            text = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if text in taken:
                errors.append(duplicate(path.index(i).child("ports").index(j).child("hostPort"), text))
            taken.add(text)
    return errors


def _mounts(path: Path, container: Container, volumes: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    taken: set[str] = set()
    devices = {d.get("devicePath") for d in container.get("volumeDevices") or ()}
    for position, mount in enumerate(container.get("volumeMounts") or ()):
        where, name, target = path.index(position), mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            errors.append(required(where.child("name")))
        elif name not in volumes:
            errors.append(not_found(where.child("name"), name))
        if not target:
            errors.append(required(where.child("mountPath")))
        if target in taken:
            errors.append(invalid(where.child("mountPath"), target, "must be unique"))
        taken.add(target)
        if target in devices:
            text = "must not already exist as a path in volumeDevices"
            errors.append(invalid(where.child("mountPath"), target, text))
        sub, expression = mount.get("subPath"), mount.get("subPathExpr")
        if sub:
            errors += check.descending_path(where.child("subPath"), sub)
        if expression:
            if sub:
                text = "subPathExpr and subPath are mutually exclusive"
                errors.append(invalid(where.child("subPathExpr"), expression, text))
            errors += check.descending_path(where.child("subPathExpr"), expression)
        errors += _propagation(where, mount, container)
    return errors


def _propagation(path: Path, mount: Mapping[str, Any], container: Container) -> list[FieldError]:
    errors: list[FieldError] = []
    mode, privileged = mount.get("mountPropagation"), (container.get("securityContext") or {}).get("privileged")
    where = path.child("mountPropagation")
    if mode is not None and mode not in _PROPAGATIONS:
        errors.append(not_supported(where, mode, _PROPAGATIONS))
    elif mode == "Bidirectional" and not privileged:
        text = "Bidirectional mount propagation is available only to privileged containers"
        errors.append(forbidden(where, text))
    recursive, where = mount.get("recursiveReadOnly"), path.child("recursiveReadOnly")
    if recursive in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            errors.append(forbidden(where, "may only be specified when readOnly is true"))
        if mode not in (None, "None"):
            errors.append(forbidden(where, "may only be specified when mountPropagation is None or not specified"))
    elif recursive is not None:
        errors += check.optional_one_of(where, recursive, ("Disabled", "Enabled", "IfPossible"))
    return errors


def _devices(path: Path, container: Container, volumes: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, device in enumerate(container.get("volumeDevices") or ()):
        where, name = path.index(position), device.get("name") or ""
        if not name:
            errors.append(required(where.child("name")))
        elif name not in volumes:
            errors.append(not_found(where.child("name"), name))
        elif not {"persistentVolumeClaim", "ephemeral"} & set(volumes[name]):
            text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(invalid(where.child("name"), name, text))
        if not device.get("devicePath"):
            errors.append(required(where.child("devicePath")))
        else:
            errors += check.no_backsteps(where.child("devicePath"), device["devicePath"])
    return errors


def _resize_policy(path: Path, policies: Sequence[Mapping[str, Any]], *, may_restart: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, policy in enumerate(policies):
        where = path.index(position)
        errors += check.one_of(where.child("resourceName"), policy.get("resourceName"), ("cpu", "memory"))
        words = ("NotRequired", "RestartContainer")
        errors += check.one_of(where.child("restartPolicy"), policy.get("restartPolicy"), words)
        if policy.get("resourceName") in (p.get("resourceName") for p in policies[:position]):
            errors.append(duplicate(where, policy.get("resourceName")))
        if policy.get("restartPolicy") == "RestartContainer" and not may_restart:
            text = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(invalid(path, policy["restartPolicy"], text))
    return errors
