"""What the query of a list or a watch asks for, and continue tokens.

Pure; called by the HTTP front and the in-process client.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from podwright.api.errors import BadRequest, Invalid
from podwright.api.field import FieldError, Path, forbidden, invalid, not_supported
from podwright.api.objects import Object
from podwright.api.selectors import FieldSelector, LabelSelector, parse_field_selector, parse_label_selector
from podwright.apiserver.registry.strategy import Row

NOT_OLDER_THAN, EXACT = "NotOlderThan", "Exact"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects are wanted."""

    labels: LabelSelector = field(default_factory=LabelSelector)
    fields: FieldSelector = field(default_factory=FieldSelector)

    def __bool__(self) -> bool:
        return bool(self.labels) or bool(self.fields)

    def matches(self, row: Row, obj: Object) -> bool:
        """Whether `obj` is wanted."""
        meta = obj["metadata"]
        if self.labels and not self.labels.matches(meta.get("labels")):
            return False
        if not self.fields:
            return True
        values = dict(row.strategy.selectable_fields(obj))
        values["metadata.name"] = meta.get("name") or ""
        values["metadata.namespace"] = meta.get("namespace") or ""
        return self.fields.matches(values)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """metav1.ListOptions. A revision is None when not given; 0 means "any"."""

    selection: Selection = field(default_factory=Selection)
    limit: int = 0
    continue_token: str = ""
    revision: int | None = None
    match: str = ""
    watch: bool = False
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout: int | None = None
    """Seconds until the server ends the watch."""

    @property
    def exact(self) -> bool:
        """Whether the list must be the one of exactly this revision."""
        if not self.revision:
            return False
        return self.match == EXACT or (not self.match and self.limit > 0)


@dataclass(frozen=True, slots=True)
class Token:
    """Where a list goes on: after key `after`, as things were at `revision` (-1: as they are now)."""

    revision: int
    after: str

    def encode(self) -> str:
        """The opaque text."""
        packed = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": self.revision, "start": self.after})
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, root: str) -> Token:
        """Raises BadRequest for what is not a token for keys below `root`."""
        try:
            packed = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Packed)
        except (binascii.Error, ValueError) as error:
            raise BadRequest(f"continue key is not valid: {error}") from None
        if packed.v != "meta.k8s.io/v1" or not packed.start:
            raise BadRequest(f'continue key is not valid: server does not recognize this encoded version "{packed.v}"')
        if not packed.start.startswith(root):
            raise BadRequest(f"continue key is not valid: {packed.start}")
        return cls(packed.rv, packed.start)


class _Packed(msgspec.Struct):
    v: str
    rv: int
    start: str


def selection_of(label_selector: str, field_selector: str, row: Row) -> Selection:
    """Raises BadRequest for selectors that cannot be read, or fields that the resource does not select by."""
    try:
        labels = parse_label_selector(label_selector) if label_selector else LabelSelector()
        fields = parse_field_selector(field_selector) if field_selector else FieldSelector()
    except ValueError as error:
        raise BadRequest(str(error)) from None
    if fields:
        supported = _selectable(row)
        for requirement in fields.requirements:
            if requirement.field not in supported:
                raise BadRequest(f"field label not supported: {requirement.field}")
    return Selection(labels, fields)


def _selectable(row: Row) -> set[str]:
    blank = {"apiVersion": row.resource.api_version, "kind": row.resource.kind, "metadata": {"name": ""}}
    names = {"metadata.name", *row.strategy.selectable_fields(blank)}
    if row.resource.namespaced:
        names.add("metadata.namespace")
    return names


def _revision(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        wrong = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise Invalid.of("ListOptions", "", [invalid(Path("resourceVersion"), text, wrong)], group="meta.k8s.io")
    return int(text)


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("1", "true", "t")


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    if not text:
        return 0
    try:
        return max(int(text), 0)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})') from None


def parse(query: Mapping[str, str], row: Row, *, watch: bool = False) -> ListOptions:
    """The options in a URL's query. Raises BadRequest, Invalid."""
    if not query:
        return ListOptions(watch=watch)
    send = query.get("sendInitialEvents")
    options = ListOptions(
        selection=selection_of(query.get("labelSelector", ""), query.get("fieldSelector", ""), row),
        limit=_number(query, "limit"),
        continue_token=query.get("continue", ""),
        revision=_revision(query.get("resourceVersion", "")),
        match=query.get("resourceVersionMatch", ""),
        watch=watch or _flag(query, "watch"),
        bookmarks=_flag(query, "allowWatchBookmarks"),
        send_initial_events=None if send is None else _flag(query, "sendInitialEvents"),
        timeout=_number(query, "timeoutSeconds") or None,
    )
    errors = check(options)
    if errors:
        raise Invalid.of("ListOptions", "", errors, group="meta.k8s.io")
    return options


def check(options: ListOptions) -> list[FieldError]:
    """Combinations that mean nothing."""
    match, errors = options.match, []
    at = Path("resourceVersionMatch")
    if options.watch:
        if options.send_initial_events is None:
            if match:
                errors.append(
                    forbidden(at, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
                )
        elif not match:
            errors.append(forbidden(at, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
        elif match != NOT_OLDER_THAN:
            errors.append(not_supported(at, match, (NOT_OLDER_THAN,)))
        return errors
    if options.send_initial_events is not None:
        errors.append(forbidden(Path("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
    if match:
        if options.revision is None:
            errors.append(forbidden(at, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if options.continue_token:
            errors.append(forbidden(at, "resourceVersionMatch is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER_THAN):
            errors.append(not_supported(at, match, (EXACT, NOT_OLDER_THAN, "")))
        if match == EXACT and options.revision == 0:
            errors.append(forbidden(at, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    return errors
