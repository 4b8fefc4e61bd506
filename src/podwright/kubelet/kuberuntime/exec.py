"""Commands inside a container, for hooks and probes: one CRI ExecSync each.

Page: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-execution
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from podwright.cri.client import RuntimeClient
from podwright.cri.errors import CriError, DeadlineExceeded
from podwright.kubelet.interfaces import ExecResult, Rescue


class CriExec:
    """`interfaces.ExecRunner` on a container runtime."""

    def __init__(self, runtime: RuntimeClient, rescue: Rescue | None = None) -> None:
        self._runtime = runtime
        self._rescue = rescue

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        """Run to the end; `timeout` in seconds, 0 for none. Raises CriError, TimeoutError."""
        try:
            answer = await self._runtime.exec_sync(container_id, command, timeout=timeout)
        except asyncio.CancelledError:
            self._broken_off()
            raise
        except CriError as error:
            if isinstance(error, DeadlineExceeded):
                self._broken_off()
            if timeout and _is_timeout(error):
                raise TimeoutError(f"command timed out: {error.message}") from error
            raise
        return ExecResult(answer.exit_code, answer.stdout, answer.stderr)

    def _broken_off(self) -> None:
        if self._rescue is not None:
            self._rescue.suspect()


def _is_timeout(error: CriError) -> bool:
    # containerd before 1.7 tells a command that took too long only by its text.
    return isinstance(error, DeadlineExceeded) or ("timeout" in error.message and "exceeded" in error.message)
