"""Which Pod is ended first when the node is short of something.

Pure; called by `manager`. Those that use more than they asked for go first, then those of lower priority, then those
that use most above what they asked for. Nobody asks for processes: there priority and number decide.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from podwright.api.objects import Object
from podwright.api.pods import requests, spec_of
from podwright.kubelet.eviction.thresholds import DISK, MEMORY
from podwright.kubelet.pod_admission import is_critical


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Pod with what it uses of the resource that is short."""

    pod: Object
    used: int
    containers: Mapping[str, int] = field(default_factory=dict)
    """what each of its containers uses"""


def in_order_of_eviction(resource: str, candidates: Iterable[Candidate]) -> Sequence[Candidate]:
    """Who may be ended, the first one first. Pods that the node needs are none of them."""
    return sorted(
        (one for one in candidates if not is_critical(one.pod)),
        key=lambda one: _place(resource, one),
    )


def _place(resource: str, one: Candidate) -> tuple[bool, int, int]:
    above = one.used - _requested(resource, one.pod)
    return above <= 0, spec_of(one.pod).get("priority") or 0, -above


def _requested(resource: str, pod: Object) -> int:
    return int(requests(pod).get(resource, 0)) if resource in (MEMORY, DISK) else 0
