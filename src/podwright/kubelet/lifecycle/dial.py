"""Connecting to a container's port, and how the failure of it is worded.

Called by `handlers.py` and `prober/runners.py` for tcpSocket; `http_get.py` shares the words, which are Go's, since
people look for them.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-a-tcp-liveness-probe
"""

from __future__ import annotations

import asyncio
import errno
import os


async def connect(host: str, port: int) -> None:
    """Return once somebody there takes a connection, which is ended at once. Raises OSError."""
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    # How the other side takes the end of it is its own affair.
    transport.close()


def dial_error(error: OSError, target: str) -> str:
    """`dial tcp 10.0.0.1:80: connect: connection refused`"""
    code = error.errno or 0
    if isinstance(error, TimeoutError) or code == errno.ETIMEDOUT:
        return f"dial tcp {target}: i/o timeout"
    if code <= 0 or code not in errno.errorcode:
        return f"dial tcp {target}: {error.strerror or error}"
    return f"dial tcp {target}: connect: {os.strerror(code).lower()}"
