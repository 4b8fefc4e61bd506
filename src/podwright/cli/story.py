"""What `podwright run` tells while it goes on."""

from __future__ import annotations

import time

import click


class Story:
    """What happens, on standard error, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        """One thing that happened; more lines are set in."""
        first, *rest = text.splitlines() or [""]
        click.echo(f"[{time.monotonic() - self._began:6.2f}s] {first}", err=True)
        for line in rest:
            click.echo(f"{'':9} {line}", err=True)
