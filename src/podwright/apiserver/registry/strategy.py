"""What a resource may decide for itself; the generic handlers do everything else.

A strategy is pure: it takes objects and returns values or changes the fresh copy that it is given. It never
awaits, and never reads the store. Handlers call it in this order:

create: `default` -> mutating admission -> `default` -> `prepare_for_create` -> `validate` -> validating admission
update: `carry_over` -> `default` -> `prepare_for_update` -> mutating admission -> `default` -> `validate_update` ->
validating admission. The store comes last in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.field import FieldError
from podwright.api.objects import Object, metadata
from podwright.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`.

    `cell` gives the JSON value for an object at the server's time (seconds since the epoch).
    """

    name: str
    cell: Callable[[Object, float], Any]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    """0: always shown; 1: with -o wide"""


@dataclass(frozen=True, slots=True)
class Deletion:
    """How a delete goes on: at once, or gracefully with so many seconds."""

    graceful: bool
    grace_period_seconds: int = 0


class Strategy:
    """The behaviour of a plain resource; a resource that differs overrides what differs."""

    columns: Sequence[Column] = ()
    """Empty: NAME and AGE."""
    status_subresource: bool = False
    """Whether status is written only through /status (and spec only through the main resource)."""
    allow_create_on_update: bool = False
    """Whether PUT of a name that is not there creates it."""
    allow_unconditional_update: bool = True
    """Whether PUT without metadata.resourceVersion is taken as "whatever is there now"."""
    has_generation: bool = False
    """Whether metadata.generation counts changes of spec."""
    returns_deleted: bool = False
    """Whether a delete answers with the object that was, instead of a Status."""

    orphans_by_default: bool = False
    """Whether dependents stay when a delete does not say what becomes of them."""

    made_from_templates: bool = False
    """Whether many are alike but for their names: what is worked out for one is kept for the next (see `alike`)."""

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """What is wrong with metadata.name (or generateName, `prefix`); the default is a DNS subdomain."""
        from podwright.api.names import dns_subdomain

        return dns_subdomain(name, prefix=prefix)

    def default(self, obj: Object) -> None:
        """Fill in the defaults of the published API, in place. Safe to repeat."""

    def carry_over(self, obj: Object, old: Object) -> None:
        """Keep, in place, what was decided when `old` was created and what `obj` does not mention."""

    def prepare_for_create(self, obj: Object) -> None:
        """Drop what a client may not set, in place (the default drops status where it is a subresource)."""
        if self.status_subresource:
            obj.pop("status", None)

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """Keep what this endpoint may not change, in place (the default keeps status, or spec for /status)."""
        if not self.status_subresource:
            return
        if subresource == "status":
            kept = {k: v for k, v in old.items() if k != "status"}
            status = obj.get("status")
            labels = metadata(obj)
            obj.clear()
            obj.update(kept)
            obj["metadata"] = labels
            if status is not None:
                obj["status"] = status
        elif "status" in old:
            obj["status"] = old["status"]
        else:
            obj.pop("status", None)

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything wrong with a new object (its metadata is checked by the handlers)."""
        return []

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Everything wrong with a changed object, changed immutable fields included."""
        return self.validate(obj)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Texts for `Warning:` headers: accepted here but not acted on, or deprecated."""
        return []

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """Field selector names and values beyond metadata.name and metadata.namespace."""
        return {}

    def deletion(self, obj: Object, requested_grace: int | None) -> Deletion:
        """How a delete of `obj` goes on (the default: at once)."""
        return Deletion(graceful=False)

    def deletion_warnings(self, propagation_policy: str) -> list[str]:
        """Texts for `Warning:` headers of a delete with this policy ("" for none)."""
        return []

    def holds_removal(self, obj: Object) -> bool:
        """Whether something beside metadata.finalizers keeps a deleted `obj` in the store (a Namespace's content)."""
        return False

    def mark_deleted(self, obj: Object) -> None:
        """Change what shows that a delete has begun, in place, beside deletionTimestamp (a Namespace's phase)."""

    def to_storage(self, obj: Object) -> Object:
        """For a row with `same_storage_as`: the object as the other row stores it (a new object)."""
        return obj

    def from_storage(self, stored: Object) -> Object:
        """For a row with `same_storage_as`: a stored object as this row shows it (a new object)."""
        return stored


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the resource table: adding a resource is one of these and its strategy."""

    resource: Resource
    strategy: Strategy
    schema: str
    """Key in the published OpenAPI definitions, `io.k8s.api.core.v1.Pod`."""
    singular: str = ""
    short_names: Sequence[str] = ()
    categories: Sequence[str] = ()
    subresources: Sequence[str] = ()
    """Those the generic handlers serve (`status`); others are routed by `server.py`."""
    same_storage_as: Resource | None = None
    """Another view of the same objects (events.k8s.io on core events)."""
    deprecated: str = ""
    """What every answer warns of: since when the resource should not be used any more, and what instead."""
