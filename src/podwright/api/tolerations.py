"""Whether a toleration lets a taint be.

Pure. Page: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Whether a toleration of a Pod allows a taint of a node."""
    for part in ("effect", "key"):
        if toleration.get(part) and toleration[part] != taint.get(part):
            return False
    if toleration.get("operator") == "Exists":
        return True
    if (toleration.get("operator") or "Equal") != "Equal":
        return False
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
