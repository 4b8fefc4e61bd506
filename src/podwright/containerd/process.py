"""The containerd process: started in a session of its own, found again by the next `up`, told apart from any other.

It must outlive us, so it is no asyncio subprocess (those are killed with their event loop): it is spawned with
posix_spawn, waited for through a pidfd, and known by pid, start time and the path of our configuration in its command
line. It says that it serves through sd_notify, so nothing here polls.
Source: man 2 pidfd_open, man 3 sd_notify, man 5 proc.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podwright.containerd.layout import Layout

_LOG_LIMIT: Final = 10_000_000
"""bytes; a longer log is begun anew at the next start"""


class StartError(Exception):
    """containerd did not come up; the text has the last lines it printed."""


@dataclass(frozen=True, slots=True)
class Process:
    """A running process that can't be mistaken for a later one with the same pid."""

    pid: int
    start_time: int
    """clock ticks since boot, /proc/PID/stat"""

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        return start_time(self.pid) == self.start_time


def start_time(pid: int) -> int | None:
    """When a process was started; None when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


def command_line(pid: int) -> list[str]:
    """Arguments of a process; empty when it is gone."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")[:-1]
    except OSError:
        return []


def find(layout: Layout) -> Process | None:
    """The containerd of this data directory, if it runs. Reads files: call it in a thread."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(layout.process_record.read_text(encoding="utf-8"))
        process = Process(int(record["pid"]), int(record["startTime"]))
        if process.alive and _is_ours(process.pid, layout):
            return process
    # the record may be missing: we may have been killed between the start and the writing of it
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_ours(int(entry.name), layout):
            started = start_time(int(entry.name))
            if started is not None:
                return Process(int(entry.name), started)
    return None


def _is_ours(pid: int, layout: Layout) -> bool:
    arguments = command_line(pid)
    return len(arguments) == 3 and arguments[1:] == ["--config", str(layout.config)]


def find_shims(layout: Layout) -> list[Process]:
    """The shims that hold this instance's containers."""
    address = str(layout.socket)
    found: list[Process] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        arguments = command_line(int(entry.name))
        if arguments and "containerd-shim" in arguments[0] and address in arguments:
            started = start_time(int(entry.name))
            if started is not None:
                found.append(Process(int(entry.name), started))
    return found


async def start(program: Path, layout: Layout, timeout: float = 30.0) -> Process:
    """Start containerd and wait until it serves. Raises StartError."""
    loop = asyncio.get_running_loop()
    notify = await asyncio.to_thread(_notify_socket, layout)
    try:
        process = await asyncio.to_thread(_spawn, program, layout)
        ready = asyncio.ensure_future(_until_ready(loop, notify))
        ended = asyncio.ensure_future(wait_ended(process))
        try:
            await asyncio.wait((ready, ended), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                why = "ended" if ended.done() else f"did not serve within {timeout:g} s"
                if not ended.done():
                    await stop(process)
                raise StartError(f"containerd {why}: {await asyncio.to_thread(_last_lines, layout.log)}")
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)
    finally:
        notify.close()
        layout.notify_socket.unlink(missing_ok=True)
    return process


async def wait_ended(process: Process) -> None:
    """Return when the process has ended, at once if it already has."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.alive:
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
        reap(process)
    finally:
        os.close(descriptor)


def reap(process: Process) -> None:
    """Take a dead child's exit status, so that it does not stay as a zombie."""
    with suppress(ChildProcessError):  # adopted: someone else's child
        os.waitpid(process.pid, os.WNOHANG)


async def stop(process: Process, timeout: float = 10.0) -> None:
    """SIGTERM, then SIGKILL after `timeout` seconds; returns when it is gone. Containers go on running."""
    for number, limit in ((signal.SIGTERM, timeout), (signal.SIGKILL, None)):
        if not process.alive:
            break
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(wait_ended(process), limit)
    reap(process)


async def _until_ready(loop: asyncio.AbstractEventLoop, notify: socket.socket) -> None:
    while b"READY=1" not in await loop.sock_recv(notify, 4096):
        pass


def _notify_socket(layout: Layout) -> socket.socket:
    layout.notify_socket.unlink(missing_ok=True)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    notify.bind(str(layout.notify_socket))
    return notify


def _spawn(program: Path, layout: Layout) -> Process:
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if layout.log.exists() and layout.log.stat().st_size > _LOG_LIMIT:
        mode |= os.O_TRUNC
    pid = os.posix_spawn(
        program,
        [str(program), "--config", str(layout.config)],
        _environment(layout),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(layout.log), mode, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
    )
    leave_callers_cgroups(pid, layout)
    process = Process(pid, start_time(pid) or 0)
    layout.process_record.write_text(json.dumps({"pid": pid, "startTime": process.start_time}), encoding="utf-8")
    return process


def _environment(layout: Layout) -> dict[str, str]:
    """What containerd, its shims and its CNI plugins need; nothing else of ours, proxies for pulls aside."""
    keep = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "TMPDIR")
    return {
        "PATH": f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "NOTIFY_SOCKET": str(layout.notify_socket),
        **{name: os.environ[name] for name in keep if name in os.environ},
    }


def leave_callers_cgroups(pid: int, layout: Layout, root: Path = Path("/sys/fs/cgroup")) -> None:
    """Move a daemon out of its starter's cgroups: a login session's memory limit and its end are not the daemon's.

    cgroup v1: to the root of every hierarchy. v2: to a cgroup of our own, since processes may not stand beside
    other cgroups. What the machine forbids is left as it is: the daemon works in its starter's cgroup too.
    """
    if (root / "cgroup.controllers").exists():
        own = root / layout.cgroup
        with suppress(OSError):
            own.mkdir(exist_ok=True)
            (own / "cgroup.procs").write_text(str(pid), encoding="ascii")
        return
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if path == "/":
            continue
        folder = root / (controllers.removeprefix("name=") or "unified")
        with suppress(OSError):
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")


def _last_lines(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = os.fsdecode(file.read()).strip().splitlines()
    except OSError as error:
        return str(error)
    return " | ".join(lines[-3:]) or "it printed nothing"
