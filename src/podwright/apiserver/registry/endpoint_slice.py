"""What is special about EndpointSlices.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class EndpointSliceStrategy(Strategy):
    """What is special about EndpointSlices."""

    columns = (NAME, AGE)
    has_generation = True
