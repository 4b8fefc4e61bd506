"""The folder of preloaded images: what lies in it is imported at start, once for each version of a file.

Called by app.py after the managed runtime has started. A file that can't be imported is reported and does not keep
the others out.
Page: https://kubernetes.io/docs/concepts/containers/images/#pre-pulled-images
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from podwright.containerd.importer import ImageImportError

SUFFIXES = (".tar", ".tar.gz", ".tgz")


class Imports(Protocol):
    """What is needed of ManagedContainerd."""

    async def import_image(self, source: Path) -> Sequence[str]:
        """Raises ImageImportError, OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What a folder came to."""

    names: Sequence[str]
    """images imported now"""
    failures: Mapping[str, str]
    """file name -> why it could not be imported"""


async def preload(runtime: Imports, folder: Path, record: Path) -> Preloaded:
    """Import what is new in `folder` since `record` was written. Raises OSError when `record` can't be."""
    known = await asyncio.to_thread(_read, record)
    names: list[str] = []
    failures: dict[str, str] = {}
    for file, stamp in (await asyncio.to_thread(_list, folder)).items():
        if known.get(file) == stamp:
            continue
        try:
            names += await runtime.import_image(folder / file)
        except (ImageImportError, OSError) as error:
            failures[file] = str(error)
            continue
        known[file] = stamp
        await asyncio.to_thread(record.write_text, json.dumps(known), "utf-8")
    return Preloaded(names, failures)


def _list(folder: Path) -> dict[str, list[int]]:
    if not folder.is_dir():
        return {}
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.endswith(SUFFIXES):
            stat = path.stat()
            found[path.name] = [stat.st_mtime_ns, stat.st_size]
    return found


def _read(record: Path) -> dict[str, list[int]]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # importing again does no harm
    return known if isinstance(known, dict) else {}
