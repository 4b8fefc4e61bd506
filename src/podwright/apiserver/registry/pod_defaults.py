"""The values that a Pod's fields take when they are not written, and the one form quantities are kept in.

Called by `pod.py` (and for templates by the strategies of workloads) before admission and again after it; filling
in twice changes nothing. Source: pkg/apis/core/v1/defaults.go and
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

from typing import Any

from podwright.api import quantity
from podwright.api.objects import Object
from podwright.api.pods import containers, containers_together
from podwright.apiserver.registry.image_policy import default_pull_policy
from podwright.apiserver.registry.volume_defaults import default_field_ref, default_resource_ref, default_volume

DEFAULT_GRACE_SECONDS = 30
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod(pod: Object) -> None:
    """Fill in a Pod, in place."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    for at in containers(spec, ("initContainers", "containers")):
        _requests_from_limits(at.container["resources"])
        if spec.get("hostNetwork"):
            _ports_of_the_host(at.container)
    if spec.get("resources"):
        _pod_level(spec)
    spec.setdefault("enableServiceLinks", True)


def default_pod_spec(spec: dict[str, Any]) -> None:
    """Fill in a Pod's spec or that of a template, in place."""
    # A null is the same as nothing; the defaults below must see it so.
    for name in [n for n, value in spec.items() if value is None]:
        del spec[name]
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=DEFAULT_GRACE_SECONDS,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
    )
    spec.setdefault("securityContext", {})
    # The older name of the field is kept equal to the newer one, which wins.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    if not spec.get("runtimeClassName"):
        spec.pop("runtimeClassName", None)
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for at in containers(spec):
        default_container(at.container)
    normalize_quantities(spec.get("overhead"))
    for kind in ("limits", "requests"):
        normalize_quantities((spec.get("resources") or {}).get(kind))


def default_container(container: dict[str, Any]) -> None:
    """Fill in one container, in place."""
    for name in [n for n, value in container.items() if value is None]:
        del container[name]
    _fill(
        container,
        imagePullPolicy=default_pull_policy(container.get("image") or ""),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
    for probe in (container[p] for p in _PROBES if container.get(p) is not None):
        _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
        _default_handler(probe)
        if probe.get("grpc") is not None:
            probe["grpc"].setdefault("service", "")
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _default_handler(hook)
    for source in (e["valueFrom"] for e in container.get("env") or () if e.get("valueFrom")):
        default_field_ref(source)
        default_resource_ref(source)
    for kind in ("limits", "requests"):
        normalize_quantities(container["resources"].get(kind))


def normalize_quantities(resources: dict[str, Any] | None) -> None:
    """Write quantities as the API gives them back (`0.5` becomes `500m`); what is none is left for validation."""
    for name, value in (resources or {}).items():
        try:
            canonical = quantity.canonical(value)
        except ValueError:
            continue
        if resources is not None:
            resources[name] = canonical


def _default_handler(handler: dict[str, Any]) -> None:
    if http := handler.get("httpGet"):
        _fill(http, path="/", scheme="HTTP")


def _requests_from_limits(resources: dict[str, Any]) -> None:
    limits = resources.get("limits")
    if not limits:
        return
    requests = resources.get("requests") or {}
    resources["requests"] = {**{k: v for k, v in limits.items() if k not in requests}, **requests}


def _ports_of_the_host(container: dict[str, Any]) -> None:
    for port in container.get("ports") or ():
        if not port.get("hostPort") and port.get("containerPort"):
            port["hostPort"] = port["containerPort"]


def _pod_level(spec: dict[str, Any]) -> None:
    """Resources of the whole Pod: what its containers ask for together, else its own limit; huge pages as theirs."""
    own = spec["resources"]
    limits, requests = dict(own.get("limits") or {}), dict(own.get("requests") or {})
    try:
        asked, limited = containers_together(spec, "requests"), containers_together(spec, "limits")
    except ValueError:
        return  # validation names the quantity that is wrong
    for name, value in limited.items():
        if name.startswith("hugepages-"):
            limits.setdefault(name, value)
    for name, value in (*((n, asked[n]) for n in ("cpu", "memory") if n in asked), *limits.items()):
        requests.setdefault(name, value)
    for kind, amounts in (("limits", limits), ("requests", requests)):
        if amounts:
            own[kind] = amounts


def _fill(holder: dict[str, Any], **defaults: Any) -> None:
    """Set what is unset; an empty text or number 0 counts as unset where the API cannot tell them apart."""
    for name, value in defaults.items():
        current = holder.get(name)
        if current is None or current == "" or (current == 0 and name in _ZERO_IS_UNSET):
            holder[name] = value


_ZERO_IS_UNSET = frozenset({"timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"})
