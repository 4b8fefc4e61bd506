"""What is special about Nodes.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/architecture/nodes/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class NodeStrategy(Strategy):
    """What is special about Nodes."""

    columns = (NAME, AGE)
    status_subresource = True
