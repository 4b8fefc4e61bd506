"""Memory that is free goes back to the system, and asking for it where there is nothing to ask does no harm."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from podwright.cli import memory

_PROGRAM = """
from podwright.cli import memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
memory.one_arena()
pieces = [bytes(4096) for _ in range(20_000)]
pieces = pieces[::100]  # what is kept lies between what is free, so that the heap does not shrink by itself
before = resident()
memory.give_back()
print(before - resident())
"""


def test_what_is_free_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 20_000_000


def test_another_c_library_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    memory.one_arena()
    memory.give_back()
