"""Which imagePullPolicy an image gets when none is written.

Called by defaulting, once, when an object is created; an update of the image never asks again.
A digest names one content, so asking the registry again could change nothing; so does, by convention, every tag
but `latest`. Page: https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
"""

from __future__ import annotations

import re

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
