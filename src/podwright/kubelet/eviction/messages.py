"""What is said of a Pod that is ended because the node is short of something: status, condition and event alike.

Pure; called by `manager`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

from decimal import Decimal

from podwright.api.pods import containers, spec_of
from podwright.api.quantity import Family, format_quantity, parse_quantity
from podwright.kubelet.eviction.ranking import Candidate
from podwright.kubelet.eviction.thresholds import DISK, MEMORY, PIDS, Shortage
from podwright.kubelet.status.generate import Verdict

REASON = "Evicted"


def verdict(message: str) -> Verdict:
    """Failed, with the message in status and condition."""
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message}
    return Verdict(REASON, message, [disrupted])


def eviction_message(shortage: Shortage, candidate: Candidate) -> str:
    """Why this Pod is ended, and which of its containers use more than they asked for."""
    quantity, available = (_text(n, shortage.resource) for n in (shortage.quantity, shortage.available))
    text = f"The node was low on resource: {shortage.resource}. "
    text += f"Threshold quantity: {quantity}, available: {available}. "
    if shortage.resource not in (MEMORY, DISK):
        return text
    for at in containers(spec_of(candidate.pod), ("initContainers", "containers")):
        name = at.container["name"]
        asked = ((at.container.get("resources") or {}).get("requests") or {}).get(shortage.resource) or "0"
        used = candidate.containers.get(name)
        if used is not None and used > parse_quantity(asked):
            was = _text(used, shortage.resource)
            text += (
                f"Container {name} was using {was}, request is {asked}, has larger consumption of {shortage.resource}. "
            )
    return text


def _text(amount: int, resource: str) -> str:
    family = Family.DECIMAL_SI if resource == PIDS else Family.BINARY_SI
    return format_quantity(Decimal(amount), family)
