"""A container's log, from the API to standard output. Called by `logs` and `run`.

Page: https://kubernetes.io/docs/concepts/cluster-administration/logging/#basic-logging-in-kubernetes
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwright.api.objects import Object, metadata, name_of
from podwright.api.pods import containers, spec_of
from podwright.api.resources import PODS

if TYPE_CHECKING:
    from podwright.client.http import HttpClient

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class LogQuery:
    """PodLogOptions, as far as verbs use them."""

    container: str
    follow: bool = False
    previous: bool = False
    tail: int | None = None
    """lines from the end; None: all"""

    def parameters(self) -> dict[str, str]:
        """The query of the URL."""
        return {
            "container": self.container,
            "follow": "true" if self.follow else "",
            "previous": "true" if self.previous else "",
            "tailLines": "" if self.tail is None else str(self.tail),
        }


def default_container(pod: Object) -> tuple[str, list[str]]:
    """Whose log is meant when none is named, and all there are: the annotated one, else the first app container."""
    names = [entry.container["name"] for entry in containers(spec_of(pod))]
    first = next(entry.container["name"] for entry in containers(spec_of(pod), ("containers",)))
    wanted = str((metadata(pod).get("annotations") or {}).get(_DEFAULT_CONTAINER) or "")
    return (wanted if wanted in names else first), names


class LineWriter:
    """Writes what comes to standard output; with a prefix, whole lines only, so that logs don't mix."""

    def __init__(self, prefix: str = "", write: Callable[[bytes], object] | None = None) -> None:
        self._prefix = prefix.encode()
        self._write = write or _to_stdout
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Bytes in the order in which they came."""
        if not self._prefix:
            self._write(chunk)
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            self._write(b"".join(self._prefix + line + b"\n" for line in lines))

    def end(self) -> None:
        """A last line that had no end."""
        if self._rest:
            self._write(self._prefix + self._rest + b"\n")
            self._rest = b""


def _to_stdout(chunk: bytes) -> None:
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


async def copy_log(client: HttpClient, namespace: str, pod: str, query: LogQuery, writer: LineWriter) -> None:
    """Copy until the log ends; with `follow` until the container does. Raises a StatusError or OSError."""
    try:
        async with client.stream(PODS.path(namespace, pod, "log"), query.parameters()) as chunks:
            async for chunk in chunks:
                writer.feed(chunk)
    finally:
        writer.end()


def prefix_of(pod: Object, container: str, *, many_pods: bool, many_containers: bool) -> str:
    """What stands before each line where more than one log is shown."""
    if many_pods:
        return f"[{name_of(pod)}/{container}] " if many_containers else f"[{name_of(pod)}] "
    return f"[{container}] " if many_containers else ""
