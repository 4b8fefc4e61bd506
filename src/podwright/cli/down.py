"""`podwright down`: stop Pods and the managed runtime; `--purge` leaves the machine as it was found."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from podwright.cli.instance import NotOurs, check_ours, data_dir_option, end, find


@click.command()
@data_dir_option
@click.option(
    "--purge", is_flag=True, help="Remove everything: containers, images, network, files, the data directory."
)
def command(data_dir: Path, purge: bool) -> None:
    """Stop Pods and the managed runtime."""
    if purge:
        _check_mounts(data_dir)
    instance = find(data_dir)
    if instance is not None and instance.pid:
        click.echo(f"stopping the Pods of {instance.node or 'this node'}", err=True)
        end(instance, signal.SIGUSR1)
    if not data_dir.exists():
        click.echo(f"nothing to stop: {data_dir} does not exist")
        return
    try:
        check_ours(data_dir)
    except NotOurs as error:
        raise click.ClickException(f"--data-dir: {error}") from None
    asyncio.run(_stop_runtime(data_dir, purge))
    if purge:
        click.echo(_remove(data_dir))
    else:
        click.echo("down; `podwright up` starts the Pods again")


def _check_mounts(data_dir: Path) -> None:
    """Raises ClickException for a mount whose files would be removed although nobody here has made it."""
    from podwright.containerd.purge import read_mounts, strange_mounts

    if strange := strange_mounts(data_dir, read_mounts()):
        raise click.ClickException(f"--purge: {strange[0]} is mounted in the data directory: unmount it first")


def _remove(data_dir: Path) -> str:
    """Remove the data directory; what to tell. Raises ClickException."""
    from podwright.containerd.purge import read_mounts, remove_tree

    try:
        stays = remove_tree(data_dir, read_mounts())
    except OSError as error:
        raise click.ClickException(f"--purge: {error.filename or data_dir} stays: {error.strerror}") from error
    if not stays:
        return f"removed {data_dir} and everything that ran from it"
    disks = ", ".join(map(str, sorted(stays)))
    return f"removed everything in {data_dir} and everything that ran from it; mounted, and so only emptied: {disks}"


async def _stop_runtime(data_dir: Path, purge: bool) -> None:
    from podwright.app import service_table
    from podwright.containerd.managed import ManagedContainerd
    from podwright.kubelet.cgroups.hierarchy import read_hierarchies
    from podwright.kubelet.cgroups.pods import PodCgroups, instance_name
    from podwright.kubelet.cgroups.tree import CgroupTree
    from podwright.proxy.nftables import Nftables

    runtime = ManagedContainerd(data_dir)
    if not purge:
        await runtime.stop()
        return
    cgroups = PodCgroups(CgroupTree(read_hierarchies()), instance_name(data_dir))
    await runtime.purge([instance_name(data_dir)])
    await cgroups.remove_all()
    await Nftables().clean_up(service_table(data_dir))
