"""JSON merge patch: an object laid over an object, null deletes.

Called by the patch handler for `application/merge-patch+json`.
Page: https://www.rfc-editor.org/rfc/rfc7386
"""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object, copy_object
from podwright.apiserver.patch.errors import PatchError


def apply(doc: Object, patch: Any) -> Object:
    """`doc` with `patch` laid over it; nothing of the result is shared with either.

    Raises PatchError when the patch is not an object: it would replace the whole document.
    """
    if not isinstance(patch, dict):
        raise PatchError("invalid merge patch: an object is expected")
    merged: Object = merge(doc, patch)
    return merged


def merge(target: Any, patch: Any) -> Any:
    """MergePatch(Target, Patch) of RFC 7386, section 2, for any two JSON values."""
    if not isinstance(patch, dict):
        return copy_object(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return {key: value if key in patch else copy_object(value) for key, value in merged.items()}
