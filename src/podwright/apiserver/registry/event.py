"""What is special about Events, in both their views: what they may say, and how they are listed.

Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, required
from podwright.api.objects import Object, name_of, namespace_of
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import UNKNOWN, since
from podwright.apiserver.registry.event_views import to_core, to_events_v1
from podwright.apiserver.registry.strategy import Column, Strategy

_LONGEST_WORD, _LONGEST_NOTE = 128, 1024
_CLUSTER_NAMESPACES = ("", "default", "kube-system")
_TARGET_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_TYPES = ("Normal", "Warning")


def _first_seen(event: Object, now: float) -> str:
    first = since(event.get("firstTimestamp"), now)
    return since(event.get("eventTime"), now) if first == UNKNOWN else first


def _last_seen(event: Object, now: float) -> str:
    if event.get("series"):
        return since(event["series"].get("lastObservedTime"), now)
    last = since(event.get("lastTimestamp"), now)
    return _first_seen(event, now) if last == UNKNOWN else last


def _count(event: Object, now: float) -> int:
    if event.get("series"):
        return int(event["series"].get("count") or 0)
    return int(event.get("count") or 1)


def _object(event: Object, now: float) -> str:
    target = event.get("involvedObject") or {}
    kind, name = (target.get("kind") or "").lower(), target.get("name") or ""
    return f"{kind}/{name}" if name else kind


def _source(event: Object, now: float) -> str:
    source = event.get("source") or {}
    parts = [
        source.get("component") or event.get("reportingComponent") or "",
        source.get("host") or event.get("reportingInstance") or "",
    ]
    return ", ".join(parts) if parts[1] else parts[0]


_Cell = Callable[[Object, float], Any]


def _columns(seen_as: Callable[[Object], Object]) -> Sequence[Column]:
    """The columns; `seen_as` makes a core Event of what the row shows."""

    def over(cell: _Cell) -> _Cell:
        return lambda obj, now: cell(seen_as(obj), now)

    return (
        Column("Last Seen", over(_last_seen), description="When it was last seen."),
        Column("Type", over(lambda e, now: e.get("type") or ""), description="Normal, or Warning."),
        Column("Reason", over(lambda e, now: e.get("reason") or ""), description="Why, in a word for programs."),
        Column("Object", over(_object), description="What it is about."),
        Column(
            "Subobject",
            over(lambda e, now: (e.get("involvedObject") or {}).get("fieldPath") or ""),
            priority=1,
            description="Which part of the object it is about.",
        ),
        Column("Source", over(_source), priority=1, description="Who says so."),
        Column("Message", over(lambda e, now: (e.get("message") or "").strip()), description="What happened."),
        Column("First Seen", over(_first_seen), priority=1, description="When it was first seen."),
        Column("Count", over(_count), priority=1, description="How often it was seen."),
        Column("Name", lambda obj, now: name_of(obj), format="name", priority=1, description="The event's name."),
    )


class EventStrategy(Strategy):
    """Core Events; a PUT creates one that is not there."""

    columns = _columns(lambda obj: obj)
    allow_create_on_update = True

    def name_errors(self, name: str, *, prefix: bool) -> Sequence[str]:
        """Whatever can stand in a path: recorders build names from those of other objects."""
        if name in (".", ".."):
            return [f"may not be '{name}'"]
        return [f"may not contain '{character}'" for character in ("/", "%") if character in name]

    def default(self, obj: Object) -> None:
        """Only what the object's shape needs: the wire always has these."""
        obj.setdefault("involvedObject", {})

    def validate(self, obj: Object) -> list[FieldError]:
        """The older form is checked for its namespace alone, the newer (with eventTime) in full."""
        errors = _namespace(obj)
        return errors + _newer_form(obj) if obj.get("eventTime") else errors

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """What it is about, why and from whom."""
        target = obj.get("involvedObject") or {}
        source = (obj.get("source") or {}).get("component") or obj.get("reportingComponent") or ""
        return {
            **{f"involvedObject.{field}": target.get(field) or "" for field in _TARGET_FIELDS},
            "reason": obj.get("reason") or "",
            "reportingComponent": obj.get("reportingComponent") or "",
            "source": source,
            "type": obj.get("type") or "",
        }


class EventV1Strategy(EventStrategy):
    """The events.k8s.io view of the same objects."""

    columns = _columns(to_core)

    def default(self, obj: Object) -> None:
        """Nothing: `regarding` may be left out."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Always the newer form, with the names that this view gives the fields."""
        return _namespace(to_core(obj)) + _newer_form(to_core(obj))

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A report that was made stays; only its series goes on. Older reports may be changed as before."""
        if not old.get("eventTime"):
            return _namespace(to_core(obj))
        errors = self.validate(obj)
        for field in ("action", "reason", "regarding", "related", "reportingController", "reportingInstance", "type"):
            errors += check.unchanged(Path(field), obj.get(field), old.get(field))
        return errors

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """What it is about, why and from whom."""
        target = obj.get("regarding") or {}
        return {
            **{f"regarding.{field}": target.get(field) or "" for field in _TARGET_FIELDS},
            "reason": obj.get("reason") or "",
            "reportingController": obj.get("reportingController") or "",
            "type": obj.get("type") or "",
        }

    def to_storage(self, obj: Object) -> Object:
        """Stored as a core Event."""
        return to_core(obj)

    def from_storage(self, stored: Object) -> Object:
        """Shown as an events.k8s.io Event."""
        return to_events_v1(stored)


def _namespace(event: Object) -> list[FieldError]:
    target, own = (event.get("involvedObject") or {}).get("namespace") or "", namespace_of(event)
    good = own == target if target else own in _CLUSTER_NAMESPACES
    where = Path("involvedObject").child("namespace")
    return [] if good else [invalid(where, target, "does not match event.namespace")]


def _newer_form(event: Object) -> list[FieldError]:
    """Errors of an event with eventTime, given as a core Event."""
    errors = [] if event.get("eventTime") else [required(Path("eventTime"))]
    controller = event.get("reportingComponent") or ""
    where = Path("reportingController")
    errors += check.name(where, controller, names.qualified_name)
    for field in ("reportingInstance", "action", "reason"):
        value = event.get(field) or ""
        if not value:
            errors.append(required(Path(field)))
        elif len(value) > _LONGEST_WORD:
            errors.append(invalid(Path(field), "", f"can have at most {_LONGEST_WORD} characters"))
    if len(event.get("message") or "") > _LONGEST_NOTE:
        errors.append(invalid(Path("message"), "", f"can have at most {_LONGEST_NOTE} characters"))
    kind = event.get("type") or ""
    if kind not in _TYPES:
        errors.append(invalid(Path("type"), "", f"has invalid value: {kind}"))
    series = event.get("series")
    if series is not None:
        if (series.get("count") or 0) < 2:
            errors.append(invalid(Path("series").child("count"), "", "should be at least 2"))
        if not series.get("lastObservedTime"):
            errors.append(required(Path("series").child("lastObservedTime")))
    return errors
