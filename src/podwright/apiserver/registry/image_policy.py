"""Which imagePullPolicy an image gets when none is written.

Called by defaulting, once, when an object is created; an update of the image never asks again.
A digest names one content, so asking the registry again could change nothing; so does, by convention, every tag
but `latest`. Page: https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from podwright.api.pods import containers

POLICIES = ("Always", "IfNotPresent", "Never")

_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


def default_pull_policy(image: str) -> str:
    """`Always` for no tag or `latest`, `IfNotPresent` for a digest, another tag, or what is no image name at all."""
    match = _REFERENCE.fullmatch(image)
    if match is None or match["digest"]:
        return "IfNotPresent"
    return "Always" if (match["tag"] or "latest") == "latest" else "IfNotPresent"


def keep_pull_policies(spec: dict[str, Any], old: Mapping[str, Any]) -> None:
    """Give containers and image volumes of `spec`, in place, the policy that those of the same name had in `old`.

    For an update that says nothing of the policy: it was set once, and does not follow the image.
    """
    had = {(at.field, at.container.get("name")): at.container.get("imagePullPolicy") for at in containers(old)}
    for at in containers(spec):
        kept = had.get((at.field, at.container.get("name")))
        if kept and not at.container.get("imagePullPolicy"):
            at.container["imagePullPolicy"] = kept
    images = {v.get("name"): (v.get("image") or {}).get("pullPolicy") for v in old.get("volumes") or ()}
    for volume in spec.get("volumes") or ():
        kept = images.get(volume.get("name"))
        if kept and volume.get("image") is not None and not volume["image"].get("pullPolicy"):
            volume["image"]["pullPolicy"] = kept
