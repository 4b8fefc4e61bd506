"""ImageDigest (Podwright's own): pins each tag to the digest that the registry has when the Pod is created.

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
from podwright.api.objects import Object
from podwright.api.pods import containers

ANNOTATION = "podwright.dev/pinned-images"

ResolveDigest = Callable[[str, Object], Awaitable[str]]
"""The digest (`sha256:...`) that the registry has for an image, asked with the Pod's own credentials.

Raises OSError when the registry is out of reach, ValueError (with words for the user) when it has no such image."""


class ImageDigest:
    """Looks at Pods that are created."""

    name = "ImageDigest"

    def __init__(self, resolve: ResolveDigest) -> None:
        self._resolve = resolve

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden when a digest cannot be found out: an unpinned image would break the promise."""
        pod = written_pod(attributes, Operation.CREATE)
        if pod is None:
            return
        pinned: dict[str, str] = {}
        for holder, field in _images(pod["spec"]):
            image = holder.get(field) or ""
            if not image or "@" in image:
                continue
            if image not in pinned:
                try:
                    pinned[image] = await self._resolve(image, pod)
                except (OSError, ValueError) as why:
                    raise refusal(attributes, f'the digest of image "{image}" cannot be found out: {why}') from why
            holder[field] = f"{image}@{pinned[image]}"
        if pinned:
            annotations = pod["metadata"].setdefault("annotations", {})
            annotations[ANNOTATION] = json.dumps(pinned, sort_keys=True)


def _images(spec: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    volumes = [(v["image"], "reference") for v in spec.get("volumes") or () if v.get("image")]
    return [(at.container, "image") for at in containers(spec)] + volumes
