"""Looks for credentials as the running node does: with its flags, its environment, from its folder.

Called by the verbs that ask registries. They run as another process than the node, and what HOME and PATH are decides
which files and credential helpers are found.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podwright.cli.connection import text_of
from podwright.cli.instance import Instance, find

if TYPE_CHECKING:
    from podwright.client.interface import Client
    from podwright.kubelet.credentials.lookup import CredentialLookup

_CONFIG = "--image-credential-provider-config"
_PROGRAMS = "--image-credential-provider-bin-dir"


def provider_paths(flags: Sequence[str]) -> tuple[Path | None, Path | None]:
    """Configuration and programs of the credential providers, as `up` was given them."""
    given = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    return tuple(Path(given[name]) if name in given else None for name in (_CONFIG, _PROGRAMS))  # type: ignore[return-value]


def lookup(client: Client | None, data_dir: Path) -> CredentialLookup:
    """The look-up of the node that is up, or of the one that would be.

    A provider configuration that is broken now is said on standard error and left out; the node has an older one.
    """
    from podwright.kubelet.credentials.node_sources import node_lookup
    from podwright.kubelet.credentials.provider_config import ProviderConfigError

    instance = find(data_dir)
    if instance is None:
        return node_lookup(client, data_dir)
    _adopt(instance)
    try:
        return node_lookup(client, data_dir, *provider_paths(instance.flags))
    except (ProviderConfigError, OSError) as error:
        click.echo(f"credential providers are left out: {text_of(error)}", err=True)
        return node_lookup(client, data_dir)


def _adopt(instance: Instance) -> None:
    """Take over the node's environment and folder: this process ends with the verb."""
    folder = Path("/proc", str(instance.pid))
    with contextlib.suppress(OSError):  # it may end just now; then its files are looked for as ours
        pairs = (folder / "environ").read_bytes().split(b"\0")
        os.environb.update(dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair))
        os.chdir((folder / "cwd").readlink())
