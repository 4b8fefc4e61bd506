"""The last words of a container: what it wrote to its termination message file, or the end of its log.

What it decides: which text stands in `state.terminated.message`. Called by `observe`, in a thread.
Page: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 4096
"""bytes of the message file that count, from its end"""
LOG_LIMIT = 2048
LOG_LINES = 80
_READ_BACK = 16 * 1024
"""bytes of log that hold the last 2048 of what was said, time stamps and all, unless its lines are tiny"""


def termination_message(file: Path | None, log: Path | None, *, fall_back_to_log: bool) -> str:
    """Text from `file`; when that is empty and `fall_back_to_log`, from the log. "" when neither says anything."""
    if file is not None:
        try:
            said = read_end(file, LIMIT).decode(errors="replace")
        except FileNotFoundError:
            said = ""
        except OSError as error:
            return f"Error on reading termination log {file}: {error.strerror}"
        if said:
            return said
    if not fall_back_to_log or log is None:
        return ""
    try:
        return log_tail(read_end(log, _READ_BACK))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"Error reading termination message from logs: {error.strerror}"


def read_end(path: Path, limit: int) -> bytes:
    """The last `limit` bytes of a file. Raises OSError."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - limit))
        return stream.read(limit)


def log_tail(text: bytes) -> str:
    """What the end of a CRI log file says: the last 80 lines, the last 2048 bytes of them."""
    said: list[bytes] = []
    for line in text.splitlines():
        # `<time> <stream> <P|F> <text>`; a first line that was cut off does not look like that.
        parts = line.split(b" ", 3)
        if len(parts) == 4 and parts[1] in (b"stdout", b"stderr"):
            said.append(parts[3] + (b"" if parts[2].startswith(b"P") else b"\n"))
    whole = b"".join(said).splitlines(keepends=True)
    return b"".join(whole[-LOG_LINES:])[-LOG_LIMIT:].decode(errors="replace")
