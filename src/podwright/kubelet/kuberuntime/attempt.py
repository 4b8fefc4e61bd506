"""Which attempt a container's next instance is, and the files that are made for it on the host.

The attempt is the restartCount. Where the runtime has lost its containers the log files that are left tell how often
the container has run. Called by `container`, in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from podwright.kubelet.kuberuntime.paths import message_path
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a new instance gets."""

    attempt: int
    message_file: str
    """empty when none is wanted"""


def known_attempt(newest: ContainerStatus | None) -> int | None:
    """The next attempt, from the newest instance; None: nothing is known of any.

    One that was created and never started (we were stopped in between) is replaced by another of the same number.
    """
    if newest is None:
        return None
    return newest.attempt if newest.state is ContainerState.CREATED else newest.attempt + 1


def prepare(pod_logs: Path, container: str, attempt: int | None, *, with_message: bool) -> Prepared:
    """Make the container's log directory and message file; `attempt` None: count its logs. Raises OSError."""
    directory = pod_logs / container
    directory.mkdir(parents=True, exist_ok=True)
    if attempt is None:
        attempt = next_by_logs(path.name for path in directory.iterdir())
    if not with_message:
        return Prepared(attempt, "")
    file = pod_logs / message_path(container, attempt)
    file.touch()
    # Whichever user the container runs as must be able to write it.
    file.chmod(0o666)
    return Prepared(attempt, str(file))


def next_by_logs(names: Iterable[str]) -> int:
    """One more than the highest `<n>.log` (rotated ones count too) among file names; 0 when there is none."""
    highest = -1
    for name in names:
        number, dot, rest = name.partition(".")
        if dot and number.isdecimal() and rest.startswith("log"):
            highest = max(highest, int(number))
    return highest + 1
