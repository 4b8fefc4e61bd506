"""The signal that asks a container to end, where its Pod names one: `lifecycle.stopSignal`.

Newer runtimes take it when the container is created. One that does not know it would send the image's signal; there the
kubelet sends the Pod's to the container's first process itself and waits for the end, as the runtime would.
Called by `killing`. Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-stop-signals
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal

from podwright.api.objects import Object
from podwright.cri.client import ImageClient, RuntimeClient
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb

_RTMIN, _RTMAX = 34, 64
"""As C libraries count them, and runtimes."""


def named(container: Object) -> str:
    """The signal that the Pod names, `SIGUSR1`; "": none."""
    return str((container.get("lifecycle") or {}).get("stopSignal") or "")


def number(name: str) -> int:
    """`SIGUSR1`, `SIGRTMIN+3`, `SIGRTMAX-1` as the kernel's number. Raises ValueError for a name that it has not."""
    found = re.fullmatch(r"SIGRT(MIN|MAX)(?:([+-])(\d+))?", name)
    if found is None:
        try:
            return signal.Signals[name]
        except KeyError:
            raise ValueError(f"unknown signal {name}") from None
    offset = int(found[3] or 0)
    return (_RTMIN if found[1] == "MIN" else _RTMAX) + (-offset if found[2] == "-" else offset)


async def send(runtime: RuntimeClient, container_id: str, name: str, within: float) -> bool:
    """Send it and wait up to `within` seconds for the end of the container; False: the runtime does that itself.

    Also when the signal cannot be sent: then the runtime's own way is what is left. Raises CriError.
    """
    status = await runtime.container_status(container_id, verbose=True)
    if status.status.stop_signal:
        return False
    pid = _pid(status)
    try:
        process = os.pidfd_open(pid) if pid else -1
    except OSError:
        return False
    if process < 0:
        return False
    try:
        signal.pidfd_send_signal(process, number(name))
        await _ended(process, within)
    except (OSError, ValueError):
        return False
    finally:
        os.close(process)
    return True


async def repeat(runtime: RuntimeClient, images: ImageClient, container_id: str) -> None:
    """Send a container that still runs the signal that its image names, SIGTERM without one. Raises CriError."""
    status = await runtime.container_status(container_id, verbose=True)
    pid = _pid(status)
    if not pid or status.status.state != pb.ContainerState.CONTAINER_RUNNING:
        return
    name = of_image(await images.image_status(status.status.image_ref, verbose=True))
    with contextlib.suppress(OSError):  # it has ended meanwhile
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, number(name))
        finally:
            os.close(process)


def of_image(answer: pb.ImageStatusResponse) -> str:
    """The stop signal of an image, as a name that `number` knows."""
    try:
        named = str(json.loads(answer.info.get("info", "{}"))["imageSpec"]["config"]["StopSignal"]).upper()
        found = signal.Signals(int(named)).name if named.isdecimal() else f"SIG{named.removeprefix('SIG')}"
        number(found)
    except (ValueError, KeyError, TypeError):
        # Most images name none, a runtime need not tell it, and what it tells may be no signal.
        return "SIGTERM"
    return found


async def _ended(process: int, within: float) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process, ended.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await ended.wait()
    finally:
        loop.remove_reader(process)


def _pid(status: pb.ContainerStatusResponse) -> int:
    """The first process of a container as the runtime tells it; 0 where it does not."""
    try:
        pid: int = json.loads(status.info.get("info", "{}")).get("pid") or 0
    except (ValueError, AttributeError) as error:
        raise CriError("Unknown", f"what the runtime says of a container is no JSON: {error}") from error
    return pid
