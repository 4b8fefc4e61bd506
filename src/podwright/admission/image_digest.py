"""ImageDigest (Podwright's own): pins each tag to the digest that the registry has when Pod or template is written.

Off by default. Every replica then runs the same code, whatever happens to the tag; an annotation says what was
pinned. The registry is asked by a function that the composition root gives.
Page: https://kubernetes.io/docs/concepts/containers/images/#image-names
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal, written_pod
from podwright.admission.pod_security.templates import has_template, pod_in
from podwright.api.objects import Object
from podwright.api.pods import containers

ANNOTATION = "podwright.dev/pinned-images"

ResolveDigest = Callable[[str, Object], Awaitable[str]]
"""The digest (`sha256:...`) that the registry has for an image, asked with the Pod's own credentials.

Raises OSError when the registry is out of reach, ValueError (with words for the user) when it has no such image."""


class ImageDigest:
    """Looks at Pods that are created, and at templates of Pods that are created or changed.

    All Pods of a template get the digest that its tag had when the template was written; the same tag written again
    keeps it.
    """

    name = "ImageDigest"

    def __init__(self, resolve: ResolveDigest) -> None:
        self._resolve = resolve

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden when a digest cannot be found out: an unpinned image would break the promise."""
        holder = _written(attributes)
        if holder is None or not holder.get("spec"):
            return
        known, pinned = _pinned_before(attributes), dict[str, str]()
        for place, field in _images(holder["spec"]):
            image = place.get(field) or ""
            if not image or "@" in image:
                continue
            if image not in pinned:
                pinned[image] = known.get(image) or await self._ask(attributes, holder, image)
            place[field] = f"{image}@{pinned[image]}"
        if pinned:
            metadata = holder["metadata"] = holder.get("metadata") or {}
            annotations = metadata["annotations"] = metadata.get("annotations") or {}
            there = {place.get(field) for place, field in _images(holder["spec"])}
            kept = {image: digest for image, digest in known.items() if f"{image}@{digest}" in there}
            annotations[ANNOTATION] = json.dumps(kept | pinned, sort_keys=True)

    async def _ask(self, attributes: Attributes, holder: Object, image: str) -> str:
        pod = {"metadata": {"namespace": attributes.namespace}, "spec": holder["spec"]}
        try:
            return await self._resolve(image, pod)
        except (OSError, ValueError) as why:
            raise refusal(attributes, f'the digest of image "{image}" cannot be found out: {why}') from why


def _written(attributes: Attributes) -> Object | None:
    """The Pod or template that a request writes; None for any other."""
    if has_template(attributes.resource):
        writes = not attributes.subresource and attributes.operation in (Operation.CREATE, Operation.UPDATE)
        return pod_in(attributes.resource, attributes.obj) if writes and attributes.obj is not None else None
    return written_pod(attributes, Operation.CREATE)


def _pinned_before(attributes: Attributes) -> dict[str, str]:
    """Digests by image as written, of the template that is changed."""
    if attributes.old is None or not has_template(attributes.resource):
        return {}
    before = pod_in(attributes.resource, attributes.old) or {}
    told = ((before.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    try:
        pins = json.loads(told or "{}")
    except ValueError:
        return {}  # somebody else has written there
    return {str(image): str(digest) for image, digest in pins.items()} if isinstance(pins, dict) else {}


def _images(spec: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    volumes = [(v["image"], "reference") for v in spec.get("volumes") or () if v.get("image")]
    return [(at.container, "image") for at in containers(spec)] + volumes
