"""Which form of an answer a client accepts: JSON or YAML, the object itself, a Table, or its metadata only.

Pure; called by `front.py`. Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass

from podwright.api.errors import NotAcceptable

JSON, YAML = "application/json", "application/yaml"
_MEDIA = {
    JSON: JSON,
    "*/*": JSON,
    "application/*": JSON,
    "": JSON,
    YAML: YAML,
    "application/x-yaml": YAML,
    "text/yaml": YAML,
}


class Form(enum.Enum):
    """What is written; the value is the `as` parameter."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


_FORMS = {form.value for form in Form}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form chosen."""

    media_type: str = JSON
    form: Form = Form.OBJECT
    version: str = "v1"
    """Version of meta.k8s.io for the forms that belong to it."""

    @property
    def plain(self) -> bool:
        """Whether stored bytes are the answer as they are."""
        return self.media_type == JSON and self.form is Form.OBJECT


@functools.lru_cache(maxsize=512)
def negotiate(accept: str, *, objects_only: bool = False) -> Accepted:
    """The first form of an Accept header that can be written here. Raises NotAcceptable when none can.

    `objects_only`: for kinds that have no rows and no metadata of their own, as reviews.
    """
    for part in _by_quality(accept):
        media, *parameters = [p.strip() for p in part.split(";")]
        known = _MEDIA.get(media.lower())
        if known is None:
            continue
        given = dict(p.partition("=")[::2] for p in parameters)
        form = given.get("as", "")
        if not form:
            return Accepted(known)
        if objects_only:
            continue
        version = given.get("v", "v1")
        if given.get("g", "meta.k8s.io") == "meta.k8s.io" and version in ("v1", "v1beta1") and form in _FORMS:
            return Accepted(known, Form(form), version)
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {YAML}")


def _by_quality(accept: str) -> list[str]:
    parts = accept.split(",")
    if "q=" not in accept:
        return parts

    def quality(part: str) -> float:
        _, found, text = part.partition(";q=")
        try:
            return -float(text.split(";")[0]) if found else -1.0
        except ValueError:
            return 0.0

    return sorted(parts, key=quality)
