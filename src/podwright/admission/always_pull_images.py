"""AlwaysPullImages: no Pod runs an image that its own credentials could not pull.

Off by default. An update that brings no new image is left alone; where an older Pod gets a new image, that
container's policy becomes Always with it.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal
from podwright.api.field import Path, aggregate, not_supported
from podwright.api.objects import Object
from podwright.api.pods import containers, spec_of
from podwright.api.resources import PODS

_POLICY = "Always"
_SUBRESOURCES = ("", "ephemeralcontainers")


class _Use(NamedTuple):
    path: Path
    """of the policy field"""
    holder: dict[str, Any]
    field: str
    image: str


class AlwaysPullImages:
    """Looks at Pods that are created or changed, ephemeral containers included."""

    name = "AlwaysPullImages"

    async def admit(self, attributes: Attributes) -> None:
        """Set the policy wherever an image is new."""
        for use in _new_images(attributes):
            use.holder[use.field] = _POLICY

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden when another plugin changed it back."""
        errors = [
            not_supported(use.path, use.holder.get(use.field) or "", (_POLICY,))
            for use in _new_images(attributes)
            if use.holder.get(use.field) != _POLICY
        ]
        if errors:
            raise refusal(attributes, aggregate(errors))


def _new_images(attributes: Attributes) -> list[_Use]:
    if attributes.resource != PODS or attributes.subresource not in _SUBRESOURCES or attributes.obj is None:
        return []
    uses = list(_uses(attributes.obj))
    if attributes.operation is Operation.CREATE:
        return uses
    if attributes.operation is not Operation.UPDATE or attributes.old is None:
        return []
    before = list(_uses(attributes.old))
    if {u.image for u in uses} <= {u.image for u in before}:
        return []
    unchanged = {(str(u.path), u.image) for u in before}
    return [u for u in uses if (str(u.path), u.image) not in unchanged]


def _uses(pod: Object) -> Iterator[_Use]:
    spec, root = spec_of(pod), Path("spec")
    for at in containers(spec):
        path = root.child(at.field).index(at.position).child("imagePullPolicy")
        yield _Use(path, at.container, "imagePullPolicy", at.container.get("image") or "")
    for position, volume in enumerate(spec.get("volumes") or ()):
        if volume.get("image") is not None:
            path = root.child("volumes").index(position).child("image").child("pullPolicy")
            yield _Use(path, volume["image"], "pullPolicy", volume["image"].get("reference") or "")
