"""`podwright image`: ls, pull, import, rm, pin, unpin, retry, prune, on the image store of the node that is up.

They talk to the runtime itself, as the kubelet does: an image is the node's, not the API's. Which images Pods need, and
that a Pod's pull is to be tried again, are matters of the API.
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
from podwright.cli.instance import data_dir_option
from podwright.cli.tables import size, table

if TYPE_CHECKING:
    from podwright.cri.generated import cri_pb2 as pb

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, pull, import and remove the images of this node."""


@command.command("ls")
@data_dir_option
@click.option("--platforms", is_flag=True, help="Say for which machines each is made, and what else its index has.")
def ls(data_dir: Path, platforms: bool) -> None:
    """List images: name, id, size, and whether image collection leaves them alone."""
    endpoint = _endpoint(data_dir)
    images = _run(_list(endpoint))
    found = rows(images, _pinned(data_dir))
    headers = ["NAME", "ID", "SIZE", "PINNED"]
    if any(image.spec.runtime_handler for image in images):
        headers.append("HANDLER")
    else:
        found = [row[:-1] for row in found]
    if platforms:
        made_for = _run(_platforms(endpoint, [row[0] for row in found]))
        headers.append("PLATFORM")
        found = [(*row, made_for[row[0]]) for row in found]
    click.echo(table(headers, found))


@command.command("pull")
@data_dir_option
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def pull_images(data_dir: Path, images: tuple[str, ...]) -> None:
    """Pull images with the credentials that every Pod of this node has."""
    from podwright.cli.image_pull import pull

    instance = connection.require_up(data_dir)
    for image in images:
        _run(pull(connection.runtime_endpoint(data_dir, instance), data_dir, image, show_downloads=instance.managed))


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
    endpoint = _endpoint(data_dir)
    for removed in _run(_remove(data_dir, endpoint, images, force)):
        click.echo(f"removed {removed}")


@command.command("pin")
@data_dir_option
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def pin(data_dir: Path, images: tuple[str, ...]) -> None:
    """Keep images: neither image collection nor `prune` removes them, from now on and also once they come."""
    for image in images:
        click.echo(f"{_change_pins(data_dir, image, keep=True)} is pinned")


@command.command("unpin")
@data_dir_option
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def unpin(data_dir: Path, images: tuple[str, ...]) -> None:
    """Keep images no longer than they are used."""
    for image in images:
        click.echo(f"{_change_pins(data_dir, image, keep=False)} is not pinned")


@command.command("retry")
@data_dir_option
@click.option("-n", "--namespace", default="default", show_default=True)
@click.argument("pod")
def retry(data_dir: Path, namespace: str, pod: str) -> None:
    """Have the images that POD waits for tried now, instead of when the back-off is over."""
    from podwright.cli.image_retry import ask

    click.echo(_run(ask(data_dir, namespace, pod.removeprefix("pod/").removeprefix("pods/"))))


@command.command("prune")
@data_dir_option
def prune(data_dir: Path) -> None:
    """Remove every image that is not pinned and that no container was made from, nor any Pod of this node needs."""
    removed = _run(_prune(data_dir, _endpoint(data_dir), _pinned(data_dir)))
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
    """A row for each name of each image, sorted by name; at its end the runtime handler that it was pulled for."""
    found: list[tuple[str, ...]] = []
    for image in images:
        kept = "yes" if is_pinned(image, pinned) else ""
        handler = image.spec.runtime_handler
        found += [(name, short_id(image.id), size(image.size), kept, handler) for name in titles(image)]
    return sorted(found)


def is_pinned(image: pb.Image, pinned: Collection[str]) -> bool:
    """Whether image collection leaves it alone: the runtime says so, or the node needs it (its sandbox image)."""
    return image.pinned or not _names(image).isdisjoint(pinned)


def unused(images: Iterable[pb.Image], in_use: Collection[str], pinned: Collection[str]) -> list[pb.Image]:
    """What `prune` removes."""
    return [image for image in images if not is_pinned(image, pinned) and _names(image).isdisjoint(in_use)]


def _names(image: pb.Image) -> set[str]:
    return {image.id, *image.repo_tags, *image.repo_digests}


def _endpoint(data_dir: Path) -> str:
    return connection.runtime_endpoint(data_dir, connection.require_up(data_dir))


def _sandbox_image(data_dir: Path) -> set[str]:
    """containerd before 1.7 can't mark it as pinned, so it is known by name."""
    from podwright.containerd.layout import Layout

    try:
        return {Layout(data_dir).imported_marker.read_text(encoding="utf-8").strip()}
    except FileNotFoundError:
        return set()


def _pinned(data_dir: Path) -> set[str]:
    """The sandbox image, and what a user has pinned. Raises ClickException."""
    from podwright.kubelet.images.pins import Pins, PinsError

    try:
        return {*_sandbox_image(data_dir), *Pins(data_dir).names()}
    except PinsError as error:
        raise click.ClickException(str(error)) from None


def _change_pins(data_dir: Path, image: str, *, keep: bool) -> str:
    """The full name that is pinned now, or no longer."""
    from podwright.kubelet.images.pins import Pins, PinsError
    from podwright.kubelet.images.reference import InvalidReferenceError

    pins = Pins(data_dir)
    try:
        return pins.pin(image) if keep else pins.unpin(image)
    except (InvalidReferenceError, PinsError, OSError) as error:
        raise click.ClickException(f"{image}: {connection.text_of(error)}") from None


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


async def _needed_by_pods(data_dir: Path) -> set[str]:
    from podwright.api.resources import PODS
    from podwright.kubelet.images.gc import images_of

    async with connection.connect(data_dir) as client:
        pods = (await client.list(PODS)).items
    return {name for pod in pods for name in images_of(pod)}


async def _prune(data_dir: Path, endpoint: str, pinned: Collection[str]) -> list[pb.Image]:
    from podwright.cri.image_client import ImageClient

    client = ImageClient(endpoint)
    try:
        # first what is there, then what is in use: an image that is taken into use between the two is spared
        images = list((await client.list_images()).images)
        in_use = await _in_use(endpoint) | await _needed_by_pods(data_dir)
        leaving = unused(images, in_use, pinned)
        for image in leaving:
            await client.remove_image(image.id, runtime_handler=image.spec.runtime_handler)
        return leaving
    finally:
        await client.close()


async def _remove(data_dir: Path, endpoint: str, names: Iterable[str], force: bool) -> list[str]:
    from podwright.cri.image_client import ImageClient

    client = ImageClient(endpoint)
    removed: list[str] = []
    sandbox_image, pinned = _sandbox_image(data_dir), _pinned(data_dir)
    try:
        in_use = set() if force else await _in_use(endpoint)
        for name in names:
            status = await client.image_status(name)
            if not status.HasField("image"):
                raise click.ClickException(f"no image {name} on this node (`podwright image ls` lists them)")
            if is_pinned(status.image, sandbox_image):
                raise click.ClickException(f"{name} is the node's sandbox image: without it no Pod can start")
            if is_pinned(status.image, pinned):
                raise click.ClickException(f"{name} is pinned: `podwright image unpin` it first")
            if not _names(status.image).isdisjoint(in_use):
                raise click.ClickException(f"containers were made from {name}; --force removes it all the same")
            await client.remove_image(status.image.id)
            removed.append(name)
    finally:
        await client.close()
    return removed


async def _platforms(endpoint: str, names: Iterable[str]) -> dict[str, str]:
    """By name: what `image ls --platforms` shows."""
    from podwright.cli.images_of_pod import platform_source

    async with platform_source(endpoint) as platforms:
        return {name: (await platforms.of(name)).text() for name in names}


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
