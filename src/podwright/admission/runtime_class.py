"""RuntimeClass: a Pod of a class pays the class's overhead and goes where the class may run.

On by default. What the class does to the Pod is decided by pure functions; the plugin reads the class, and the nodes
so that a class whose handler nobody offers is told at once.
Page: https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal, written_pod
from podwright.admission.pod_security.templates import has_template, parts_of
from podwright.admission.tolerations import union
from podwright.api.errors import NotFound
from podwright.api.objects import Object, copy_object, name_of
from podwright.api.pods import spec_of
from podwright.api.quantity import parse_quantity
from podwright.api.resources import NODES, RUNTIME_CLASSES, Resource
from podwright.client.interface import Client

OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
LONE_OVERHEAD = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


class RuntimeClass:
    """Looks at Pods and RuntimeClasses that are created, and at templates of Pods."""

    name = "RuntimeClass"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden for a class that is not there, another overhead, or a conflicting node selector."""
        pod = written_pod(attributes, Operation.CREATE)
        if pod is None:
            return
        spec = pod["spec"]
        chosen = await self._class_of(attributes, spec)
        if chosen is None:
            return
        wrong = set_overhead(spec, chosen) or set_scheduling(spec, chosen)
        if wrong:
            raise refusal(attributes, wrong)

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for an overhead that is not the class's. Warns of a handler that nobody offers."""
        if attributes.resource == RUNTIME_CLASSES:
            if attributes.operation is Operation.CREATE and attributes.obj is not None:
                await self._warn(attributes, attributes.obj)
            return
        if has_template(attributes.resource):
            await self._look_at_template(attributes)
            return
        pod = written_pod(attributes, Operation.CREATE)
        if pod is None:
            return
        spec = spec_of(pod)
        chosen = await self._class_of(attributes, spec)
        wrong = overhead_error(spec, chosen)
        if wrong:
            raise refusal(attributes, wrong)
        if chosen is not None:
            await self._warn(attributes, chosen)

    async def _class_of(self, attributes: Attributes, spec: Mapping[str, Any]) -> Object | None:
        name = spec.get("runtimeClassName")
        if not name:
            return None
        try:
            return await self._client.get(RUNTIME_CLASSES, name)
        except NotFound:
            raise refusal(attributes, f'pod rejected: RuntimeClass "{name}" not found') from None

    async def _look_at_template(self, attributes: Attributes) -> None:
        """Tell of a class that the template's Pods cannot have; it may be made later, so nothing is refused."""
        name = _class_named(attributes.resource, attributes.obj)
        if attributes.subresource or not name or name == _class_named(attributes.resource, attributes.old):
            return
        try:
            await self._warn(attributes, await self._client.get(RUNTIME_CLASSES, name))
        except NotFound:
            attributes.warnings.append(f'RuntimeClass "{name}" not found: Pods of this template will be refused')

    async def _warn(self, attributes: Attributes, chosen: Object) -> None:
        nodes = await self._client.list(NODES)
        warning = handler_warning(chosen, nodes.items)
        if warning:
            attributes.warnings.append(warning)


def set_overhead(spec: dict[str, Any], chosen: Object) -> str:
    """Set the class's overhead in a Pod that has none, in place; what is wrong if it has another, else ""."""
    overhead = (chosen.get("overhead") or {}).get("podFixed")
    if overhead is None:
        return ""
    if spec.get("overhead") is None:
        spec["overhead"] = copy_object(overhead)
        return ""
    return "" if same_amounts(spec["overhead"], overhead) else OTHER_OVERHEAD


def overhead_error(spec: Mapping[str, Any], chosen: Object | None) -> str:
    """What is wrong with the final Pod's overhead, "" if nothing is."""
    overhead = ((chosen or {}).get("overhead") or {}).get("podFixed")
    if overhead is None:
        return LONE_OVERHEAD if spec.get("overhead") else ""
    return "" if same_amounts(spec.get("overhead") or {}, overhead) else OTHER_OVERHEAD


def set_scheduling(spec: dict[str, Any], chosen: Object) -> str:
    """Add the class's node selector and tolerations, in place; the conflict if there is one, else ""."""
    scheduling = chosen.get("scheduling")
    if not scheduling:
        return ""
    wanted, own = scheduling.get("nodeSelector") or {}, spec.get("nodeSelector") or {}
    for key in sorted(wanted):
        if key in own and own[key] != wanted[key]:
            return (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted[key]}; "
                f"pod.spec.nodeSelector[{key}] = {own[key]}"
            )
    if wanted:
        spec["nodeSelector"] = {**own, **wanted}
    tolerations = scheduling.get("tolerations") or ()
    if tolerations:
        spec["tolerations"] = copy_object([dict(t) for t in union(spec.get("tolerations") or (), tolerations)])
    return ""


def same_amounts(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two resource lists say the same, however they write it."""
    try:
        return {k: parse_quantity(v) for k, v in a.items()} == {k: parse_quantity(v) for k, v in b.items()}
    except ValueError:
        return False


def handler_warning(chosen: Object, nodes: Sequence[Object]) -> str:
    """What to tell the author when no ready node offers the class's handler; "" also when no node says what it has."""
    offered = {
        handler.get("name") or ""
        for node in nodes
        if _ready(node)
        for handler in (node.get("status") or {}).get("runtimeHandlers") or ()
    }
    handler = chosen.get("handler") or ""
    if not offered or handler in offered:
        return ""
    listed = ", ".join(sorted(offered - {""})) or "none but the default one"
    return (
        f'RuntimeClass "{name_of(chosen)}": no ready node offers the handler "{handler}"; handlers there are: {listed}'
    )


def _class_named(resource: Resource, obj: Object | None) -> str:
    """The class that the template in an object names, "" for none."""
    parts = parts_of(resource, obj) if obj is not None else None
    return (parts.spec.get("runtimeClassName") or "") if parts is not None else ""


def _ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
