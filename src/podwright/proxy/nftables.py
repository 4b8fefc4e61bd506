"""Runs the `nft` and `conntrack` programs. Called by `proxy`; what they are told is decided in `table` and `stale`.

Source: https://wiki.nftables.org/wiki-nftables/index.php/Atomic_rule_replacement
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress

from podwright.proxy.stale import Flow, WaysIn, parse_flows, stale_flows
from podwright.proxy.table import Present, parse_table, removal

log = logging.getLogger(__name__)


class NftError(OSError):
    """nft refused a transaction, so that nothing has changed, or could not be run; the text is its own."""


class Nftables:
    """The kernel's packet rules. The programs are names in PATH, or paths."""

    def __init__(self, program: str = "nft", conntrack: str = "conntrack") -> None:
        self._program = program
        self._conntrack = conntrack
        self._conntrack_missed = False

    async def apply(self, text: str) -> None:
        """Carry out one transaction. Raises NftError; then nothing has changed."""
        try:
            status, _, errors = await _run(text, self._program, "-f", "-")
        except OSError as error:
            raise NftError(f"cannot run {self._program}: {error}") from error
        if status:
            raise NftError(_first_lines(errors) or f"{self._program} ended with status {status}")

    async def read(self, table: str) -> Present | None:
        """What the table has; None when there is none, since somebody may have flushed the machine. Raises NftError."""
        try:
            status, listing, _ = await _run("", self._program, "--terse", "list", "table", "ip", table)
        except OSError as error:
            raise NftError(f"cannot run {self._program}: {error}") from error
        return None if status else await asyncio.to_thread(parse_table, listing)

    async def exists(self, table: str) -> bool:
        """Whether the table is there and not empty. Raises NftError."""
        try:
            status, _, _ = await _run("", self._program, "list", "chain", "ip", table, "translate")
        except OSError as error:
            raise NftError(f"cannot run {self._program}: {error}") from error
        return status == 0

    async def clean_up(self, table: str) -> None:
        """Take the table away, if there is one. Raises NftError."""
        await self.apply(removal(table))

    async def forget_stale(self, before: WaysIn, now: WaysIn) -> None:
        """Let UDP flows to endpoints that have gone choose anew; without a conntrack program they time out instead."""
        program = shutil.which(self._conntrack)
        if program is None:
            if not self._conntrack_missed:
                log.warning("without the conntrack program, UDP clients keep to an endpoint that has gone until idle")
            self._conntrack_missed = True
            return
        status, listing, errors = await _run("", program, "-L", "-p", "udp")
        if status:
            log.warning("%s: %s", program, _first_lines(errors))
            return
        for flow in await asyncio.to_thread(lambda: stale_flows(parse_flows(listing), before, now)):
            # A flow that has ended meanwhile is no failure.
            await _run("", program, "-D", "-p", "udp", *_selection(flow))


def _selection(flow: Flow) -> list[str]:
    ends = ["-s", flow.source, "-d", flow.destination]
    return [*ends, "--sport", str(flow.source_port), "--dport", str(flow.destination_port)]


def _first_lines(text: str) -> str:
    return " ".join(text.strip().splitlines()[:3])


async def _run(stdin: str, *command: str) -> tuple[int, str, str]:
    """Status, output and errors of a program that does not outlive its caller."""
    pipe = asyncio.subprocess.PIPE
    # A pipe to a program that reads nothing may be closed by the time something is written to it.
    source = pipe if stdin else asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=source, stdout=pipe, stderr=pipe)
    try:
        output, errors = await process.communicate(stdin.encode() or None)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace"), errors.decode(errors="replace")
