"""Where the files of a Pod's containers lie on the host: logs, log links, termination messages.

Pure. The layout below each root is the kubelet's, so that log agents made for a node find everything.
Page: https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-location-node
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, name_of, namespace_of, uid_of

_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Paths:
    """The roots: `pod_logs` (one folder a Pod), `container_logs` (links by container)."""

    pod_logs: Path
    container_logs: Path

    def log_directory(self, namespace: str, name: str, uid: str) -> Path:
        """`<pod_logs>/<namespace>_<name>_<uid>`"""
        return self.pod_logs / f"{namespace}_{name}_{uid}"

    def pod_log_directory(self, pod: Object) -> Path:
        """`log_directory` of a Pod object."""
        return self.log_directory(namespace_of(pod), name_of(pod), uid_of(pod))

    def log_link(self, pod: Object, container: str, container_id: str) -> Path:
        """`<container_logs>/<pod>_<namespace>_<container>-<container id>.log`, shortened to what a file name may be."""
        tail = f"-{container_id}.log"
        head = f"{name_of(pod)}_{namespace_of(pod)}_{container}"
        return self.container_logs / (head[: _LONGEST_NAME - len(tail)] + tail)


def message_path(container: str, attempt: int) -> str:
    """The file that is mounted at a container's terminationMessagePath, below its Pod's log directory.

    It lies by the logs because it must live as long: a finished Pod's volumes go before its containers do.
    """
    return f"{container}/{attempt}.message"


def log_path(container: str, attempt: int) -> str:
    """A container's log, below its Pod's log directory."""
    return f"{container}/{attempt}.log"
