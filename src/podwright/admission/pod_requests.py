"""Whether a request concerns a plugin that looks at Pods, and how such a plugin refuses.

Called by the plugins of this folder.
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import PODS


def written_pod(attributes: Attributes, *operations: Operation) -> Object | None:
    """The Pod that is written through its main resource by one of `operations`; None for any other request."""
    if attributes.resource != PODS or attributes.subresource or attributes.operation not in operations:
        return None
    return attributes.obj


def refusal(attributes: Attributes, why: str) -> Forbidden:
    """`pods "a" is forbidden: <why>`"""
    resource = attributes.resource
    return Forbidden.of(resource.plural, attributes.name, why, group=resource.group)
