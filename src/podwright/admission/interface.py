"""What an admission plugin sees of a request, and what it may do.

Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
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
class Reinvocation:
    """What the webhooks that mutate one object have to know of each other; see `webhooks/mutating`.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
    """

    wanted: bool = False
    """A webhook has changed the object: everything that mutates looks at it once more."""
    second_round: bool = False
    asked: set[str] = field(default_factory=set)
    """Webhooks that have seen the object, and want to see it again if it changes."""
    to_ask: set[str] = field(default_factory=set)
    """Webhooks of the second round."""
    last_seen: Object | None = None
    """The object as the last webhook of the first round left it."""

    def ask_again(self) -> None:
        """The object has changed: who has seen it has to see it again."""
        self.to_ask |= self.asked
        self.asked.clear()


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
    patched: Callable[[Object, Any], Object] | None = None
    """The object (not changed) after a decoded JSON patch, with its types checked and its defaults set.

    Raises StatusError. None where the request brings no object that could be changed."""
    reinvocation: Reinvocation | None = None


class MutatingPlugin(Protocol):
    """Changes `attributes.obj` in place, or refuses by raising a StatusError (usually Forbidden)."""

    name: str

    async def admit(self, attributes: Attributes) -> None:
        """Called for every write; a plugin returns at once when the request is not its concern."""
        ...


class FollowingPlugin(Protocol):
    """Has something of the cluster's state at hand, which it follows in the background."""

    async def run(self) -> None:
        """Follow until cancelled; requests are served before this has begun, too."""
        ...


class ValidatingPlugin(Protocol):
    """Looks at the final object and refuses by raising a StatusError."""

    name: str

    async def validate(self, attributes: Attributes) -> None:
        """Called for every write after all mutation and after the resource's own validation."""
        ...
