"""`podwright ps`: the containers of this node."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

import click

from podwright.api.clock import utc_now
from podwright.api.objects import Object, metadata, name_of, namespace_of, parse_time
from podwright.cli import connection
from podwright.cli.containers import container_states, word
from podwright.cli.instance import data_dir_option
from podwright.cli.tables import age, table

_HEADERS = ("NAMESPACE", "POD", "CONTAINER", "STATE", "RESTARTS", "AGE", "IMAGE")


@click.command()
@data_dir_option
@click.option("-n", "--namespace", default="", help="Only this namespace. [default: all]")
def command(data_dir: Path, namespace: str) -> None:
    """List the containers of this node."""
    pods = connection.run(_pods(data_dir, namespace))
    lines = rows(pods, utc_now())
    if lines:
        click.echo(table(_HEADERS, lines))
    else:
        click.echo("no containers" + (f" in namespace {namespace}" if namespace else ""), err=True)


async def _pods(data_dir: Path, namespace: str) -> list[Object]:
    from podwright.api.resources import PODS

    instance = connection.require_up(data_dir)
    async with connection.connect(data_dir) as client:
        listed = await client.list(PODS, namespace, field_selector=f"spec.nodeName={instance.node}")
        return list(listed.items)


def rows(pods: Iterable[Object], now: datetime.datetime) -> list[tuple[str, ...]]:
    """A row for every container, Pods in the order of namespace and name; the age is the container's own state's."""
    found: list[tuple[str, ...]] = []
    for pod in sorted(pods, key=lambda pod: (namespace_of(pod), name_of(pod))):
        created = str(metadata(pod).get("creationTimestamp") or "")
        for container in container_states(pod):
            began = container.since or created
            span = age((now - parse_time(began)).total_seconds()) if began else "?"
            found.append(
                (
                    namespace_of(pod), name_of(pod), container.name, word(container), str(container.restarts), span,
                    container.image,
                )
            )  # fmt: skip
    return found
