"""Field paths, and what can be wrong with a field.

Texts are those that kube-apiserver writes, since tools and people match on them:
`spec.containers[0].image: Required value: ...`. Source: k8s.io/apimachinery pkg/util/validation/field.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_REMEMBERED_POSITIONS = 64
"""Elements of a list whose paths are remembered: few lists are longer, and none may fill the memory."""


class Path:
    """A place in an object, as `spec.containers[0].image` or `metadata.labels[a/b]`; never changed.

    Validation names every place that it looks at, and hardly ever needs the name: a path remembers those below it,
    so that the next object of the kind finds them made. Names of map entries, which clients choose, are not remembered.
    """

    __slots__ = ("_below", "text")

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._below: dict[str | int, Path] = {}

    def child(self, name: str, *further: str) -> Path:
        """The path of a field below this one; `further`: of a field below that one."""
        if further:
            name = ".".join((name, *further))
        found = self._below.get(name)
        if found is None:
            found = self._below[name] = Path(f"{self.text}.{name}" if self.text else name)
        return found

    def index(self, position: int) -> Path:
        """The path of a list element."""
        found = self._below.get(position)
        if found is None:
            found = Path(f"{self.text}[{position}]")
            if position < _REMEMBERED_POSITIONS:
                self._below[position] = found
        return found

    def key(self, name: str) -> Path:
        """The path of a map entry."""
        return Path(f"{self.text}[{name}]")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def __str__(self) -> str:
        return self.text or "<nil>"


class ErrorType(enum.Enum):
    """The kinds of field error; the value is the machine-readable cause in a Status."""

    REQUIRED = "FieldValueRequired"
    INVALID = "FieldValueInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    DUPLICATE = "FieldValueDuplicate"
    NOT_FOUND = "FieldValueNotFound"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    TYPE_INVALID = "FieldValueTypeInvalid"
    INTERNAL = "InternalError"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field."""

    type: ErrorType
    path: Path
    body: str
    """What is wrong, without the path: `Required value: must specify a handler type`."""

    def __str__(self) -> str:
        return f"{self.path}: {self.body}"

    def cause(self) -> dict[str, str]:
        """This error as a StatusCause."""
        return {"reason": self.type.value, "message": self.body, "field": str(self.path)}


def _with_detail(title: str, detail: str) -> str:
    return f"{title}: {detail}" if detail else title


def _quoted(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def required(path: Path, detail: str = "") -> FieldError:
    """The field must be set and is not."""
    return FieldError(ErrorType.REQUIRED, path, _with_detail("Required value", detail))


def invalid(path: Path, value: Any, detail: str) -> FieldError:
    """The value breaks a rule that `detail` states."""
    return FieldError(ErrorType.INVALID, path, _with_detail(f"Invalid value: {_quoted(value)}", detail))


def not_supported(path: Path, value: Any, supported: Iterable[str]) -> FieldError:
    """The value is not one of the listed ones (listed in the given order)."""
    listed = ", ".join(json.dumps(s) for s in supported)
    return FieldError(ErrorType.NOT_SUPPORTED, path, f"Unsupported value: {_quoted(value)}: supported values: {listed}")


def forbidden(path: Path, detail: str) -> FieldError:
    """The field may not be set, or not be changed, here."""
    return FieldError(ErrorType.FORBIDDEN, path, _with_detail("Forbidden", detail))


def duplicate(path: Path, value: Any) -> FieldError:
    """A value that must be unique stands twice."""
    return FieldError(ErrorType.DUPLICATE, path, f"Duplicate value: {_quoted(value)}")


def not_found(path: Path, value: Any) -> FieldError:
    """The value names something that is not there."""
    return FieldError(ErrorType.NOT_FOUND, path, f"Not found: {_quoted(value)}")


def too_long(path: Path, limit: int) -> FieldError:
    """The value is longer than `limit` bytes."""
    return FieldError(ErrorType.TOO_LONG, path, f"Too long: may not be more than {limit} bytes")


def too_many(path: Path, actual: int, limit: int) -> FieldError:
    """The list has more than `limit` elements."""
    return FieldError(
        ErrorType.TOO_MANY,
        path,
        f"Too many: {actual}: must have at most {limit} item{'' if limit == 1 else 's'}",
    )


def type_invalid(path: Path, value: Any, detail: str) -> FieldError:
    """The value has another JSON type than the schema gives."""
    return FieldError(ErrorType.TYPE_INVALID, path, _with_detail(f"Invalid value: {_quoted(value)}", detail))


def aggregate(errors: Sequence[FieldError]) -> str:
    """One text for several errors, as kube-apiserver joins them."""
    texts = list(dict.fromkeys(str(e) for e in errors))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
