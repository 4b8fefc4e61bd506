"""What is special about Leases.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class LeaseStrategy(Strategy):
    """What is special about Leases."""

    columns = (NAME, AGE)
    allow_create_on_update = True
