"""From a request's bytes to an object of the published types, and what to say of fields that are none.

`fieldValidation` decides about unknown and duplicate fields: Ignore drops them, Warn tells of them in `Warning:`
headers, Strict refuses. Wrong types are always refused.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#validation-for-unrecognized-or-duplicate-fields
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from podwright.api.errors import BadRequest, Invalid, UnsupportedMediaType
from podwright.api.field import Path, not_supported
from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.api.schema import decode_json, decode_yaml
from podwright.api.schema.decode import YAML_PROBLEMS
from podwright.apiserver.context import Call, Context

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"


class FieldValidation(enum.Enum):
    """The `fieldValidation` parameter."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"

    @classmethod
    def of(cls, text: str) -> FieldValidation:
        """Raises Invalid for a word that is none of them; "" is Warn."""
        try:
            return cls(text) if text else cls.WARN
        except ValueError:
            wrong = not_supported(Path("fieldValidation"), text, ("", "Ignore", "Strict", "Warn"))
            raise Invalid.of("CreateOptions", "", [wrong], group="meta.k8s.io") from None


def media_type(header: str) -> str:
    """The media type of a Content-Type header, parameters left aside."""
    return header.partition(";")[0].strip().lower()


def decode_body(body: bytes, content_type: str, *, duplicates: bool) -> tuple[Any, list[str]]:
    """A JSON or YAML body. Raises UnsupportedMediaType, BadRequest."""
    kind = media_type(content_type)
    if kind == PROTOBUF:
        return _decode_protobuf(body), []
    if kind in ("", JSON):
        # An empty media type is JSON, as upstream's serializer takes it.
        read = decode_json
    elif kind in (YAML, "application/x-yaml", "text/yaml"):
        read = decode_yaml
    else:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, {PROTOBUF} (got {kind})"
        )
    try:
        return read(body, duplicates=duplicates)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind or JSON}): {error}") from None


def _decode_protobuf(body: bytes) -> Object:
    from podwright.apiserver.protobuf.decode import decode

    try:
        return decode(body)
    except KeyError as error:
        raise UnsupportedMediaType(f"{PROTOBUF} is not understood for {error}; send {JSON}") from None
    except (ValueError, OverflowError, TypeError) as error:
        raise BadRequest(f"the object provided is unrecognized (must be of type {PROTOBUF}): {error}") from None


def _fits(context: Context, call: Call, value: Object) -> bool:
    """Whether all is right with an object, its spec being like one that was right."""
    key, schema, spec = call.row.schema, context.schema, value.get("spec")
    if type(spec) is not dict:
        return False
    if not context.fitting.of([key, spec], lambda: schema.fits({"spec": spec}, key)):
        return False
    return schema.fits({name: below for name, below in value.items() if name != "spec"}, key)


def misfit(resource: Resource) -> str:
    """How a refusal of an object that is not of its type begins."""
    return f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'


def one_by_one(problems: Sequence[str]) -> list[str]:
    """Problems as warnings tell them: the lines that YAML's are in, each by itself."""
    return [line.strip() for text in problems for line in text.removeprefix(YAML_PROBLEMS).splitlines()]


def conform(context: Context, call: Call, value: Any, duplicates: Sequence[str], validation: FieldValidation) -> Object:
    """`value` pruned to the type of the call's resource. Raises BadRequest; warnings go to the call."""
    resource = call.resource
    if not isinstance(value, dict):
        raise BadRequest(f"the object provided is unrecognized: a {resource.kind} must be an object")
    if value.get("kind") not in (None, "", resource.kind) or value.get("apiVersion") not in (
        None,
        "",
        resource.api_version,
    ):
        return value  # another type than the endpoint's: the handler says so
    if not duplicates and call.row.strategy.made_from_templates and _fits(context, call, value):
        return value
    checked = context.schema.check(value, call.row.schema)
    if checked.errors:
        raise checked.bad_request(resource.kind, resource.version)
    if validation is not FieldValidation.IGNORE and (checked.unknown or duplicates):
        problems = [f'unknown field "{path}"' for path in checked.unknown] + list(duplicates)
        if validation is FieldValidation.STRICT:
            raise BadRequest(f"{misfit(resource)}: strict decoding error: {', '.join(problems)}")
        call.warnings += one_by_one(problems)
    obj: Object = checked.obj
    return obj
