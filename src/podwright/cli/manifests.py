"""Objects out of YAML and JSON files, several documents and `List`s included. Called by `run`.

Page: https://kubernetes.io/docs/concepts/overview/working-with-objects/
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from podwright.api.objects import Object


class ManifestError(Exception):
    """A file that holds no objects; the text names file and line."""


def read(files: Sequence[str]) -> list[Object]:
    """The objects of all files in their order; `-` is standard input. Raises ManifestError, OSError."""
    objects: list[Object] = []
    for file in files:
        if file == "-":
            objects += parse(sys.stdin.read(), "standard input")
        else:
            with open(file, encoding="utf-8", errors="strict") as opened:  # noqa: PTH123 - OSError names it as given
                try:
                    text = opened.read()
                except UnicodeDecodeError as error:
                    raise ManifestError(f"{file}: not UTF-8 text: {error.reason} at byte {error.start}") from None
            objects += parse(text, file)
    if not objects:
        raise ManifestError(f"no objects in {', '.join(files)}")
    return objects


def parse(text: str, file: str) -> Iterator[Object]:
    """The objects of one text; `file` is what messages call it. Raises ManifestError."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # JSON is YAML
        for number, document in enumerate(yaml.load_all(text, loader), 1):
            if document is not None:
                yield from _objects(document, f"{file}, document {number}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file}, line {mark.line + 1}" if mark else file
        raise ManifestError(f"{where}: {error.problem or error}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ManifestError(f"{file}: {error}") from None


def _objects(document: object, where: str) -> Iterator[Object]:
    if not isinstance(document, dict):
        raise ManifestError(f"{where}: a mapping with apiVersion and kind is wanted, not {type(document).__name__}")
    kind = document.get("kind")
    if kind == "List" or (isinstance(kind, str) and kind.endswith("List") and isinstance(document.get("items"), list)):
        for number, item in enumerate(document.get("items") or (), 1):
            yield from _objects(item, f"{where}, item {number}")
        return
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise ManifestError(f"{where}: {field} is missing")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise ManifestError(f"{where}: metadata.name is missing")
    yield document
