"""`podwright logs`: what a Pod's containers printed, and with --hooks what its lifecycle hooks did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from podwright.cli import connection
from podwright.cli.instance import data_dir_option


@click.command()
@data_dir_option
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-c", "--container", default="", help="[default: the Pod's first]")
@click.option("-f", "--follow", is_flag=True, help="Go on until the container ends.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the last restart.")
@click.option("--tail", type=click.IntRange(min=0), help="This many lines from the end. [default: all]")
@click.option("--hooks", is_flag=True, help="What postStart and preStop hooks printed and how they ended.")
@click.argument("pod")
def command(*, data_dir: Path, namespace: str, container: str, hooks: bool, pod: str, **query: Any) -> None:
    """Print the log of a container."""
    pod = pod.removeprefix("pod/").removeprefix("pods/")
    if hooks:
        _print_hooks(data_dir, namespace, pod, container)
    else:
        connection.run(_print_log(data_dir, namespace, pod, container=container, **query))


async def _print_log(
    data_dir: Path, namespace: str, pod: str, *, container: str, follow: bool, previous: bool, tail: int | None
) -> None:
    from podwright.api.resources import PODS
    from podwright.cli.pod_logs import LineWriter, LogQuery, copy_log, default_container

    async with connection.connect(data_dir) as client:
        if not container:
            container, others = default_container(await client.get(PODS, pod, namespace))
            if len(others) > 1:
                click.echo(f"container {container}; -c chooses among {', '.join(others)}", err=True)
        await copy_log(client, namespace, pod, LogQuery(container, follow, previous, tail), LineWriter())


def _print_hooks(data_dir: Path, namespace: str, pod: str, container: str) -> None:
    """Reads files of this node, so it works when the node is down, and for Pods that ended."""
    from podwright.cli.pod_report import hook_runs

    try:
        runs = [run for run in hook_runs(data_dir, namespace, pod) if container in ("", run.container)]
    except OSError as error:
        raise click.ClickException(connection.text_of(error)) from None
    if not runs:
        raise click.ClickException(f"no hook of pod {namespace}/{pod} has run on this node")
    for run in runs:
        ended = f", exit code {run.exitCode}" if run.exitCode else ""
        ended += f", HTTP {run.httpStatus}" if run.httpStatus else ""
        click.echo(f"{run.time} {run.container} {run.hook} ({run.handler}): {run.result} in {run.seconds:.2f} s{ended}")
        for line in (run.output or run.message).splitlines():
            click.echo(f"  {line}")
