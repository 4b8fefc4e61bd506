"""`podwright image pull`: an image from its registry, with the node's own credentials, and its progress.

Called by `cli/image`. Which credentials there are and in which order they are tried is the kubelet's to say.
Page: https://kubernetes.io/docs/concepts/containers/images/#configuring-nodes-to-authenticate-to-a-private-registry
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import click

from podwright.cli import as_the_node
from podwright.cli.tables import size

_LOOK_EVERY = 0.25
"""seconds; containerd tells the state of a download only when asked"""


async def pull(endpoint: str, data_dir: Path, image: str, *, show_downloads: bool) -> None:
    """Fetch one image and say so. `show_downloads`: the runtime is a containerd that can be asked for progress.

    Raises ClickException for a name that is none and for what registry or runtime refuse.
    """
    from podwright.cri.containerd_content import ContainerdContent
    from podwright.cri.image_client import ImageClient
    from podwright.kubelet.images import reference
    from podwright.kubelet.images.broken_downloads import BrokenDownloads
    from podwright.kubelet.images.puller import Puller, PullError, PullLimits

    try:
        repository = reference.parse(image).repository
        wanted = reference.with_default_tag(image)
    except reference.InvalidReferenceError as error:
        raise click.ClickException(f"{image!r}: {error}") from None
    found = await as_the_node.lookup(None, data_dir).find({}, repository)
    client, content = ImageClient(endpoint), ContainerdContent(endpoint)
    puller = Puller(client, PullLimits(), BrokenDownloads(content))
    try:
        async with asyncio.TaskGroup() as group:
            shown = group.create_task(_show(endpoint, wanted)) if show_downloads else None
            try:
                pulled = await puller.pull(wanted, found.credentials)
            except PullError as error:
                raise click.ClickException(f"cannot pull {wanted}: {error} ({error.tried})") from None
            finally:
                if shown is not None:
                    shown.cancel()
    finally:
        await puller.close()
        await client.close()
        await content.close()
    click.echo(f"pulled {wanted} in {pulled.seconds:.1f} s")


async def _show(endpoint: str, image: str) -> None:
    """Progress until cancelled: a bar on a terminal, elsewhere one line to begin with."""
    if not sys.stderr.isatty():
        click.echo(f"pulling {image}", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from podwright.cri.containerd_content import ContainerdContent
    from podwright.cri.errors import CriError
    from podwright.kubelet.images.pull_progress import PullWatch

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    content = ContainerdContent(endpoint)
    watch = PullWatch(content)
    done, began = 0, time.monotonic()
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(f"pulling {image}", total=None)
            while True:
                if (progress := await watch.progress(image)) is not None:
                    done = progress.done
                    told = f"pulling {image}, {progress.layers_done} of {len(progress.layers)} layers"
                    bars.update(bar, description=told, completed=done, total=progress.total)
                await asyncio.sleep(_LOOK_EVERY)
    except CriError as error:
        click.echo(f"no progress to show: {error}", err=True)
    finally:
        await content.close()
        if done:
            click.echo(f"fetched {size(done)} in {time.monotonic() - began:.1f} s", err=True)
