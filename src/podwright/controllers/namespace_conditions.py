"""What the status of a terminating namespace says about why it is still there. Pure.

Called by `namespace`. Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from podwright.api.objects import Object, metadata
from podwright.api.resources import Resource


def conditions(remaining: Iterable[tuple[Resource, Object]], now: str, current: Sequence[Any]) -> list[dict[str, Any]]:
    """The conditions, given what is left in the namespace; `current` ones keep the time at which they became so.

    Those that others have set stay.

    `now` is a time as it stands in objects.
    """
    left = list(remaining)
    counts = Counter(f"{resource.plural}.{resource.group}" for resource, _ in left)
    finalizers = Counter(finalizer for _, obj in left for finalizer in metadata(obj).get("finalizers") or ())
    texts = [f"{what} has {count} resource instances" for what, count in sorted(counts.items())]
    holding = [f"{what} in {count} resource instances" for what, count in sorted(finalizers.items())]
    found = [
        ("NamespaceDeletionDiscoveryFailure", False, "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            False,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            False,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", True, "SomeResourcesRemain", f"Some resources are remaining: {', '.join(texts)}")
        if texts
        else ("NamespaceContentRemaining", False, "ContentRemoved", "All content successfully removed"),
        (
            "NamespaceFinalizersRemaining",
            True,
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {', '.join(holding)}",
        )
        if holding
        else (
            "NamespaceFinalizersRemaining",
            False,
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]
    since = {(c.get("type"), c.get("status")): c.get("lastTransitionTime") for c in current}
    own = {kind for kind, *_ in found}
    others = [dict(c) for c in current if c.get("type") not in own]
    return others + [
        {
            "type": kind,
            "status": str(holds),
            "reason": reason,
            "message": message,
            "lastTransitionTime": since.get((kind, str(holds))) or now,
        }
        for kind, holds, reason, message in found
    ]
