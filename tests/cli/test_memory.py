"""Memory that is free goes back to the system, and asking for it where there is nothing to ask does no harm."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from podwright.cli import memory
from podwright.cli.memory import unchanged_pages

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


@pytest.mark.parametrize(
    ("rights", "path", "anonymous", "given"),
    [
        pytest.param("r-xp", "/usr/lib/libssl.so.3", 0, True, id="code"),
        pytest.param("r--p", "/x/_ssl.cpython-311-x86_64-linux-gnu.so", 0, True, id="constants"),
        pytest.param("r--p", "/usr/lib/libssl.so.3", 8, False, id="what the loader has written to"),
        pytest.param("rw-p", "/usr/lib/libssl.so.3", 0, False, id="what can be written"),
        pytest.param("r-xp", "/usr/lib/libssl.so.3 (deleted)", 0, False, id="a file that was replaced"),
        pytest.param("r--p", "/usr/lib/locale/C.utf8/LC_CTYPE", 0, False, id="another file"),
        pytest.param("r-xp", "[vdso]", 0, False, id="no file"),
        pytest.param("rw-p", "", 0, False, id="the heap"),
    ],
)
def test_which_pages_are_as_in_their_files(rights: str, path: str, anonymous: int, given: bool) -> None:
    mapped = f"7f0000000000-7f0000003000 {rights} 00001000 fe:00 1234                       {path}"
    smaps = "\n".join([mapped, "Size: 12 kB", "Rss: 8 kB", f"Anonymous:       {anonymous} kB", "VmFlags: rd mr", ""])
    other = "7f0000004000-7f0000005000 rw-p 00000000 00:00 0 \nAnonymous: 0 kB\n"
    assert list(unchanged_pages(other + smaps + other)) == ([(0x7F0000000000, 0x3000)] if given else [])


def test_a_process_goes_on_with_what_it_has_loaded() -> None:
    program = (
        "import json, sqlite3, ssl; from podwright.cli import memory; memory.give_back()\n"
        "ssl.create_default_context(); sqlite3.connect(':memory:').execute('select 1'); print(json.dumps([1]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[1]\n"


def test_another_c_library_is_asked_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    memory.one_arena()
    memory.give_back()
