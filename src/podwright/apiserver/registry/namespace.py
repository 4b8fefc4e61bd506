"""What is special about Namespaces.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class NamespaceStrategy(Strategy):
    """What is special about Namespaces."""

    columns = (NAME, AGE)
    status_subresource = True
