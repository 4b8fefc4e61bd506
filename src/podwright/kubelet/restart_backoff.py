"""How long a container that ended must wait before it is started again: the crash back-off.

What it decides: given when the container ended, whether its restart must wait and how long. Called by
`kuberuntime/sync_pod`, which advances an entry only when it really restarts the container. The clock is an
argument, and nothing is kept on disk: a new kubelet starts every container's back-off anew, as Kubernetes does.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from dataclasses import dataclass

INITIAL = 10.0
"""seconds after the first restart"""
MAXIMUM = 300.0
RESET_AFTER = 600.0
"""seconds of running after which an entry counts as if it were not there"""
_FACTOR = 2


@dataclass(frozen=True, slots=True)
class Wait:
    """The restart must wait."""

    window: float
    """seconds, the whole back-off as its message names it"""
    left: float
    """seconds until it is over"""


@dataclass(frozen=True, slots=True)
class _Entry:
    window: float
    restarted_at: float


class RestartBackoff:
    """Back-off windows by container; a key names the Pod, the container, its image and its resources.

    `maximum` is KubeletConfiguration's `crashLoopBackOff.maxContainerRestartPeriod` in seconds; one below the
    initial window lowers that too. All times are seconds since the epoch.
    """

    def __init__(self, maximum: float = MAXIMUM) -> None:
        self._maximum = maximum
        self._initial = min(INITIAL, maximum)
        self._entries: dict[tuple[str, ...], _Entry] = {}

    def check(self, key: tuple[str, ...], finished_at: float, now: float) -> Wait | None:
        """Whether a container that ended at `finished_at` must still wait; None: it may start."""
        entry = self._live(key, finished_at)
        if entry is None:
            return None
        left = finished_at + entry.window - now
        return Wait(entry.window, left) if left > 0 else None

    def restarted(self, key: tuple[str, ...], finished_at: float, now: float) -> None:
        """A restart is being performed: the next one waits longer."""
        entry = self._live(key, finished_at)
        window = self._initial if entry is None else min(entry.window * _FACTOR, self._maximum)
        self._entries[key] = _Entry(window, now)

    def forget(self, uid: str) -> None:
        """Drop every entry whose key begins with this Pod's UID."""
        for key in [key for key in self._entries if key[0] == uid]:
            del self._entries[key]

    def _live(self, key: tuple[str, ...], finished_at: float) -> _Entry | None:
        entry = self._entries.get(key)
        # Long enough between the restart and the end means that the container ran well: it starts from anew.
        if entry is None or finished_at - entry.restarted_at > RESET_AFTER:
            return None
        return entry


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a duration: `10s`, `1m20s`, `5m0s`, `1h0m0s`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{secs}s"
    return f"{minutes}m{secs}s" if minutes else f"{secs}s"
