"""Ports for servers that are started by number.

A port that the system gives for the asking may be some connection's own a moment later: it gives them out of the same
range. So these are below that range, and each worker of the tests has a thousand of its own.
"""

from __future__ import annotations

import itertools
import os
import random
import socket

_FIRST, _EACH, _WORKERS = 20_000, 1_000, 10
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_turns = itertools.count(random.randrange(_EACH))


def free_port() -> int:
    """One that nobody on loopback listens at, nor will by chance. Raises OSError when there is none."""
    for turn in itertools.islice(_turns, _EACH):
        port = _FIRST + _EACH * _worker + turn % _EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port of this worker is free")
