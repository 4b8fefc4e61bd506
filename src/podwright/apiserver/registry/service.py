"""What is special about Services.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class ServiceStrategy(Strategy):
    """What is special about Services."""

    columns = (NAME, AGE)
    status_subresource = True
    allow_create_on_update = True
