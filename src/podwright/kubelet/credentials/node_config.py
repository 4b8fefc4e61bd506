"""The node's own registry credentials, and those for one namespace: files, read again when they change.

Called by the credential look-up. Files are looked for where the kubelet looks, the first that can be read counts:
they are not merged.
Page: https://kubernetes.io/docs/concepts/containers/images/#configuring-nodes-to-authenticate-to-a-private-registry
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.kubelet.credentials.docker_config import (
    DockerConfig,
    DockerConfigError,
    parse_config_json,
    parse_dockercfg,
)
from podwright.kubelet.credentials.keyring import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int, int]
    """inode, time of change, size"""
    config: DockerConfig


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that a look-up goes through."""

    source: Source
    config: DockerConfig
    there: bool


class ConfigFiles:
    """The credential files below `data_dir`, with the folders that Docker uses as a fallback for the node's."""

    def __init__(self, data_dir: Path, home: Path | None) -> None:
        self._data_dir = data_dir
        self._home = home
        self._read: dict[Path, _Read] = {}

    def node(self) -> DockerConfig:
        """The node's file, or nothing. Reads files: call it in a thread."""
        return self._first(self.candidates()).config

    def namespace(self, namespace: str) -> DockerConfig:
        """`credentials/<namespace>/config.json` below the data directory: for Pods of that namespace only."""
        return self._of_namespace(namespace).config

    def all_for(self, namespace: str) -> Sequence[ConfigFile]:
        """Every file for Pods of a namespace ("": of none), the first to be asked first. Reads files."""
        return [*([self._of_namespace(namespace)] if namespace else []), self._first(self.candidates())]

    def _of_namespace(self, namespace: str) -> ConfigFile:
        path = self._data_dir / "credentials" / namespace / "config.json"
        return self._first([path], namespace_source(namespace))

    def candidates(self) -> Sequence[Path]:
        """Where the node's file is looked for, in order."""
        working = Path.cwd()
        root = Path("/")
        config_json = [self._data_dir, working, *([self._home / ".docker"] if self._home else []), root / ".docker"]
        dockercfg = [self._data_dir, working, *([self._home] if self._home else []), root]
        return [folder / "config.json" for folder in config_json] + [folder / ".dockercfg" for folder in dockercfg]

    def _first(self, paths: Sequence[Path], source: Source | None = None) -> ConfigFile:
        for path in paths:
            named = source or Source(str(path))
            try:
                stat = path.stat()
                stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                known = self._read.get(path)
                if known is not None and known.stamp == stamp:
                    return ConfigFile(named, known.config, there=True)
                content = path.read_bytes()
            except OSError:
                continue
            parse = parse_dockercfg if path.name == ".dockercfg" else parse_config_json
            try:
                config = parse(content, named)
            except DockerConfigError as error:
                config = DockerConfig(problems=[str(error)])
            for problem in config.problems:
                log.warning("%s: %s", path, problem)
            self._read[path] = _Read(stamp, config)
            return ConfigFile(named, config, there=True)
        return ConfigFile(source or Source(str(paths[0])), DockerConfig(), there=False)


def namespace_source(namespace: str) -> Source:
    """The source of a namespace's file. It counts as a secret of the namespace, so that what it pulled stays there."""
    name = f"credentials/{namespace}/config.json"
    return Source(name, secret=(name, namespace, "config.json"))


def user_home() -> Path | None:
    """$HOME of this process."""
    home = os.environ.get("HOME")
    return Path(home) if home else None
