"""`podwright down`: stop Pods and the managed runtime; `--purge` leaves the machine as it was found."""

from __future__ import annotations

import asyncio
import shutil
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
        shutil.rmtree(data_dir, ignore_errors=False)
        click.echo(f"removed {data_dir} and everything that ran from it")
    else:
        click.echo("down; `podwright up` starts the Pods again")


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
