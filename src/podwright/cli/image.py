"""`podwright image`: ls, pull, import, rm, prune, on the image store of the node that is up.

They talk to the runtime itself, as the kubelet does: an image is the node's, not the API's.
Page: https://kubernetes.io/docs/concepts/containers/images/#pre-pulled-images
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from podwright.cli import connection
from podwright.cli.instance import Instance, data_dir_option
from podwright.cli.tables import size, table

if TYPE_CHECKING:
    from podwright.cri.generated import cri_pb2 as pb

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, pull, import and remove the images of this node."""


@command.command("ls")
@data_dir_option
def ls(data_dir: Path) -> None:
    """List images: name, id, size, and whether image collection leaves them alone."""
    endpoint = _endpoint(data_dir, connection.require_up(data_dir))
    images = _run(_list(endpoint))
    click.echo(table(("NAME", "ID", "SIZE", "PINNED"), rows(images, _pinned(data_dir))))


@command.command("pull")
@data_dir_option
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def pull_images(data_dir: Path, images: tuple[str, ...]) -> None:
    """Pull images with the node's credentials (config.json in the data directory)."""
    from podwright.cli.image_pull import pull

    instance = connection.require_up(data_dir)
    for image in images:
        _run(pull(_endpoint(data_dir, instance), data_dir, image, show_downloads=instance.managed))


@command.command("import")
@data_dir_option
@click.option("--name", help="Call it this, whatever the archive says.")
@click.option("--example", is_flag=True, help="Make the small image of the examples from this machine's busybox.")
@click.argument("source", required=False, metavar="[FILE|FOLDER|-]")
def import_image(data_dir: Path, name: str | None, example: bool, source: str | None) -> None:
    """Import an OCI layout folder, an OCI archive or a docker-archive; `-` reads standard input."""
    if example == (source is not None):
        raise click.UsageError("give either a file, a folder, - or --example")
    if not connection.require_up(data_dir).managed:
        raise click.ClickException("this node uses a runtime of yours: import with that runtime's own tool")
    for imported in _run(_import(data_dir, name, None if example else source)):
        click.echo(f"imported {imported}")


@command.command("rm")
@data_dir_option
@click.option("--force", is_flag=True, help="Even if containers were made from it.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def rm(data_dir: Path, force: bool, images: tuple[str, ...]) -> None:
    """Remove images, with all their names."""
    endpoint = _endpoint(data_dir, connection.require_up(data_dir))
    for removed in _run(_remove(endpoint, images, _pinned(data_dir), force)):
        click.echo(f"removed {removed}")


@command.command("prune")
@data_dir_option
def prune(data_dir: Path) -> None:
    """Remove every image that no container was made from and that is not pinned."""
    endpoint = _endpoint(data_dir, connection.require_up(data_dir))
    removed = _run(_prune(endpoint, _pinned(data_dir)))
    for name in sorted(name for image in removed for name in titles(image)):
        click.echo(f"removed {name}")
    click.echo(f"{len(removed)} removed, {size(sum(image.size for image in removed))} freed", err=True)


def titles(image: pb.Image) -> list[str]:
    """The names to show for an image: its tags, else a digest, else its short id."""
    return list(image.repo_tags) or list(image.repo_digests)[:1] or [short_id(image.id)]


def short_id(identity: str) -> str:
    """Twelve digits of an id, as every tool shows it."""
    return identity.removeprefix("sha256:")[:12]


def rows(images: Iterable[pb.Image], pinned: Collection[str]) -> list[tuple[str, ...]]:
    """A row for each name of each image, sorted by name."""
    found: list[tuple[str, ...]] = []
    for image in images:
        kept = "yes" if is_pinned(image, pinned) else ""
        found += [(name, short_id(image.id), size(image.size), kept) for name in titles(image)]
    return sorted(found)


def is_pinned(image: pb.Image, pinned: Collection[str]) -> bool:
    """Whether image collection leaves it alone: the runtime says so, or the node needs it (its sandbox image)."""
    return image.pinned or not _names(image).isdisjoint(pinned)


def unused(images: Iterable[pb.Image], in_use: Collection[str], pinned: Collection[str]) -> list[pb.Image]:
    """What `prune` removes."""
    return [image for image in images if not is_pinned(image, pinned) and _names(image).isdisjoint(in_use)]


def _names(image: pb.Image) -> set[str]:
    return {image.id, *image.repo_tags, *image.repo_digests}


def _endpoint(data_dir: Path, instance: Instance) -> str:
    from podwright.containerd.layout import Layout

    return instance.endpoint or Layout(data_dir).endpoint


def _pinned(data_dir: Path) -> set[str]:
    """The sandbox image. containerd before 1.7 can't mark it, so it is known by name."""
    from podwright.containerd.layout import Layout

    try:
        return {Layout(data_dir).imported_marker.read_text(encoding="utf-8").strip()}
    except FileNotFoundError:
        return set()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """As `connection.run`; what the runtime refuses is one line too."""
    from podwright.cri.errors import CriError

    try:
        return connection.run(work)
    except CriError as error:
        raise click.ClickException(str(error)) from None


async def _list(endpoint: str) -> list[pb.Image]:
    from podwright.cri.image_client import ImageClient

    client = ImageClient(endpoint)
    try:
        return list((await client.list_images()).images)
    finally:
        await client.close()


async def _in_use(endpoint: str) -> set[str]:
    from podwright.cri.client import RuntimeClient
    from podwright.kubelet.images.gc import images_in_use

    runtime = RuntimeClient(endpoint)
    try:
        return await images_in_use(runtime)
    finally:
        await runtime.close()


async def _prune(endpoint: str, pinned: Collection[str]) -> list[pb.Image]:
    from podwright.cri.image_client import ImageClient

    client = ImageClient(endpoint)
    try:
        # first what is there, then what is in use: an image that is taken into use between the two is spared
        images = list((await client.list_images()).images)
        leaving = unused(images, await _in_use(endpoint), pinned)
        for image in leaving:
            await client.remove_image(image.id)
        return leaving
    finally:
        await client.close()


async def _remove(endpoint: str, names: Iterable[str], pinned: Collection[str], force: bool) -> list[str]:
    from podwright.cri.image_client import ImageClient

    client = ImageClient(endpoint)
    removed: list[str] = []
    try:
        in_use = set() if force else await _in_use(endpoint)
        for name in names:
            status = await client.image_status(name)
            if not status.HasField("image"):
                raise click.ClickException(f"no image {name} on this node (`podwright image ls` lists them)")
            if is_pinned(status.image, pinned):
                raise click.ClickException(f"{name} is the node's sandbox image: without it no Pod can start")
            if not _names(status.image).isdisjoint(in_use):
                raise click.ClickException(f"containers were made from {name}; --force removes it all the same")
            await client.remove_image(status.image.id)
            removed.append(name)
    finally:
        await client.close()
    return removed


async def _import(data_dir: Path, name: str | None, source: str | None) -> list[str]:
    """`source` None: the example image."""
    from podwright.containerd.importer import ImageImportError
    from podwright.containerd.managed import ManagedContainerd

    archive: Path | BinaryIO | bytes
    if source is None:
        archive = await asyncio.to_thread(_example, name)
    elif source == "-":
        archive = sys.stdin.buffer
    else:
        archive = Path(source)
    try:
        return list(await ManagedContainerd(data_dir).import_image(archive, None if source is None else name))
    except ImageImportError as error:
        raise click.ClickException(f"{source or 'the example image'}: {error}") from None


def _example(name: str | None) -> bytes:
    import subprocess

    from podwright.containerd import oci_image
    from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
    from podwright.containerd.importer import full_name
    from podwright.containerd.programs import find_program

    program = find_program("busybox")
    if program is None:
        raise click.ClickException("the example image is made from busybox: apt-get install busybox-static")
    try:
        image = busybox_image(program)
    except (OSError, subprocess.CalledProcessError) as error:
        raise click.ClickException(f"{program}: {error}") from None
    return oci_image.archive({full_name(name) if name else EXAMPLE_IMAGE: image})
