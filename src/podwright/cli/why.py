"""`podwright why`: why a Pod is not running, and what to do next."""

from __future__ import annotations

from pathlib import Path

import click

from podwright.cli import connection
from podwright.cli.instance import data_dir_option


@click.command()
@data_dir_option
@click.option("-n", "--namespace", default="default", show_default=True)
@click.argument("pod")
def command(data_dir: Path, namespace: str, pod: str) -> None:
    """Say why a Pod is not running, and what to do next."""
    for line in connection.run(_report(data_dir, namespace, pod.removeprefix("pod/").removeprefix("pods/"))):
        click.echo(line)


async def _report(data_dir: Path, namespace: str, pod: str) -> list[str]:
    from podwright.cli.pod_report import report

    async with connection.connect(data_dir) as client:
        return await report(client, data_dir, namespace, pod)
