"""What is special about ServiceAccounts: nothing but how they are shown.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Column, Strategy


class ServiceAccountStrategy(Strategy):
    """ServiceAccounts."""

    returns_deleted = True
    columns = (
        NAME,
        Column(
            "Secrets",
            lambda obj, now: len(obj.get("secrets") or ()),
            description="How many secrets Pods of the account may use.",
        ),
        AGE,
    )
