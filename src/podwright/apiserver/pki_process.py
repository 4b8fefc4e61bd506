"""Certificates made by a process of its own, when any must be made.

The library that makes them takes 14 MB and stays once it is loaded; a node needs it at its first start, and once a
year.
Called by `app.py` while the container runtime starts; `server.py` then finds that everything is there.
Page: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from podwright.apiserver import pki


class Errand(msgspec.Struct):
    """What the process is to do, as JSON on its standard input."""

    directory: str
    wanted: Sequence[pki.Order]
    now: datetime.datetime


async def ensure(directory: Path, wanted: Sequence[pki.Order], now: datetime.datetime) -> None:
    """As `pki.ensure`. Raises OSError, with what the process said, when it failed."""
    if await asyncio.to_thread(pki.stands, directory, wanted, now):
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate(msgspec.json.encode(Errand(str(directory), wanted, now)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise OSError(f"certificates in {directory}: {said.decode(errors='replace').strip()}")


def main() -> None:
    """The process."""
    errand = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    try:
        pki.ensure(Path(errand.directory), errand.wanted, errand.now)
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
