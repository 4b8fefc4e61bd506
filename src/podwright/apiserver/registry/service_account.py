"""What is special about ServiceAccounts.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class ServiceAccountStrategy(Strategy):
    """What is special about ServiceAccounts."""

    columns = (NAME, AGE)
