"""Whether a webhook's selectors let it be asked about one request. Pure; called by `dispatch`.

Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-objectselector
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation
from podwright.api.objects import Object, metadata
from podwright.api.resources import NAMESPACES
from podwright.api.selectors import LabelSelector


def namespace_to_read(attributes: Attributes) -> str:
    """The namespace whose labels count; "" where the request is about no namespace, or brings the labels itself."""
    if attributes.resource != NAMESPACES:
        return attributes.namespace
    own = not attributes.subresource and attributes.operation in (Operation.CREATE, Operation.UPDATE)
    return "" if own else attributes.name


def namespace_matches(selector: LabelSelector, attributes: Attributes, namespace: Object | None) -> bool:
    """Whether the namespace is selected; a request about none is never left out."""
    if not selector:
        return True
    if attributes.resource == NAMESPACES and namespace is None:
        namespace = attributes.obj
    elif not attributes.namespace and attributes.resource != NAMESPACES:
        return True
    return selector.matches(metadata(namespace or {}).get("labels"))


def object_matches(selector: LabelSelector, attributes: Attributes) -> bool:
    """Whether the object, as it is to be or as it was, is selected; what has no labels is so by no selector."""
    if not selector:
        return True
    return any(
        obj is not None and "metadata" in obj and selector.matches(metadata(obj).get("labels"))
        for obj in (attributes.obj, attributes.old)
    )
