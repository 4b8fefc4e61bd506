"""What is special about Endpoints.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class EndpointsStrategy(Strategy):
    """What is special about Endpoints."""

    columns = (NAME, AGE)
    allow_create_on_update = True
