"""What is special about Secrets.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from __future__ import annotations

from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.strategy import Strategy


class SecretStrategy(Strategy):
    """What is special about Secrets."""

    columns = (NAME, AGE)
