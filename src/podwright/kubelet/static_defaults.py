"""Fills in what a manifest leaves out, as the API server would have done.

Pure; called by `static_pods`, since a static Pod never passes through an API server on its way to the kubelet.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.objects import Object, copy_object
from podwright.api.pods import containers

_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def with_defaults(pod: Object) -> Object:
    """A copy of `pod` with every default that the kubelet relies on."""
    full = copy_object(pod)
    spec = full["spec"]
    _fill(spec, _POD)
    spec.setdefault("securityContext", {})
    for at in containers(spec, ("initContainers", "containers")):
        _container(at.container, host_network=bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        if set(volume) == {"name"}:
            volume["emptyDir"] = {}
        if isinstance(volume.get("hostPath"), dict):
            volume["hostPath"].setdefault("type", "")
    return full


def default_pull_policy(image: str) -> str:
    """Always for the tag `latest` or none at all, IfNotPresent for another tag or a digest."""
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return "Always" if not colon or tag == "latest" else "IfNotPresent"


def _container(container: dict[str, Any], *, host_network: bool) -> None:
    _fill(container, _CONTAINER)
    container.setdefault("imagePullPolicy", default_pull_policy(container.get("image") or ""))
    resources = container.setdefault("resources", {})
    for name, limit in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, limit)
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network:
            port.setdefault("hostPort", port.get("containerPort"))
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        if isinstance(container.get(kind), dict):
            _fill(container[kind], _PROBE)
            _http(container[kind])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _http(hook)


def _http(handler: Mapping[str, Any]) -> None:
    get = handler.get("httpGet")
    if isinstance(get, dict):
        _fill(get, {"path": "/", "scheme": "HTTP"})
    grpc = handler.get("grpc")
    if isinstance(grpc, dict):
        grpc.setdefault("service", "")


def _fill(holder: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    for name, value in defaults.items():
        if holder.get(name) is None:
            holder[name] = value
