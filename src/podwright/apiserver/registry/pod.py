"""What is special about Pods.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/workloads/pods/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class PodStrategy(Strategy):
    """What is special about Pods."""

    columns = (NAME, AGE)
    status_subresource = True
    has_generation = True
