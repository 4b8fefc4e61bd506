"""kubectl as a person uses it: commands, commands that go on, and commands at a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


def found_kubectls() -> list[Path]:
    """The kubectl on PATH and the other versions beside it (`kubectl.1.NN`), the oldest first."""
    program = shutil.which("kubectl")
    if program is None:
        return []
    versions = Path(program).resolve().parent.glob("kubectl.1.*")
    found = sorted(versions, key=lambda path: int(path.suffix.removeprefix(".")))
    return found or [Path(program)]


class Conversation:
    """A kubectl that goes on: what it prints so far, what it is told. At a terminal if it was given one."""

    def __init__(self, process: subprocess.Popen[bytes], read: int, write: int) -> None:
        self._process = process
        self._read = read
        self._write = write
        self.output = ""

    def until(self, pattern: str, within: float = 30.0) -> re.Match[str]:
        """Read on until the output matches."""
        deadline = time.monotonic() + within
        while (found := re.search(pattern, self.output, re.MULTILINE)) is None:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"no {pattern!r} within {within} s in: {self.output}"
            data = self._more()
            assert data, f"ended without {pattern!r}: {self.output}"
            self.output += data.decode(errors="replace")
        return found

    def say(self, text: str) -> None:
        """Type, or write to its standard input."""
        os.write(self._write, text.encode())

    def end(self, within: float = 30.0) -> int:
        """Close its input, read the rest, wait for its end; its exit status."""
        if self._write not in (-1, self._read):
            os.close(self._write)
            self._write = -1
        deadline = time.monotonic() + within
        while True:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"did not end within {within} s: {self.output}"
            data = self._more()
            if not data:
                return self._process.wait(within)
            self.output += data.decode(errors="replace")

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def _more(self) -> bytes:
        try:
            return os.read(self._read, 65536)
        except OSError:  # a terminal whose other side is closed
            return b""

    def close(self) -> None:
        """Nothing of it stays, however the test ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        for descriptor in {self._read, self._write} - {-1}:
            os.close(descriptor)


@dataclass(frozen=True)
class Kubectl:
    """One version of kubectl, one kubeconfig, one namespace."""

    program: Path
    kubeconfig: Path
    home: Path
    """HOME and the discovery cache: nothing of the person who runs the tests is read or changed"""
    namespace: str = "default"

    @property
    def minor(self) -> int:
        """The NN of version 1.NN."""
        told = subprocess.run([self.program, "version", "--client", "-o", "json"], capture_output=True, check=True)
        return int(re.sub(r"\D", "", json.loads(told.stdout)["clientVersion"]["minor"]))

    def wants(self, minor: int, what: str) -> None:
        """End the test where this kubectl is older than 1.`minor`: skipped with the reason, and failed in CI."""
        if self.minor < minor:
            reason = f"{what} wants kubectl 1.{minor} or newer, found 1.{self.minor}: put one on PATH"
            (pytest.fail if "CI" in os.environ else pytest.skip)(reason)

    def command(self, *arguments: str | Path) -> list[str]:
        """The whole command line."""
        return [str(self.program), f"--cache-dir={self.home}/cache", f"--namespace={self.namespace}",
                *map(str, arguments)]  # fmt: skip

    def _environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        return {**kept, "TERM": "xterm", **(more or {})}

    def run(
        self,
        *arguments: str | Path,
        stdin: str = "",
        env: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> subprocess.CompletedProcess[str]:
        """To its end, whatever its exit status is."""
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            env=self._environment(env),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, *arguments: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> str:
        """What it printed; it must succeed."""
        done = self.run(*arguments, stdin=stdin, env=env)
        assert done.returncode == 0, f"kubectl {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}"
        return done.stdout

    def wait(self, condition: str, *objects: str, within: int = 120) -> None:
        """`kubectl wait --for` that condition."""
        done = self.run("wait", f"--for={condition}", *objects, f"--timeout={within}s", timeout=within + 30)
        assert done.returncode == 0, f"no {condition} of {objects}: {done.stderr}{self('get', *objects, '-o', 'yaml')}"

    def until(self, text: str, *arguments: str | Path, within: float = 20) -> None:
        """Wait until it prints `text`: events are written a moment after what they tell of."""
        deadline = time.monotonic() + within
        while text not in (printed := self(*arguments)):
            assert time.monotonic() < deadline, f"no {text!r} in: {printed}"
            time.sleep(0.2)

    def refused(self, *arguments: str | Path, stdin: str = "", status: int = 1) -> str:
        """What it printed on standard error; it must fail."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == status, f"kubectl {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
        return done.stderr

    @contextlib.contextmanager
    def talk(self, *arguments: str | Path) -> Iterator[Conversation]:
        """It goes on while the block does, its input and output through pipes."""
        process = subprocess.Popen(
            self.command(*arguments),
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdin is not None and process.stdout is not None
        conversation = Conversation(process, os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
        process.stdin.close()
        process.stdout.close()
        try:
            yield conversation
        finally:
            conversation.close()

    @contextlib.contextmanager
    def terminal(self, *arguments: str | Path, rows: int = 41, columns: int = 101) -> Iterator[Conversation]:
        """It goes on while the block does, at a terminal of this size."""
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, (rows, columns))
        process = subprocess.Popen(
            self.command(*arguments), env=self._environment(), stdin=its, stdout=its, stderr=its, start_new_session=True
        )
        os.close(its)
        conversation = Conversation(process, ours, ours)
        try:
            yield conversation
        finally:
            conversation.close()

    def pod(self, name: str, script: str, **spec: Any) -> str:
        """Apply a Pod that runs this shell script and wait until it is Ready; its name."""
        self("apply", "-f", "-", stdin=manifest(name, script, **spec))
        self("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
        return name


def manifest(name: str, script: str, *, labels: dict[str, str] | None = None, **spec: Any) -> str:
    """A Pod of the example image, as a JSON manifest."""
    import json

    container = {"name": "main", "image": "podwright/busybox:1", "command": ["sh", "-c", script]}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name, **(labels or {})}},
            "spec": {"terminationGracePeriodSeconds": 2, "containers": [container], **spec},
        }
    )


SLEEP = "trap 'exit 0' TERM; sleep 1000 & wait"
"""A script that goes on until it is told to end, and ends at once"""


def columns(table: str) -> Sequence[dict[str, str]]:
    """kubectl's table as rows by column title."""
    head, *rows = table.rstrip("\n").splitlines()
    starts = [match.start() for match in re.finditer(r"\S+(?: \S+)*", head)]
    edges = [*zip(starts, [*starts[1:], None], strict=True)]
    return [{head[a:b].strip(): row[a:b].strip() for a, b in edges} for row in rows]
