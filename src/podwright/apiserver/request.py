"""What a request carries beside its path: body, delete options, patch type, the options of a write.

Pure but for `read_body`; called by `front.py`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp.web import BaseRequest

from podwright.api.errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType
from podwright.api.field import Path, forbidden, invalid, not_supported
from podwright.apiserver.handlers.conform import decode_body, media_type
from podwright.apiserver.handlers.delete import invalid_grace
from podwright.apiserver.negotiation import Accepted, Form
from podwright.client.interface import DeleteOptions, PatchType

Query = Mapping[str, str]
_INCLUDED = ("None", "Metadata", "Object")
_PATCH_TYPES = {kind.value: kind for kind in PatchType}


async def read_body(request: BaseRequest, limit: int) -> bytes:
    """The whole body. Raises TooLarge beyond `limit` bytes."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {limit}")


def dry_run(query: Query) -> bool:
    """Whether the request is to change nothing. Raises Invalid for a word that is not All."""
    text = query.get("dryRun", "")
    if text not in ("", "All"):
        wrong = not_supported(Path("dryRun"), text, ("All",))
        raise Invalid.of("CreateOptions", "", [wrong], group="meta.k8s.io")
    return text == "All"


def included(query: Query, accepted: Accepted) -> str:
    """What each row of a table carries of its object, "" for the default. Raises Invalid."""
    text = query.get("includeObject", "") if accepted.form is Form.TABLE else ""
    if text not in ("", *_INCLUDED):
        wrong = not_supported(Path("includeObject"), text, _INCLUDED)
        raise Invalid.of("TableOptions", "", [wrong], group="meta.k8s.io")
    return text


def patch_type(content_type: str) -> PatchType:
    """The kind of a patch by its media type. Raises UnsupportedMediaType."""
    kind = _PATCH_TYPES.get(media_type(content_type))
    if kind is None:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(_PATCH_TYPES)
        )
    return kind


def forced(query: Query, kind: PatchType) -> bool:
    """Whether an apply takes fields away from their owners. Raises Invalid when another kind of patch says so."""
    if "force" not in query:
        return False
    if kind is not PatchType.APPLY:
        wrong = forbidden(Path("force"), "may not be specified for non-apply patch")
        raise Invalid.of("PatchOptions", "", [wrong], group="meta.k8s.io")
    return query["force"].lower() in ("1", "true")


def delete_options(body: bytes, content_type: str, query: Query) -> DeleteOptions:
    """DeleteOptions of a body, or of the query when there is none. Raises BadRequest, Invalid."""
    if body.strip():
        given, _ = decode_body(body, content_type, duplicates=False)
        if not isinstance(given, dict):
            raise BadRequest("DeleteOptions must be an object")
    else:
        given = {k: query[k] for k in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents") if k in query}
        if "gracePeriodSeconds" in given:
            try:
                given["gracePeriodSeconds"] = int(given["gracePeriodSeconds"])
            except ValueError:
                raise invalid_grace(given["gracePeriodSeconds"]) from None
        if "orphanDependents" in given:
            given["orphanDependents"] = given["orphanDependents"].lower() in ("1", "true")
    return _options(given, dry_run(query))


def _options(given: dict[str, Any], dry: bool) -> DeleteOptions:
    grace = given.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise invalid_grace(grace)
    preconditions = given.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise BadRequest("preconditions must be an object")
    policy = given.get("propagationPolicy") or ""
    if policy and given.get("orphanDependents") is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        raise Invalid.of("DeleteOptions", "", [invalid(Path("propagationPolicy"), policy, why)], group="meta.k8s.io")
    if given.get("orphanDependents") is not None:
        policy = "Orphan" if given["orphanDependents"] else "Background"
    words = given.get("dryRun") or []
    if words not in ([], ["All"]):
        wrong = not_supported(Path("dryRun"), words, ("All",))
        raise Invalid.of("DeleteOptions", "", [wrong], group="meta.k8s.io")
    return DeleteOptions(
        grace,
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        policy,
        dry or bool(words),
    )
