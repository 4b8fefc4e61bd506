"""What an admission plugin sees of a request, and what it may do.

Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from podwright.api.objects import Object
from podwright.api.resources import Resource


class Operation(enum.Enum):
    """The verbs that pass through admission; the value is AdmissionReview's word for it."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/"""

    name: str
    groups: Sequence[str] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Attributes:
    """One request on its way. `obj` may be changed by mutating plugins until validation begins; `old` never."""

    operation: Operation
    resource: Resource
    user: User
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    obj: Object | None = None
    old: Object | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    """Texts for `Warning:` headers of the answer."""


class MutatingPlugin(Protocol):
    """Changes `attributes.obj` in place, or refuses by raising a StatusError (usually Forbidden)."""

    name: str

    async def admit(self, attributes: Attributes) -> None:
        """Called for every write; a plugin returns at once when the request is not its concern."""
        ...


class ValidatingPlugin(Protocol):
    """Looks at the final object and refuses by raising a StatusError."""

    name: str

    async def validate(self, attributes: Attributes) -> None:
        """Called for every write after all mutation and after the resource's own validation."""
        ...
