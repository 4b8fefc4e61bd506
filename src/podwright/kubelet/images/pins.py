"""Images that a user keeps: image collection and `prune` leave them alone. A file below the data directory.

Written by `podwright image pin|unpin`, read by the collector at each pass: no restart is needed.
Page: https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection
"""

from __future__ import annotations

import json
from pathlib import Path

from podwright.kubelet.images import reference


class PinsError(ValueError):
    """The file of pins can't be read; nothing is assumed about what a user wants to keep."""


class Pins:
    """The pins of one data directory. Every method reads the disk: call it in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "image_manager" / "pinned.json"

    def names(self) -> frozenset[str]:
        """Full names (`docker.io/library/busybox:1`), as runtimes list them. Raises PinsError, OSError."""
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return frozenset()
        except ValueError as error:
            raise PinsError(f"{self._file}: not JSON") from error
        if not isinstance(document, list) or not all(isinstance(name, str) for name in document):
            raise PinsError(f"{self._file}: expected a list of names")
        return frozenset(document)

    def pin(self, image: str) -> str:
        """Keep an image from now on; its full name. Raises InvalidReferenceError, PinsError, OSError."""
        name = listed_name(image)
        self._write(self.names() | {name})
        return name

    def unpin(self, image: str) -> str:
        """Keep it no longer; its full name. Raises InvalidReferenceError, PinsError, OSError."""
        name = listed_name(image)
        self._write(self.names() - {name})
        return name

    def _write(self, names: frozenset[str]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(sorted(names)), encoding="utf-8")
        draft.replace(self._file)


def listed_name(image: str) -> str:
    """The name of an image as runtimes list it: by digest where one is given. Raises InvalidReferenceError."""
    name = reference.parse(image)
    return f"{name.repository}@{name.digest}" if name.digest else f"{name.repository}:{name.tag}"
