"""The providers' configuration as it is now: read again when a file of it changes, the last valid one kept till then.

Asked by provider_plugin at each look-up. At start a configuration that is wrong keeps the node from coming up; later
it must not, so it is told on the Pods that pull.
Page: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.kubelet.credentials.provider_config import Provider, ProviderConfigError, read

log = logging.getLogger(__name__)

_Stamp = tuple[tuple[str, int, int, int], ...]
"""(name, inode, time of change, size) of each file"""


@dataclass(frozen=True, slots=True)
class Configured:
    """The providers that are in use."""

    providers: Sequence[Provider]
    problem: str = ""
    """why a newer configuration is not, "" when there is none"""


class ProviderFiles:
    """A configuration file, or a folder of them, and the folder with the providers' programs."""

    def __init__(self, path: Path, bin_dir: Path) -> None:
        """Raises ProviderConfigError, OSError."""
        self._path = path
        self._bin_dir = bin_dir
        self._stamp: _Stamp = self._look()
        self._configured = Configured(read(path, bin_dir))

    def current(self) -> Configured:
        """What is in use now. Reads the disk: call it in a thread."""
        try:
            stamp = self._look()
            # a program that was missing may have been put there since: that changes no file of the configuration
            if stamp == self._stamp and not self._configured.problem:
                return self._configured
            self._stamp = stamp
            self._configured = Configured(read(self._path, self._bin_dir))
            log.info("%s: read again, %d credential providers", self._path, len(self._configured.providers))
        except (ProviderConfigError, OSError) as error:
            problem = f"credential provider configuration: {error}; the one before stays in use"
            if problem != self._configured.problem:
                log.warning("%s", problem)
            self._configured = Configured(self._configured.providers, problem)
        return self._configured

    def _look(self) -> _Stamp:
        files = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        stats = [(file.name, file.stat()) for file in files]
        return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
