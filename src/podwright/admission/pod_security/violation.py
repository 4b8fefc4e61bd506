"""What a check finds, and the phrases that its words are made of. Pure; used by `baseline` and `restricted`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from podwright.api.pods import containers


class PodParts(NamedTuple):
    """What checks look at: of a Pod, or of a template of Pods."""

    annotations: Mapping[str, str]
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that is broken: in short, and with the places where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


Check = Callable[[PodParts], Violation | None]
"""One rule of a profile; None where it is kept."""


def each_container(pod: PodParts) -> Iterator[Mapping[str, Any]]:
    """Init, app and ephemeral containers."""
    for at in containers(pod.spec):
        yield at.container


def context_of(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The security context of a container or of a Pod's spec; empty when there is none."""
    return holder.get("securityContext") or {}


def quoted(items: Iterable[str]) -> str:
    """`"a", "b"`"""
    return ", ".join(f'"{item}"' for item in items)


def counted(singular: str, items: Sequence[str] | set[str], plural: str = "") -> str:
    """The word for one or for several of `items`."""
    return singular if len(items) == 1 else plural or f"{singular}s"


def named_containers(names: Sequence[str]) -> str:
    """`container "a"`, `containers "a", "b"`"""
    return f"{counted('container', names)} {quoted(names)}"


def setters(pod_too: bool, names: Sequence[str]) -> str:
    """Who has set something: `pod and container "a"`; "" for nobody."""
    return " and ".join([*(["pod"] if pod_too else []), *([named_containers(names)] if names else [])])
