"""`podwright run`: bring the node up if need be, apply files, show what happens, and end as the containers end.

Its exit status is the container's: for a Pod with several, and for several Pods, that of the first that failed. Pods
that serve (restartPolicy Always) are left running once they are Ready, or with --rm followed until Ctrl-C. So are
workloads, once they are rolled out; a Job is followed to its end.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podwright.cli import connection
from podwright.cli.instance import data_dir_option, find, last

if TYPE_CHECKING:
    from podwright.api.objects import Object
    from podwright.cli.applying import Applied, Wanted
    from podwright.cli.story import Story
    from podwright.client.http import HttpClient


@click.command()
@data_dir_option
@click.option("-n", "--namespace", default="default", show_default=True, help="Of objects that name none.")
@click.option("--rm", "remove", is_flag=True, help="Delete afterwards what was created.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=120.0, show_default=True,
    help="Seconds that something may not get on before this gives up.",
)  # fmt: skip
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(data_dir: Path, namespace: str, remove: bool, timeout: float, files: tuple[str, ...]) -> None:
    """Apply FILE..., follow Pods and workloads, print logs; the exit status is the container's.

    It ends when Pods have ended or are Ready, Jobs are complete and other workloads rolled out, or when it is clear
    that they will not be.
    """
    from podwright.cli.manifests import ManifestError, read

    try:
        objects = read(files)
    except (ManifestError, OSError) as error:
        raise click.ClickException(connection.text_of(error)) from None
    _bring_up(data_dir)
    raise SystemExit(connection.run(_run(data_dir, objects, namespace, remove, timeout)))


def _bring_up(data_dir: Path) -> None:
    try:
        instance, before = find(data_dir), last(data_dir)
    except PermissionError:
        instance = before = None  # `up` says what is wrong
    if instance is None:
        flags = before.flags if before else ()
        arguments = [sys.executable, "-m", "podwright", "up", "--detach", "--data-dir", str(data_dir), *flags]
        if subprocess.run(arguments, stdout=sys.stderr, check=False).returncode:
            raise SystemExit(1)


async def _run(data_dir: Path, objects: Sequence[Object], namespace: str, remove: bool, timeout: float) -> int:
    from podwright.cli.applying import UnknownKindError, resolve
    from podwright.cli.story import Story

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with connection.connect(data_dir) as client:
        try:
            wanted = await resolve(client, objects, namespace)
        except UnknownKindError as error:
            raise click.ClickException(str(error)) from None
        story = Story()
        applied: list[Applied] = []
        try:
            return await _follow(client, data_dir, story, wanted, applied, remove=remove, timeout=timeout)
        finally:
            if remove:
                await _remove(client, story, applied)


async def _follow(
    client: HttpClient,
    data_dir: Path,
    story: Story,
    wanted: Sequence[Wanted],
    applied: list[Applied],
    *,
    remove: bool,
    timeout: float,
) -> int:
    from podwright.api.errors import StatusError
    from podwright.api.objects import key_of
    from podwright.cli.applying import apply
    from podwright.cli.following import Following

    objects = [(one.resource, key_of(one.object)) for one in wanted]
    endpoint = connection.runtime_endpoint(data_dir, connection.require_up(data_dir))
    following = Following(client, data_dir, story, objects, endpoint)
    async with asyncio.TaskGroup() as group:
        watches = await following.start(group)
        try:
            for one in wanted:
                try:
                    done = await apply(client, one)
                except StatusError as error:
                    raise click.ClickException(f"{one.title}: {error}") from None
                applied.append(done)
                story.tell(f"{one.title} {'created' if done.created else 'applied'}")
                following.applied(one.resource, done.object)
            return await following.until_arrived(timeout, follow_serving=remove)
        finally:
            for watch in watches:
                watch.cancel()


async def _remove(client: HttpClient, story: Story, applied: Sequence[Applied]) -> None:
    """Delete what was created, the last first, and wait until it is gone."""
    from podwright.api.errors import StatusError
    from podwright.cli.applying import delete_and_wait

    for one in reversed(applied):
        if one.created:
            try:
                await delete_and_wait(client, one.wanted.resource, one.object)
            except (StatusError, OSError) as error:
                story.tell(f"{one.wanted.title} was not deleted: {connection.text_of(error)}")
            else:
                story.tell(f"{one.wanted.title} deleted")
