"""JSON patch: a list of operations, all of them or none.

Called by the patch handler for `application/json-patch+json`. Texts are those of the library that
kube-apiserver uses (evanphx/json-patch).
Page: https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from podwright.api.objects import Object, copy_object
from podwright.api.schema.decode import hold_depth
from podwright.apiserver.patch.errors import PatchError, PatchTestFailed, PatchTooLarge, Unprocessable

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 1024 * 1024
"""Bytes that all copy operations of a patch may add: a few of them can double a document each."""
_KINDS = ("add", "remove", "replace", "move", "copy", "test")
_FIELDS = ("op", "path", "from", "value")
_INDEX = re.compile(r"-?(?:0|[1-9][0-9]{0,9})").fullmatch


class Operation(NamedTuple):
    """One step of a patch; `source` is the `from` of move and copy, "" for the others."""

    kind: str
    path: str
    source: str
    value: Any


def apply(doc: Object, patch: Any) -> Object:
    """`doc` after all operations of `patch`; nothing of the result is shared with `doc`.

    Raises PatchError for what is not a JSON patch, PatchTooLarge for more than 10,000 operations,
    PatchTestFailed when a `test` does not hold, Unprocessable when a path is not there.
    """
    operations = parse(patch)
    try:
        result = perform(doc, operations)
        hold_depth(result)
    except RecursionError:
        raise Unprocessable("the patched document is nested too deeply") from None
    except PatchError:
        raise
    except ValueError as error:
        raise Unprocessable(str(error)) from None
    if not isinstance(result, dict):
        raise Unprocessable("the patched document is not an object")
    return result


def unknown_fields(patch: Any) -> list[str]:
    """What stands in operations and means nothing there: `[0].foo`."""
    return [
        f"[{position}].{name}"
        for position, entry in enumerate(patch if isinstance(patch, list) else ())
        if isinstance(entry, dict)
        for name in entry
        if name not in _FIELDS
    ]


def parse(patch: Any) -> list[Operation]:
    """The operations of a decoded patch. Raises PatchError and PatchTooLarge as `apply` does."""
    if not isinstance(patch, list):
        raise PatchError("error decoding patch: json: cannot unmarshal a value that is not an array into a JSON patch")
    if len(patch) > MAX_OPERATIONS:
        raise PatchTooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}",
        )
    operations = []
    for entry in patch:
        kind = entry.get("op") if isinstance(entry, dict) else None
        if kind not in _KINDS:
            raise PatchError(f"Unexpected kind: {kind if isinstance(kind, str) else 'unknown'}")
        places = [entry.get("path"), entry.get("from") if kind in ("move", "copy") else ""]
        for name, place in zip(("path", "from"), places, strict=True):
            if not isinstance(place, str) or (place and not place.startswith("/")):
                raise PatchError(f'{kind} operation: "{name}" must be a JSON pointer')
        if kind in ("add", "replace", "test") and "value" not in entry:
            raise PatchError(f'{kind} operation: "value" is missing')
        operations.append(Operation(kind, places[0], places[1], entry.get("value")))
    return operations


def perform(doc: Any, operations: Sequence[Operation]) -> Any:
    """Any JSON value after all `operations`. Raises PatchTestFailed and Unprocessable as `apply` does."""
    root = [copy_object(doc)]
    copied = 0
    for operation in operations:
        if operation.kind == "copy":
            container, key = _existing(root, "copy", operation.source)
            copied += len(msgspec.json.encode(container[key]))
            if copied > MAX_COPIED:
                raise Unprocessable(
                    "Unable to complete the copy, the accumulated size increase of copy is"
                    f" {copied}, exceeding the limit {MAX_COPIED}",
                )
        _perform(root, operation)
    return root[0]


def _perform(root: list[Any], operation: Operation) -> None:
    kind, path, source, value = operation
    match kind:
        case "add":
            _add(root, kind, path, copy_object(value))
        case "remove":
            _remove(root, kind, path)
        case "replace":
            container, key = _existing(root, kind, path)
            container[key] = copy_object(value)
        case "test":
            _test(root, path, value)
        case "copy":
            container, key = _existing(root, kind, source)
            _add(root, kind, path, copy_object(container[key]))
        case _:
            if path.startswith(source + "/"):
                raise Unprocessable(f"move operation does not apply: {_quoted(source)} cannot be moved into itself")
            moved = _remove(root, kind, source)
            _add(root, kind, path, moved)


def _parent(root: list[Any], kind: str, path: str) -> tuple[Any, str]:
    """The container that `path` ends in, and the last token. The document itself is element 0 of `root`."""
    if not path:
        return root, "0"
    container: Any = root[0]
    *way, last = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    for token in way:
        if isinstance(container, dict) and token in container:
            container = container[token]
        elif isinstance(container, list) and _INDEX(token) and -len(container) <= int(token) < len(container):
            container = container[int(token)]
        else:
            container = None
            break
    if not isinstance(container, dict | list):
        raise Unprocessable(f"{kind} operation does not apply: doc is missing path: {_quoted(path)}: missing value")
    return container, last


def _existing(root: list[Any], kind: str, path: str) -> tuple[Any, Any]:
    """The container and the key (or index) of a value that must be there."""
    container, last = _parent(root, kind, path)
    if isinstance(container, dict):
        if last in container:
            return container, last
        raise Unprocessable(f"{kind} operation does not apply: doc is missing key: {path}: missing value")
    return container, _index(container, kind, last, len(container) - 1)


def _index(container: list[Any], kind: str, token: str, largest: int) -> int:
    if not _INDEX(token):
        raise Unprocessable(f"{kind} operation does not apply: invalid array index {_quoted(token)}")
    index = int(token)
    if index < 0:
        # Counting from the end is not in the RFC, but kube-apiserver allows it.
        index += largest + 1
    if not 0 <= index <= largest:
        raise Unprocessable(
            f"{kind} operation does not apply: Unable to access invalid index: {token}: invalid index referenced",
        )
    return index


def _add(root: list[Any], kind: str, path: str, value: Any) -> None:
    container, last = _parent(root, kind, path)
    if isinstance(container, dict):
        container[last] = value
    elif container is root:
        root[0] = value
    elif last == "-":
        container.append(value)
    else:
        container.insert(_index(container, kind, last, len(container)), value)


def _remove(root: list[Any], kind: str, path: str) -> Any:
    container, key = _existing(root, kind, path)
    if container is root:
        removed, root[0] = root[0], None
        return removed
    return container.pop(key)


def _test(root: list[Any], path: str, value: Any) -> None:
    container, last = _parent(root, "test", path)
    if isinstance(container, dict):
        # A null that is asked for may also be a field that is not there.
        found = container.get(last)
    else:
        found = container[_index(container, "test", last, len(container) - 1)]
    if not _equal(found, value):
        raise PatchTestFailed(f"testing value {path} failed: test failed")


def _equal(a: Any, b: Any) -> bool:
    """JSON equality: unlike Python's, true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
