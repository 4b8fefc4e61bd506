"""The credential look-up of one node, with every source that it is configured with.

Built by the kubelet's assembly, by `app` for the admission plugin that asks registries, and by the verbs that do.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

from pathlib import Path

from podwright.client.interface import Client
from podwright.kubelet.credentials.lookup import CredentialLookup
from podwright.kubelet.credentials.node_config import ConfigFiles, user_home
from podwright.kubelet.credentials.provider_files import ProviderFiles
from podwright.kubelet.credentials.provider_plugin import ProviderPlugins


def node_lookup(
    client: Client | None, data_dir: Path, provider_config: Path | None = None, provider_bin_dir: Path | None = None
) -> CredentialLookup:
    """Secrets, files, and exec providers where both of their paths are given; without a client no secrets.

    Raises ProviderConfigError, OSError.
    """
    plugins = None
    if provider_config is not None and provider_bin_dir is not None:
        files = ProviderFiles(provider_config, provider_bin_dir)
        plugins = ProviderPlugins(files.current, provider_bin_dir, client)
    return CredentialLookup(client, ConfigFiles(data_dir, user_home()), plugins)
