"""Where audit annotations go until there is an audit log: one line each in the server's log.

Called by the plugins of this folder. Page: https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/
"""

from __future__ import annotations

import logging

from podwright.admission.interface import Attributes

log = logging.getLogger(__name__)


def annotate(attributes: Attributes, key: str, value: str) -> None:
    """Say for the record what a plugin or a webhook has to say of a request."""
    resource = attributes.resource
    what = f"{resource.plural}/{attributes.subresource}" if attributes.subresource else resource.plural
    where = f"{attributes.namespace}/{attributes.name}" if attributes.namespace else attributes.name
    log.info("%s %s %s by %s: %s=%r", attributes.operation.value, what, where, attributes.user.name, key, value)
