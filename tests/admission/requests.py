"""Requests for the tests of admission plugins."""

from __future__ import annotations

from typing import Any

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.objects import Object
from podwright.api.resources import PODS, Resource

ALICE = User("alice")


def pod(**spec: Any) -> Object:
    """A Pod with one container."""
    containers = spec.pop("containers", [{"name": "app", "image": "app:1", "imagePullPolicy": "IfNotPresent"}])
    return {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": containers, **spec}}


def write(
    obj: Object | None,
    operation: Operation = Operation.CREATE,
    *,
    resource: Resource = PODS,
    old: Object | None = None,
    subresource: str = "",
    name: str = "p",
) -> Attributes:
    """A write of `obj`."""
    namespace = "default" if resource.namespaced else ""
    return Attributes(operation, resource, ALICE, namespace, name, subresource, obj, old)
