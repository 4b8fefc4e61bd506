"""`podwright join`: not there yet, and says so."""

from __future__ import annotations

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Make this machine a node of another cluster."""
    raise click.ClickException(
        "join is not there yet: Podwright's kubelet serves its own control plane only. "
        "Until it is, `podwright up` gives a whole cluster on this machine."
    )
