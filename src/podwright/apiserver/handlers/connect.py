"""Connections that a request opens, as admission sees them: exec, attach, port-forward and the proxy to a node.

Called by `front.py` before anything is handed on. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from __future__ import annotations

from typing import Any, Final

from multidict import MultiMapping

from podwright.admission.interface import Attributes, Operation
from podwright.api.objects import Object
from podwright.apiserver.context import Call, Context

_STREAMS: Final = ("stdin", "stdout", "stderr", "tty")
_KINDS: Final = {
    ("pods", "exec"): "PodExecOptions",
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}


def options_of(plural: str, subresource: str, rest: str, query: MultiMapping[str]) -> Object | None:
    """The object that stands for a connection; None for what opens none (logs). `rest`: the path behind a proxy."""
    kind = _KINDS.get((plural, subresource))
    if kind is None:
        return None
    given: dict[str, Any] = {}
    if subresource == "proxy":
        given = {"path": f"/{rest}"}
    elif kind == "PodPortForwardOptions":
        ports = [port for value in query.getall("ports", []) for port in value.split(",")]
        given = {"ports": [int(port) for port in ports if port.isdecimal()]}
    else:
        given = {name: True for name in _STREAMS if query.get(name, "").lower() in ("1", "true")}
        given["container"] = query.get("container", "")
        given["command"] = query.getall("command", [])
    return {"apiVersion": "v1", "kind": kind, **{key: value for key, value in given.items() if value}}


async def admit_connection(context: Context, call: Call, options: Object) -> None:
    """Have admission look at a connection. Raises StatusError when it is refused."""
    attributes = Attributes(
        Operation.CONNECT,
        call.resource,
        call.user,
        namespace=call.namespace if call.resource.namespaced else "",
        name=call.name,
        subresource=call.subresource,
        obj=options,
        warnings=call.warnings,
    )
    await context.admission.admit(attributes)
    await context.admission.validate(attributes)
